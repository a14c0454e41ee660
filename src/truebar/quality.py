"""Judgements of published tables: each has a rule, what was found, and whether it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from truebar.market.gaps import DELISTED_TAIL, HALTED, MISSING
from truebar.market.quality import KlinesQuality

QUARANTINED_SHARE_MAX: Final = 0.01
"""More rejected rows than one in a hundred means the file is not what it is taken for."""

MISSING_SHARE_MAX: Final = 0.05
"""The share of missing bars that a volatility window tolerates (METHOD §1)."""

FINITE_SHARE_MIN: Final = 0.95
"""Share of finite values that every feature column must have after its first one."""


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


def judge_features(matrix: pd.DataFrame, *, bars: int) -> Judgement:
    """Judge a feature matrix: one row a bar, no infinity, and no column that is mostly missing.

    Args:
        matrix: feature columns only, one row a bar; NaN in the warm-up and where an input is missing. A
            column that is missing throughout is no fault: its source does not give what it stands on, or
            the history is shorter than its warm-up.
        bars: rows that `market.klines` has.
    """
    values = matrix.to_numpy(dtype=np.float64)
    finite = np.isfinite(values)
    begun = np.logical_or.accumulate(finite, axis=0)
    given = finite.any(axis=0)
    shares = np.where(given, finite.sum(axis=0) / np.maximum(begun.sum(axis=0), 1), 1.0)
    sparse = [
        str(name) for name, share in zip(matrix.columns, shares, strict=True) if share < FINITE_SHARE_MIN
    ]
    infinite = int(np.isinf(values).sum())
    return _judgement(
        [
            f"{len(matrix)} rows for {bars} bars" if len(matrix) != bars else None,
            f"{infinite} infinite values" if infinite else None,
            f"mostly missing after their first value: {', '.join(sparse)}" if sparse else None,
        ],
        rows=len(matrix),
        columns=matrix.shape[1],
        columns_without_input=int(np.count_nonzero(~given)),
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
    absent = [str(value) for value in (-1, 0, 1) if value not in shares]
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
            for name, value in (("down", -1), ("flat", 0), ("up", 1))
        },
    )
