"""What a recipe becomes on some rows: calibrator, thresholds and refitted model (METHOD §5)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar import calibration
from truebar.arrays import FloatArray, IntArray
from truebar.calibration import Calibrator
from truebar.config import CalibrationMethod
from truebar.errors import CorruptDataError
from truebar.history import History
from truebar.models.bundle import DevFacts, Slice
from truebar.models.out_of_fold import OutOfFold
from truebar.models.recipe import Recipe
from truebar.models.xgboost import XgboostModel, fit_rows, out_of_fold
from truebar.thresholds import Thresholds, at_cost, optimise
from truebar.thresholds.tuning import TuningMethod
from truebar.times import nanoseconds


@dataclass(frozen=True)
class FittedRecipe:
    """A recipe fitted on rows of one history.

    Attributes:
        model: fitted on all of the rows.
        calibrator: fitted on their out-of-fold probabilities.
        thresholds: tuned on the calibrated out-of-fold rows.
        fitted: where the rows begin and end, and how many there are.
        facts: m, q and shares of all of the rows.
        out_of_fold: raw probabilities of each row, by a model that was not fitted on its fold.
        calibrated: the same rows, calibrated by a calibrator that was not fitted on their fold.
    """

    model: XgboostModel
    calibrator: Calibrator
    thresholds: Thresholds
    fitted: Slice
    facts: DevFacts
    out_of_fold: OutOfFold
    calibrated: OutOfFold

    def predict(self, matrix: npt.ArrayLike) -> FloatArray:
        """Return float64[n, 3], calibrated p_down, p_flat, p_up of rows of the feature matrix.

        Columns, NaN, time of availability and errors as `truebar.models.protocol.Model.predict`.
        """
        return self.calibrator.predict(self.model.predict(matrix))


def choose_calibration(
    history: History, made: OutOfFold, candidates: tuple[CalibrationMethod, ...], *, horizon_bars: int
) -> CalibrationMethod:
    """Return the simplest calibration that is not clearly worse than the best, by one standard error.

    Args:
        history: labels of the rows, and where they end.
        made: out-of-fold rows of dev.
        candidates: methods on offer; a single one is taken as it is.
        horizon_bars: h, whose double is the mean block of the standard error.

    May be used from the last label_end of the rows on.

    Raises:
        TooFewRowsError: when the rows do not suffice for any candidate.
    """
    if len(candidates) == 1:
        return candidates[0]
    chosen = calibration.choose(
        candidates,
        made.probabilities,
        history.label[made.rows],
        made.fold,
        mean_block_bars=2.0 * horizon_bars,
        open_time=history.open_time[made.rows],
        label_end=history.labels["label_end"].iloc[made.rows],
    )
    return cast("CalibrationMethod", chosen)


def cross_calibrated(history: History, made: OutOfFold, method: CalibrationMethod) -> OutOfFold:
    """Return out-of-fold rows calibrated by a fit on the rows of other folds that do not clash with theirs.

    Args:
        history: labels of the rows, and where they end.
        made: out-of-fold rows, not calibrated.
        method: of calibration.

    The rows between are calibrated like their fold, and fitted on by none.

    Raises:
        TooFewRowsError: when the rows beside a fold do not suffice for the method.
    """
    asked, labels = made.asked, history.label.copy()
    labels[made.between.rows] = np.nan
    said = calibration.cross_fit(
        method,
        asked.probabilities,
        labels[asked.rows],
        np.concatenate((made.fold, made.between.fold)),
        open_time=history.open_time[asked.rows],
        label_end=history.labels["label_end"].iloc[asked.rows],
    )
    between = replace(made.between, probabilities=said[made.rows.size :])
    return replace(made, probabilities=said[: made.rows.size], between=between)


def tune_thresholds(
    history: History,
    bars: pd.DataFrame,
    calibrated: OutOfFold,
    recipe: Recipe,
    *,
    timeframe: str,
    funding: pd.DataFrame | None = None,
    method: TuningMethod = "ev_net",
) -> Thresholds:
    """Return the entry thresholds of the recipe's rule, from decision and engine over out-of-fold edges.

    Args:
        history: the rows' sigma, tau and labels.
        bars: klines of the same rows as `history`.
        calibrated: cross-fitted out-of-fold rows, each edge with m and q of its own fold's training side. The
            rows between them are decided on too: a live account has no labels to tell it where a gap comes.
        recipe: rule, costs, sides and sizes.
        timeframe: of the bars.
        funding: `market.funding`; None is a market without.
        method: what they are best by. Only `ev_net` may decide about money (METHOD §3), whatever the recipe
            lists; the others make a curve to look at.

    Raises:
        CorruptDataError: when bars and history are not of the same rows.
        TooFewRowsError: when no row has an edge.
    """
    if not recipe.thresholds.enabled:
        return at_cost(recipe.backtest)
    same_rows(history, bars)
    asked, span = calibrated.asked, slice(int(calibrated.rows[0]), int(calibrated.rows[-1]) + 1)
    probabilities = np.full((len(bars), 3), np.nan)
    scale, moments = np.ones(len(bars)), np.ones((len(bars), 3))
    probabilities[asked.rows] = asked.probabilities
    scale[asked.rows], moments[asked.rows] = asked.edge_scale, asked.class_second_moments
    return optimise(
        probabilities[span],
        bars=bars.iloc[span],
        tau=history.column("tau")[span],
        edge_scale=scale[span],
        config=recipe.backtest,
        method=method,
        funding=funding,
        labels=history.label[span],
        horizon_bars=recipe.label.horizon_bars,
        sigma=history.column("sigma")[span],
        class_moments=moments[span],
        timeframe=timeframe,
    )


def fit_recipe(
    history: History,
    bars: pd.DataFrame,
    rows: IntArray,
    recipe: Recipe,
    *,
    timeframe: str,
    funding: pd.DataFrame | None = None,
    made: OutOfFold | None = None,
    folds_at_once: int = 1,
) -> FittedRecipe:
    """Return the recipe fitted on `rows`: METHOD §5, steps 1 to 4, without a study.

    Args:
        history: features, in the recipe's columns, and labels of the recipe.
        bars: klines of the same rows.
        rows: int64[m], labelled rows, ascending: dev for what is judged, dev and vault for what may trade.
        recipe: frozen; its calibration method is used as it is.
        timeframe: of the bars.
        funding: `market.funding`; None is a market without.
        made: the recipe's out-of-fold rows where they are known already.
        folds_at_once: folds fitted at the same time, and where it is above 1 the whole beside them; the
            result does not depend on it.

    May be used from the last label_end of `rows` on.

    Raises:
        TooFewRowsError: when a fold, a class or a side is empty.
        SchemaError, CorruptDataError: when columns or rows do not match.
    """
    with ThreadPoolExecutor(1) as beside:
        whole = beside.submit(fit_rows, history, rows, recipe)
        if folds_at_once == 1:
            whole.result()
        found = made or out_of_fold(history, rows, recipe, timeframe=timeframe, folds_at_once=folds_at_once)
        model = whole.result()
    labels = history.label[found.rows]
    calibrated = cross_calibrated(history, found, recipe.calibration)
    return FittedRecipe(
        model=model,
        calibrator=calibration.fit(recipe.calibration, found.probabilities, labels),
        thresholds=tune_thresholds(history, bars, calibrated, recipe, timeframe=timeframe, funding=funding),
        fitted=history.slice_of(rows),
        facts=history.facts(rows),
        out_of_fold=found,
        calibrated=calibrated,
    )


def same_rows(history: History, bars: pd.DataFrame) -> None:
    """Do nothing if `bars` and `history` are of the same rows.

    Raises:
        CorruptDataError: when they are not; both counts are named.
    """
    if not np.array_equal(nanoseconds(history.open_time), nanoseconds(bars["open_time"])):
        raise CorruptDataError(
            f"the history has {len(history.open_time)} rows and the bars {len(bars)}, not of the same times; "
            "materialize features and labels again from the same klines."
        )
