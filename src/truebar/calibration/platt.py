"""Platt scaling: for each class a logistic curve of its own log odds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit, logit

from truebar.arrays import FloatArray, IntArray
from truebar.calibration.calibrator import Calibrator, renormalised
from truebar.calibration.inputs import require_classes
from truebar.calibration.logistic import fit_logistic
from truebar.classes import PROBABILITIES
from truebar.probabilities import PROBABILITY_FLOOR


@dataclass(frozen=True)
class PlattCalibration(Calibrator):
    """expit(intercept_c + slope_c * logit p_c), divided by the row's sum (Platt 1999, one against the rest).

    Attributes:
        intercepts: of p_down, p_flat, p_up.
        slopes: of the same; 1 with intercept 0 changes nothing, below 1 the class was overconfident.

    >>> PlattCalibration((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)).predict([[0.2, 0.5, 0.3]]).round(9).tolist()
    [[0.2, 0.5, 0.3]]
    """

    method: ClassVar[str] = "platt"
    intercepts: tuple[float, float, float]
    slopes: tuple[float, float, float]

    def apply(self, rows: FloatArray) -> FloatArray:
        """Return the three logistic curves, renormalised."""
        scores = expit(np.asarray(self.intercepts) + np.asarray(self.slopes) * _log_odds(rows))
        return renormalised(scores, rows)


def fit_platt(rows: FloatArray, classes: IntArray) -> PlattCalibration:
    """Return the calibrator of largest likelihood, without a penalty and without Platt's shrunken targets.

    A class that never occurs and is never predicted (flat, without a neutral zone) stays at the floor.

    Raises:
        TooFewRowsError: when a class has no row.
        ModelError: when a class is split from the rest without error, so that no finite curve is best.
    """
    require_classes(rows, classes)
    log_odds = _log_odds(rows)
    lines = []
    for index, name in enumerate(PROBABILITIES):
        members = classes == index
        if not members.any():
            lines.append((float(logit(PROBABILITY_FLOOR)), 0.0))
        else:
            lines.append(fit_logistic(log_odds[:, index], members, name=name))
    intercepts, slopes = zip(*lines, strict=True)
    return PlattCalibration(intercepts, slopes)


def _log_odds(rows: FloatArray) -> FloatArray:
    """Return logit p, with p held off 0 and 1 by the floor."""
    return np.asarray(logit(np.clip(rows, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)), dtype=np.float64)
