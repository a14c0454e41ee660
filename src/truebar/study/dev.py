"""Dev as all trials of a study share it: rows, folds, matrices, and the labels on offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import xgboost

from truebar.arrays import FloatArray, IntArray
from truebar.config import Estimator, LabelConfig
from truebar.errors import ConfigurationError, TooFewRowsError
from truebar.history import History
from truebar.labels import vol_scaled
from truebar.models.out_of_fold import rows_between
from truebar.models.protocol import class_numbers
from truebar.models.recipe import Request
from truebar.models.xgboost import embargo_of
from truebar.validation import PurgedKFold
from truebar.volatility import estimate

YARDSTICK_WINDOW_BARS = 96
"""Window of the realized volatility that every trial is measured by, whatever estimator it uses."""

LabelChoice: TypeAlias = tuple[float, Estimator]
"""k and estimator."""


@dataclass(frozen=True, eq=False)
class Fold:
    """One fold of dev, with the matrix that every trial trains on; only its labels change.

    Attributes:
        number: of the fold in time, 0 first.
        training: int64[r], places among dev's rows.
        test: int64[s], places among dev's rows.
        between: int64[b], places among dev's rows between, those that lie inside the test block.
        matrix: quantised features of the training side.
    """

    number: int
    training: IntArray
    test: IntArray
    between: IntArray
    matrix: xgboost.QuantileDMatrix


@dataclass(frozen=True, eq=False)
class RowsBetween:
    """Rows inside the folds' test blocks without a label: asked for accounts, never fitted on or scored.

    Attributes:
        rows: int64[r], rows of the history, ascending.
        features: float32[r, columns].
        tau: by k and estimator on offer, float64[r], log return; NaN where there is no volatility.
    """

    rows: IntArray
    features: npt.NDArray[np.float32]
    tau: Mapping[LabelChoice, FloatArray]


@dataclass(frozen=True, eq=False)
class Dev:
    """What every trial of a study sees.

    Attributes:
        rows: int64[m], rows of the history that are labelled whatever k and estimator a trial takes.
        features: float32[m, columns].
        folds: in the seeded order in which trials and pruners see them.
        labels: by k and estimator on offer, the label of each of `rows`, float64[m].
        tau: by the same, float64[m], log return.
        future_return: float64[m], log return over the horizon.
        yardstick: float64[m], realized volatility per bar over 96 bars, times √h.
        between: rows inside the test blocks that are not of `rows`.
        timeframe: of the bars.
    """

    rows: IntArray
    features: npt.NDArray[np.float32]
    folds: tuple[Fold, ...]
    labels: Mapping[LabelChoice, FloatArray]
    tau: Mapping[LabelChoice, FloatArray]
    future_return: FloatArray
    yardstick: FloatArray
    between: RowsBetween
    timeframe: str

    def choice(self, label: LabelConfig) -> LabelChoice:
        """Return the key of a label.

        Raises:
            ConfigurationError: when it is not on offer in this study.
        """
        key = (label.k, label.estimator)
        if key not in self.labels:
            raise ConfigurationError(f"k {label.k} with {label.estimator} is not on offer in this study.")
        return key


def dev_of(
    history: History,
    bars: pd.DataFrame,
    dev: IntArray,
    request: Request,
    *,
    sigmas: Mapping[str, FloatArray],
    timeframe: str,
    tick_size: float | None = None,
) -> Dev:
    """Return what every trial of a study shares.

    Args:
        history: features and the request's own labels.
        bars: klines of the same rows.
        dev: int64[m], labelled rows before the vault, ascending.
        request: labels on offer, folds, bins.
        sigmas: by estimator on offer, float64[n], volatility of each bar over the label's window.
        timeframe: of the bars.
        tick_size: smallest price step, quote currency; None: no tick rule.

    Raises:
        ConfigurationError: when an estimator on offer has no volatility.
        TooFewRowsError: when a fold is empty, or no row is labelled under every label on offer.
    """
    made = _labels_on_offer(bars, request, sigmas, timeframe)
    yardstick = estimate(
        bars, "realized", window=YARDSTICK_WINDOW_BARS, timeframe=timeframe, tick_size=tick_size
    )[dev]
    valid = np.isfinite(yardstick) & (yardstick > 0)
    for frame in made.values():
        valid &= np.isfinite(frame["label"].to_numpy()[dev])
    rows = dev[valid]
    if rows.size == 0:
        raise TooFewRowsError(
            f"none of {dev.size} rows of dev is labelled under every k and estimator on offer; use more "
            "history, or offer fewer estimators."
        )
    features = np.ascontiguousarray(history.features[rows])
    folds = _folds(history, rows, features, request, timeframe)
    between = np.sort(np.concatenate([rows_between(rows[fold.test]) for fold in folds]))
    first = next(iter(made.values()))
    return Dev(
        rows=rows,
        features=features,
        folds=folds,
        labels=MappingProxyType({key: frame["label"].to_numpy()[rows] for key, frame in made.items()}),
        tau=MappingProxyType({key: frame["tau"].to_numpy()[rows] for key, frame in made.items()}),
        future_return=first["future_return"].to_numpy()[rows],
        yardstick=yardstick[valid] * np.sqrt(request.label.horizon_bars),
        between=RowsBetween(
            between,
            np.ascontiguousarray(history.features[between]),
            MappingProxyType({key: frame["tau"].to_numpy()[between] for key, frame in made.items()}),
        ),
        timeframe=timeframe,
    )


def _labels_on_offer(
    bars: pd.DataFrame, request: Request, sigmas: Mapping[str, FloatArray], timeframe: str
) -> dict[LabelChoice, pd.DataFrame]:
    """Return the labels of every k and estimator on offer, those of the request among them."""
    label = request.label
    made = {}
    for estimator in dict.fromkeys((label.estimator, *request.estimators)):
        if estimator not in sigmas:
            raise ConfigurationError(
                f"no volatility by {estimator}; expected one for each estimator on offer, found "
                f"{', '.join(sigmas)}."
            )
        sigma = sigmas[estimator]
        for k in dict.fromkeys((label.k, *request.k_grid)):
            made[k, estimator] = vol_scaled(
                bars,
                sigma,
                k=k,
                horizon_bars=label.horizon_bars,
                neutral_zone=label.neutral_zone,
                timeframe=timeframe,
            )
    return made


def _folds(
    history: History,
    rows: IntArray,
    features: npt.NDArray[np.float32],
    request: Request,
    timeframe: str,
) -> tuple[Fold, ...]:
    """Return the purged folds in a seeded random order, so that no pruner always sees the oldest first."""
    splitter = PurgedKFold(request.validation.folds, embargo_bars=embargo_of(request, timeframe, len(rows)))
    splits = list(splitter.split(history.open_time[rows], history.labels["label_end"].iloc[rows]))
    order = np.random.default_rng([request.search.seed, 0]).permutation(len(splits))
    inside = [rows_between(rows[test]).size for _, test in splits]
    starts = np.cumsum([0, *inside])
    folds = []
    for number in order:
        training, test = splits[number]
        matrix = xgboost.QuantileDMatrix(
            features[training],
            feature_names=list(request.feature_columns),
            max_bin=request.parameters.max_bin,
            nthread=1,
        )
        between = np.arange(starts[number], starts[number + 1])
        folds.append(Fold(int(number), training, test, between, matrix))
    return tuple(folds)


def classes_of(labels: FloatArray, training: IntArray) -> IntArray:
    """Return the classes of training rows.

    Raises:
        TooFewRowsError: when a class has no row.
    """
    classes = class_numbers(labels[training])
    if np.unique(classes).size < 3:
        raise TooFewRowsError(
            f"{training.size} training rows do not have all of down, flat and up; use more history, or "
            "another k."
        )
    return classes
