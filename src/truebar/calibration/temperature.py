"""Temperature scaling: one number that makes all probabilities bolder or more timid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, softmax

from truebar.arrays import FloatArray, IntArray
from truebar.calibration.calibrator import Calibrator
from truebar.calibration.inputs import require_classes
from truebar.errors import ModelError
from truebar.probabilities import PROBABILITY_FLOOR

LOWEST_TEMPERATURE: Final = 0.01
HIGHEST_TEMPERATURE: Final = 100.0
"""At 100 a probability of 0.999 becomes 0.34: the rows are worth no more than thirds."""


@dataclass(frozen=True)
class TemperatureCalibration(Calibrator):
    """softmax(ln p / T) (Guo, Pleiss, Sun & Weinberger 2017, §4.2); never changes the order within a row.

    Attributes:
        temperature: T; 1 changes nothing, above 1 the probabilities move towards thirds.

    >>> TemperatureCalibration(0.5).predict([[0.25, 0.5, 0.25]]).round(3).tolist()
    [[0.167, 0.667, 0.167]]
    """

    method: ClassVar[str] = "temperature"
    temperature: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ModelError(
                f"the temperature is {self.temperature}; expected a positive number. Fit it again."
            )

    def apply(self, rows: FloatArray) -> FloatArray:
        """Return softmax(ln p / T) of each row."""
        return np.asarray(softmax(_logarithms(rows) / self.temperature, axis=1), dtype=np.float64)


def fit_temperature(rows: FloatArray, classes: IntArray) -> TemperatureCalibration:
    """Return the calibrator whose T, within [0.01, 100], has the smallest log loss on the rows.

    The loss is convex in 1/T, so it has one minimum in ln T. Where the probabilities say the opposite of
    the labels the minimum is at no finite T, and T ends at its upper bound.

    Raises:
        TooFewRowsError: when a class has no row.
    """
    require_classes(rows, classes)
    logarithms = _logarithms(rows)
    chosen = logarithms[np.arange(len(rows)), classes]

    def log_loss(log_temperature: float) -> float:
        inverse = math.exp(-log_temperature)
        return float(np.mean(logsumexp(logarithms * inverse, axis=1) - chosen * inverse))

    found = minimize_scalar(
        log_loss,
        bounds=(math.log(LOWEST_TEMPERATURE), math.log(HIGHEST_TEMPERATURE)),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return TemperatureCalibration(math.exp(float(found.x)))


def _logarithms(rows: FloatArray) -> FloatArray:
    """Return ln p, with p held above the floor so that a 0 can be mended."""
    return np.log(np.maximum(rows, PROBABILITY_FLOOR))
