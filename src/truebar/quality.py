"""Judgements of published tables: each has a rule, what was found, and whether it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

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


HARMLESS_REASONS: Final = ("open_candle", "earlier_state_of_candle")
"""A candle that was still forming when it was exported is no fault of its source."""


def unreplaced(quarantine: pd.DataFrame, bars: pd.DataFrame) -> int:
    """Return how many rejected rows left a hole: no fault of a forming candle, and no good bar came later.

    Args:
        quarantine: open_time (NaT where it could not be read) and reason.
        bars: open_time of the published bars.
    """
    harmful = ~quarantine["reason"].isin(HARMLESS_REASONS)
    return int((harmful & ~quarantine["open_time"].isin(bars["open_time"])).sum())


def judge_klines(
    *, rows: int, quarantined: int, missing: int, last_close: pd.Timestamp, now: pd.Timestamp
) -> Judgement:
    """Judge the klines of one partition.

    Args:
        rows: published bars.
        quarantined: rows rejected for which no good bar came later (`unreplaced`).
        missing: bars of the grid that are not there, between the first and the last.
        last_close: close_time of the last bar, UTC.
        now: the time of the judgement, UTC.
    """
    quarantined_share = quarantined / max(1, rows + quarantined)
    missing_share = missing / max(1, rows + missing)
    return _judgement(
        [
            "there are no bars" if rows == 0 else None,
            f"{quarantined_share:.2%} of the rows were rejected, more than {QUARANTINED_SHARE_MAX:.0%}"
            if quarantined_share > QUARANTINED_SHARE_MAX
            else None,
            f"{missing_share:.2%} of the bars are missing, more than {MISSING_SHARE_MAX:.0%}"
            if missing_share > MISSING_SHARE_MAX
            else None,
            f"the last bar closes at {last_close}, after now ({now})" if rows and last_close > now else None,
        ],
        rows=rows,
        quarantined=quarantined,
        missing=missing,
        last_close=str(last_close),
    )


def judge_features(matrix: pd.DataFrame, *, bars: int) -> Judgement:
    """Judge a feature matrix: one row a bar, no infinity, and no column that is mostly missing.

    Args:
        matrix: feature columns only, one row a bar; NaN in the warm-up and where an input is missing.
        bars: rows that `market.klines` has.
    """
    values = matrix.to_numpy(dtype=np.float64)
    finite = np.isfinite(values)
    begun = np.logical_or.accumulate(finite, axis=0)
    shares = finite.sum(axis=0) / np.maximum(begun.sum(axis=0), 1)
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
