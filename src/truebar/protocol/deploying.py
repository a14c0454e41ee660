"""What may trade: the recipe repeated on dev and vault together, and the guard before it (METHOD §5.5)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.calibration import Calibrator
from truebar.edge import implied_edge
from truebar.errors import TooFewRowsError
from truebar.history import History
from truebar.models.recipe import Recipe
from truebar.models.xgboost import embargo_of, fit_rows
from truebar.times import NO_TIME, nanoseconds
from truebar.validation import PurgedKFold, Vault, training_beside

LEAST_EDGE_CORRELATION: Final = 0.8
"""Below it the model that would trade is another one than the one that was judged (METHOD §5.5)."""


@dataclass(frozen=True)
class Guard:
    """Whether the model that would trade is like the one that was judged.

    Attributes:
        correlation: of the edges that both say of dev's last fold, which neither was fitted on; NaN where an
            edge does not vary.
        rows: rows of that fold that have an edge.
    """

    correlation: float
    rows: int

    @property
    def passed(self) -> bool:
        """Whether the correlation is at least 0.8; NaN has not passed."""
        return self.correlation >= LEAST_EDGE_CORRELATION

    @property
    def words(self) -> str:
        """What the guard saw, for people."""
        seen = f"edges correlate {self.correlation:.3f} on {self.rows} rows that neither model was fitted on"
        if self.passed:
            return seen
        return (
            f"{seen}; expected at least {LEAST_EDGE_CORRELATION}: the model that would trade is not the one "
            "that was judged. Search again with more history."
        )


def deploy_rows(history: History, vault: Vault) -> IntArray:
    """Return the labelled rows up to the vault's end: dev, vault, and those purged between them.

    Raises:
        TooFewRowsError: when there is none.
    """
    label_end = nanoseconds(history.labels["label_end"], "label_end", missing_allowed=True)
    rows = np.flatnonzero((label_end != NO_TIME) & (label_end <= vault.end.value))
    if rows.size == 0:
        raise TooFewRowsError(f"no labelled row ends by {vault.end}, so there is nothing to deploy from.")
    return rows


def guard_of(
    history: History,
    dev: IntArray,
    everything: IntArray,
    recipe: Recipe,
    *,
    timeframe: str,
    calibrators: tuple[Calibrator, Calibrator],
    models_at_once: int = 1,
) -> Guard:
    """Return how alike the edges of both bundles' models are on dev's last fold, left out of both.

    The recipe is fitted on the rest of dev and on the rest of dev and vault, each purged and embargoed
    around the fold, and calibrated as its bundle is.

    Args:
        history: features and labels of the recipe.
        dev: int64[m], rows of dev, ascending.
        everything: int64[k], rows of dev and vault, from `deploy_rows`.
        recipe: frozen.
        timeframe: of the bars.
        calibrators: of the evaluation and of the deploy bundle.
        models_at_once: models fitted at the same time; the result does not depend on it.

    Raises:
        TooFewRowsError: when a training side is empty or lacks a class.
    """
    embargo_bars = embargo_of(recipe, timeframe, len(dev))
    folds = PurgedKFold(recipe.validation.folds, embargo_bars=embargo_bars)
    last = list(folds.split(history.open_time[dev], history.labels["label_end"].iloc[dev]))[-1][1]
    fold = dev[last]

    def edges_of(rows: IntArray, calibrator: Calibrator) -> FloatArray:
        return _edges_beside(history, rows, fold, recipe, calibrator=calibrator, embargo_bars=embargo_bars)

    with ThreadPoolExecutor(models_at_once) as pool:
        first, second = pool.map(edges_of, (dev, everything), calibrators)
    both = np.isfinite(first) & np.isfinite(second)
    first, second = first[both], second[both]
    varies = both.sum() > 1 and np.ptp(first) > 0 and np.ptp(second) > 0
    return Guard(float(np.corrcoef(first, second)[0, 1]) if varies else float("nan"), int(both.sum()))


def _edges_beside(
    history: History,
    rows: IntArray,
    fold: IntArray,
    recipe: Recipe,
    *,
    calibrator: Calibrator,
    embargo_bars: int,
) -> FloatArray:
    """Return the edges of `fold` by the recipe fitted on those of `rows` that do not clash with it."""
    label_end = history.labels["label_end"].iloc[rows]
    training = rows[
        training_beside(
            history.open_time[rows], label_end, np.searchsorted(rows, fold), embargo_bars=embargo_bars
        )
    ]
    model = fit_rows(history, training, recipe)
    probabilities = calibrator.predict(model.predict(history.features[fold]))
    return implied_edge(probabilities, history.column("tau")[fold], history.facts(training).edge_scale)
