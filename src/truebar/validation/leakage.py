"""Condition (d) of the verdict: does anything that a model learned from or was judged on know its future?

Features and labels are recomputed on the partition's own bars with another future; slices and folds are
compared row by row with METHOD §2, without the code that made them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from truebar.arrays import IntArray, Times
from truebar.config import LabelConfig
from truebar.features import batch, families_of
from truebar.labels import vol_scaled
from truebar.times import nanoseconds, utc_index
from truebar.validation.apart import Fold, folds_are_apart, slices_are_apart
from truebar.validation.causality import Leak, find_leaks
from truebar.volatility import estimate

SAMPLE_BARS: Final = 600
"""Bars after the warm-up on which a check is run."""

KNOWN_ROWS: Final = 6
"""Bars at which the future is changed, in three ways each."""


@dataclass(frozen=True)
class Beside:
    """Columns of the matrix that are computed elsewhere than in `truebar.features`, from the same bars.

    Attributes:
        compute: maps n bars to n rows of them.
        warmup_bars: bars after which each of them has a value.
    """

    compute: Callable[[pd.DataFrame], pd.DataFrame]
    warmup_bars: int


def leaks_of_features(
    bars: pd.DataFrame,
    feature_set: str,
    *,
    timeframe: str,
    generator: np.random.Generator,
    columns: Sequence[str] | None = None,
    beside: Beside | None = None,
) -> list[Leak] | None:
    """Return the feature columns that know their future, on the latest bars of a partition.

    Args:
        bars: klines of the partition, ascending.
        feature_set: the set, or one family of it; see `truebar.features.FEATURE_SETS`.
        timeframe: of the bars.
        generator: chooses the bars and the shocks.
        columns: those that are read; all of the set by default.
        beside: more columns than those of the set.

    None where there are too few bars after the warm-up, where no column has a value, or where one of
    `columns` is neither of the set nor beside it: not all was checked.

    Raises:
        ConfigurationError, SchemaError, CorruptDataError: as `truebar.features.batch`.
    """
    warmup = max(column.warmup_bars for family in families_of(feature_set) for column in family.declared)
    warmup = max(warmup, 0 if beside is None else beside.warmup_bars)

    def computed(some: pd.DataFrame) -> pd.DataFrame:
        made = batch(some, feature_set, timeframe=timeframe).drop(columns=["open_time", "available_at"])
        return made if beside is None else pd.concat([made, beside.compute(some)], axis=1)

    def compute(some: pd.DataFrame) -> pd.DataFrame:
        return computed(some) if columns is None else computed(some)[list(columns)]

    sample = bars.tail(warmup + SAMPLE_BARS).reset_index(drop=True)
    if len(sample) < warmup + 3 or not set(columns or ()) <= set(computed(sample.tail(1)).columns):
        return None
    if _is_empty(compute(sample)):
        return None
    return find_leaks(compute, sample, generator=generator, known_rows=KNOWN_ROWS, known_from=max(warmup, 1))


def leaks_of_labels(
    bars: pd.DataFrame,
    label: LabelConfig,
    *,
    timeframe: str,
    generator: np.random.Generator,
    tick_size: float | None = None,
) -> list[Leak] | None:
    """Return the label columns that know more than they may, on the latest bars of a partition.

    sigma and tau may be used from the close of their bar, future_return, label and label_end from label_end.

    Args:
        bars: klines of the partition, ascending.
        label: estimator, window, k and horizon.
        timeframe: of the bars.
        generator: chooses the bars and the shocks.
        tick_size: smallest price step, quote currency; None: no tick rule.

    None where there are too few bars, or where no bar has a label: nothing was checked.

    Raises:
        SchemaError, CorruptDataError: as `truebar.volatility.estimate` and `truebar.labels.vol_scaled`.
    """
    warmup = label.window + label.horizon_bars

    def compute(some: pd.DataFrame) -> pd.DataFrame:
        sigma = estimate(some, label.estimator, window=label.window, timeframe=timeframe, tick_size=tick_size)
        return vol_scaled(
            some,
            sigma,
            k=label.k,
            horizon_bars=label.horizon_bars,
            neutral_zone=label.neutral_zone,
            timeframe=timeframe,
        )

    sample = bars.tail(warmup + SAMPLE_BARS).reset_index(drop=True)
    if len(sample) < warmup + 3 or _is_empty(compute(sample)[["label"]]):
        return None
    early = find_leaks(
        lambda some: compute(some)[["sigma", "tau"]],
        sample,
        generator=generator,
        known_rows=KNOWN_ROWS,
        known_from=warmup,
    )
    return early + find_leaks(
        compute,
        sample,
        generator=generator,
        known_rows=KNOWN_ROWS,
        known_from=warmup,
        known_at="label_end",
    )


def _is_empty(columns: pd.DataFrame) -> bool:
    return not columns.notna().to_numpy().any()


def leakage_checks(
    bars: pd.DataFrame,
    *,
    feature_set: str,
    label: LabelConfig,
    timeframe: str,
    open_time: Times,
    label_end: Times,
    dev: IntArray,
    vault: IntArray,
    folds: Sequence[Fold],
    embargo_bars: int,
    generator: np.random.Generator,
    tick_size: float | None = None,
    columns: Sequence[str] | None = None,
    beside: Beside | None = None,
) -> dict[str, bool | None]:
    """Return the leakage checks of a verdict by name: True passed, False failed, None not computed.

    `features` and `labels` recompute the latest bars with another future; `dev_vault` and `folds` compare
    the rows that were fitted on with those that were judged (METHOD §2, §6 d). The result is for
    `truebar.verdict.judge`.

    Args:
        bars: klines of the partition, ascending.
        feature_set: where the model's columns are from.
        label: what it learns.
        timeframe: of the bars.
        open_time: [n] times of the rows of the history, ascending.
        label_end: [n] times, NaT where there is no label.
        dev: rows of the history that were worked on.
        vault: rows of the history that are judged.
        folds: (fitted on, judged on) rows of the history, all of them of `dev`.
        embargo_bars: of these folds, counted in rows of theirs.
        generator: chooses the bars and the shocks.
        tick_size: smallest price step, quote currency; None: no tick rule.
        columns: what the model reads; all of the set by default.
        beside: where its columns are from that are not of the set.

    Raises:
        ConfigurationError, SchemaError, CorruptDataError: as the functions it calls.
    """
    of_features = leaks_of_features(
        bars, feature_set, timeframe=timeframe, generator=generator, columns=columns, beside=beside
    )
    of_labels = leaks_of_labels(bars, label, timeframe=timeframe, generator=generator, tick_size=tick_size)
    opens = utc_index(nanoseconds(open_time))
    ends = utc_index(nanoseconds(label_end, "label_end", missing_allowed=True))
    return {
        "features": None if of_features is None else not of_features,
        "labels": None if of_labels is None else not of_labels,
        "dev_vault": slices_are_apart(opens, ends, [dev, vault]),
        "folds": _folds_hold(opens, ends, dev, folds, embargo_bars),
    }


def _folds_hold(
    opens: pd.DatetimeIndex, ends: pd.DatetimeIndex, dev: IntArray, folds: Sequence[Fold], embargo_bars: int
) -> bool | None:
    """Return whether folds are of dev's rows alone and apart; None without folds."""
    if not folds:
        return None
    rows = np.unique(np.concatenate([side for fold in folds for side in fold]))
    if not np.isin(rows, dev).all():
        return False
    places = [(np.searchsorted(rows, fitted), np.searchsorted(rows, judged)) for fitted, judged in folds]
    return folds_are_apart(opens[rows], ends[rows], places, embargo_bars=embargo_bars)
