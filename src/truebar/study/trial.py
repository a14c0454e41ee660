"""One trial: boosters of all folds in stages, a score after each, an outcome at the end (METHOD §4)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import xgboost

from truebar.arrays import FloatArray
from truebar.edge import edge_scale, implied_edge
from truebar.models.xgboost import XgboostModel, booster_settings
from truebar.scores.trial import trial_score
from truebar.study.candidate import Candidate
from truebar.study.dev import Dev, Fold, classes_of

FIRST_FOLD_STAGES: Final = 3
"""A pruner looks after each third of the first fold's rounds, then after each fold."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a finished trial leaves.

    Attributes:
        score: R² of the implied edge over all out-of-fold rows.
        probabilities: float64[m, 3], out-of-fold p_down, p_flat, p_up of dev's rows.
        edge: float64[m], out-of-fold edge with m of each fold's training side, log return.
        edge_between: float64[r], the same of dev's rows between; NaN without volatility.
        models: the model of each fold, first in time first.
    """

    score: float
    probabilities: FloatArray
    edge: FloatArray
    edge_between: FloatArray
    models: tuple[XgboostModel, ...]


class TrialRun:
    """A trial under way.

    The rounds of a trial are part of what is tried: no row that is scored stops the boosting. Folds after the
    first are fitted `folds_at_once`, each in a thread; the scores do not depend on it.
    """

    def __init__(self, dev: Dev, candidate: Candidate, *, folds_at_once: int = 1) -> None:
        choice = dev.choice(candidate.label)
        self._dev, self._candidate, self._folds_at_once = dev, candidate, folds_at_once
        self._labels, self._tau = dev.labels[choice], dev.tau[choice]
        self._tau_between = dev.between.tau[choice]
        self._edge_between = np.full(dev.between.rows.size, np.nan)
        self._probabilities = np.full((dev.rows.size, 3), np.nan)
        self._edge = np.full(dev.rows.size, np.nan)
        self._predicted = np.zeros(dev.rows.size, dtype=np.bool_)
        self._models: dict[int, xgboost.Booster] = {}

    def scores(self) -> Iterator[tuple[int, float]]:
        """Yield (step, score of the rows predicted so far) after each stage; the last one is the whole.

        A step counts thirds of a fold's boosting, from 1 to three times the number of folds. A third that
        has no round of its own, where there are fewer than three, is left out.
        """
        first, *others = self._dev.folds
        for stage, booster in self._boosters(first, FIRST_FOLD_STAGES):
            self._predict(first, booster)
            yield stage, self._score()
        with ThreadPoolExecutor(self._folds_at_once) as pool:
            for begin in range(0, len(others), self._folds_at_once):
                together = others[begin : begin + self._folds_at_once]
                for number, booster in enumerate(pool.map(self._whole, together), start=begin):
                    self._predict(others[number], booster)
                    yield FIRST_FOLD_STAGES * (number + 2), self._score()

    def outcome(self) -> Outcome:
        """Return what the trial leaves; call it after the last score."""
        models = tuple(XgboostModel(bytes(self._models[n].save_raw("ubj"))) for n in sorted(self._models))
        return Outcome(
            self._score(), self._probabilities.copy(), self._edge.copy(), self._edge_between.copy(), models
        )

    def _boosters(self, fold: Fold, stages: int) -> Iterator[tuple[int, xgboost.Booster]]:
        """Yield (share, the fold's booster) after each of equal shares of its rounds that has a round."""
        fold.matrix.set_label(classes_of(self._labels, fold.training))
        booster = xgboost.Booster(booster_settings(self._candidate.parameters, 1), [fold.matrix])
        rounds, done = self._candidate.parameters.rounds, 0
        for stage in range(1, stages + 1):
            until = rounds * stage // stages
            for number in range(done, until):
                booster.update(fold.matrix, number)
            if until > done:
                yield stage, booster
            done = until

    def _whole(self, fold: Fold) -> xgboost.Booster:
        """Return the fold's booster after all of its rounds."""
        return next(self._boosters(fold, 1))[1]

    def _predict(self, fold: Fold, booster: xgboost.Booster) -> None:
        """Keep the fold's booster, and write down probabilities and edges of its test rows."""
        self._models[fold.number] = booster
        self._probabilities[fold.test] = _said(booster, self._dev.features[fold.test])
        self._predicted[fold.test] = True
        training = fold.training
        scale = edge_scale(self._dev.future_return[training], self._tau[training], self._labels[training])
        self._edge[fold.test] = implied_edge(self._probabilities[fold.test], self._tau[fold.test], scale)
        if fold.between.size:
            said = _said(booster, self._dev.between.features[fold.between])
            self._edge_between[fold.between] = implied_edge(said, self._tau_between[fold.between], scale)

    def _score(self) -> float:
        """Return the score of all rows predicted so far; one without an edge is an error, not left out."""
        rows = self._predicted
        return trial_score(self._dev.future_return[rows], self._edge[rows], self._dev.yardstick[rows])


def _said(booster: xgboost.Booster, features: npt.NDArray[np.float32]) -> FloatArray:
    """Return float64[n, 3], p_down, p_flat, p_up of rows."""
    raw = booster.inplace_predict(features).astype(np.float64)
    return np.asarray(raw / raw.sum(axis=1, keepdims=True))
