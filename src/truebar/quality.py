"""Judgements of published tables: each has a rule, what was found, and whether it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from truebar.arrays import BoolArray, FloatArray
from truebar.bars import columns_of, grid_of
from truebar.classes import CLASS_LABELS, CLASS_NAMES
from truebar.feature_columns import COLUMN_FAMILIES
from truebar.market.gaps import DELISTED_TAIL, HALTED, MISSING
from truebar.market.quality import KlinesQuality

QUARANTINED_SHARE_MAX: Final = 0.01
"""More rejected rows than one in a hundred means the file is not what it is taken for."""

MISSING_SHARE_MAX: Final = 0.05
"""The share of missing bars that a volatility window tolerates (METHOD §1)."""

FINITE_SHARE_MIN: Final = 0.95
"""Share of finite values that every feature column must have in whole rows after its first value."""

WHOLE_BARS: Final = 1 + max(
    column.warmup_bars
    for family in COLUMN_FAMILIES.values()
    for column in family.declared
    if not column.is_recursive
)
"""Bars that the longest window of a feature rests on, its own included."""


@dataclass(frozen=True)
class Judgement:
    """Whether a table is fit to build on, with the evidence in numbers."""

    passed: bool
    evidence: Mapping[str, float | int | str | None] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


def _judgement(reasons: Sequence[str | None], **evidence: float | int | str | None) -> Judgement:
    """Return a judgement that passed when no rule gave a reason."""
    given = tuple(reason for reason in reasons if reason is not None)
    return Judgement(not given, evidence, given)


def judge_klines(quality: KlinesQuality, *, now: pd.Timestamp) -> Judgement:
    """Judge whether anything may be built on the klines of one partition.

    Args:
        quality: what is known about them.
        now: the time of the judgement, UTC.
    """
    rows, missing, last = quality.bars, quality.gap(MISSING).bars, quality.last_close_time
    rejected_share = quality.holes / max(1, rows + quality.holes)
    missing_share = missing / max(1, rows + missing)
    return _judgement(
        [
            "there are no bars" if rows == 0 else None,
            f"{rejected_share:.2%} of the rows were rejected, more than {QUARANTINED_SHARE_MAX:.0%}"
            if rejected_share > QUARANTINED_SHARE_MAX
            else None,
            f"{missing_share:.2%} of the bars are missing, more than {MISSING_SHARE_MAX:.0%}"
            if missing_share > MISSING_SHARE_MAX
            else None,
            f"the last bar closes at {last}, after now ({now})" if last is not None and last > now else None,
            f"the price is the same in all {rows:,} bars: there is nothing to predict"
            if rows > 1 and quality.moves == 0
            else None,
            f"nothing traded: all {rows:,} bars have zero volume"
            if rows and quality.zero_volume_bars == rows
            else None,
        ],
        rows=rows,
        quarantined=quality.holes,
        missing=missing,
        halted=quality.gap(HALTED).bars,
        zero_volume=quality.zero_volume_bars,
        last_close=str(last),
    )


def judge_rejections(quality: KlinesQuality) -> Judgement:
    """Judge whether every rejected row is accounted for: a forming candle, or replaced by a later file."""
    return _judgement(
        [
            f"{quality.holes:,} rejected rows left a hole that no later file has filled"
            if quality.holes
            else None
        ],
        holes=quality.holes,
        duplicates=quality.duplicates,
        out_of_order=quality.out_of_order,
        mixed_stamps="; ".join(f"{name}: {units}" for name, units in quality.mixed_stamps.items()),
        checksums_verified=quality.checksums_verified,
        imports=quality.imports,
        **{f"rejected: {reason}": rows for reason, rows in sorted(quality.rejected.items())},
    )


def judge_continuity(quality: KlinesQuality) -> Judgement:
    """Judge whether the market traded from first bar to last: halts are told, holes and tails fail."""
    missing, tail = quality.gap(MISSING), quality.gap(DELISTED_TAIL)
    return _judgement(
        [
            f"bars are missing: {missing.bars:,} in {missing.stretches:,} places" if missing.bars else None,
            f"nothing has traded in the last {tail.bars:,} bars: the market looks delisted"
            if tail.bars
            else None,
        ],
        missing=missing.bars,
        halts=quality.gap(HALTED).stretches,
        halted=quality.gap(HALTED).bars,
        delisted_tail=tail.bars,
        zero_volume=quality.zero_volume_bars,
        longest="; ".join(
            f"{gap.start:%Y-%m-%d %H:%M} {gap.reason} {gap.bars} bars" for gap in quality.longest_gaps
        ),
    )


def whole_rows(bars: pd.DataFrame, *, timeframe: str) -> BoolArray:
    """Return of which rows the last `WHOLE_BARS` bars are all there, each traded and with a range.

    A bar that is missing, did not trade or stood still makes features unknown as long as their windows hold
    it, by their definitions: most bear one in twenty, an average true range or a stochastic not even one.

    Args:
        bars: open_time, high, low, volume.
        timeframe: of the bars.
    """
    high, low, volume = columns_of(bars, ("high", "low", "volume"))
    slot, still = grid_of(bars, timeframe).slot, ~((volume > 0) & (high > low))
    before = max(0, len(bars) - WHOLE_BARS + 1)
    still_so_far = np.concatenate(([0], np.cumsum(still)))
    whole = np.zeros(len(bars), dtype=np.bool_)
    whole[WHOLE_BARS - 1 :] = (slot[WHOLE_BARS - 1 :] - slot[:before] == WHOLE_BARS - 1) & (
        still_so_far[WHOLE_BARS:] == still_so_far[:before]
    )
    return whole


def _shares(finite: BoolArray, begun: BoolArray) -> FloatArray:
    """Return the share of finite values among those of each column that has begun; 1 where none has."""
    counted = begun.sum(axis=0)
    return np.where(counted, finite.sum(axis=0) / np.maximum(counted, 1), 1.0)


def judge_features(matrix: pd.DataFrame, bars: pd.DataFrame, *, timeframe: str) -> Judgement:
    """Judge a feature matrix: one row a bar, no infinity, and nothing missing but what its bars explain.

    Args:
        matrix: feature columns only, one row a bar; NaN in the warm-up and where an input is missing. A
            column that is missing throughout is no fault: its source does not give what it stands on, or
            the history is shorter than its warm-up.
        bars: open_time, high, low, volume of `market.klines`; rows that are not whole are not asked for
            values (see `whole_rows`).
        timeframe: of the bars.
    """
    values = matrix.to_numpy(dtype=np.float64)
    finite = np.isfinite(values)
    asked = np.zeros(len(matrix), dtype=np.bool_)
    if len(matrix) == len(bars):
        asked = whole_rows(bars, timeframe=timeframe)
    begun = np.logical_or.accumulate(finite, axis=0)
    shares, shares_asked = _shares(finite, begun), _shares(finite[asked], begun[asked])
    broken = [
        str(name)
        for name, share in zip(matrix.columns, shares_asked, strict=True)
        if share < FINITE_SHARE_MIN
    ]
    infinite = int(np.isinf(values).sum())
    return _judgement(
        [
            f"{len(matrix)} rows for {len(bars)} bars" if len(matrix) != len(bars) else None,
            f"{infinite} infinite values" if infinite else None,
            f"not known in more than {1 - FINITE_SHARE_MIN:.0%} of the rows whose last {WHOLE_BARS} bars are "
            f"whole, after their first value: {', '.join(broken)}"
            if broken
            else None,
        ],
        rows=len(matrix),
        whole_rows=int(np.count_nonzero(asked)),
        columns=matrix.shape[1],
        columns_without_input=int(np.count_nonzero(~finite.any(axis=0))),
        infinite=infinite,
        least_finite_share=float(shares.min()) if shares.size else None,
    )


def judge_labels(labels: pd.DataFrame) -> Judgement:
    """Judge labels: some rows have one, all three classes occur, and every label ends after its bar.

    Args:
        labels: open_time, label (NaN where there is none), label_end.
    """
    labelled = labels[labels["label"].notna()]
    shares = labelled["label"].astype(int).value_counts(normalize=True)
    absent = [str(value) for value in CLASS_LABELS if value not in shares]
    early = int((labelled["label_end"] <= labelled["open_time"]).sum())
    return _judgement(
        [
            "no row has a label" if labelled.empty else None,
            f"labels {', '.join(absent)} never occur" if absent and not labelled.empty else None,
            f"{early} labels end before their bar" if early else None,
        ],
        labelled=len(labelled),
        unlabelled=len(labels) - len(labelled),
        **{
            f"share_{name}": float(shares.get(value, 0.0))
            for name, value in zip(CLASS_NAMES, CLASS_LABELS, strict=True)
        },
    )
