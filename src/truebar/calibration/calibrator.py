"""What every calibrator is: a frozen record of numbers that maps probabilities to probabilities."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict

from truebar.arrays import FloatArray
from truebar.calibration.inputs import read_probabilities


@dataclass(frozen=True)
class Calibrator(ABC):
    """A fitted calibrator; usable from the last label_end of the rows it was fitted on."""

    method: ClassVar[str]
    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    def predict(self, probabilities: npt.ArrayLike) -> FloatArray:
        """Return calibrated probabilities float64[n, 3] (p_down, p_flat, p_up), each row summing to one.

        Args:
            probabilities: [n, 3] in this order, or a frame with the three columns (others are ignored).

        A row with a NaN has no prediction: it comes back as NaN, and every decision takes it as "flat".
        There is no warm-up; each row enters alone and may be used from its own available_at.

        Raises:
            SchemaError: when the columns are not there, or not three.
            InvalidProbabilityError: when a value is infinite or outside [0, 1], or a row's sum is not one.
        """
        rows = read_probabilities(probabilities)
        known = ~np.isnan(rows).any(axis=1)
        calibrated = np.full_like(rows, np.nan)
        calibrated[known] = self.apply(rows[known])
        return calibrated

    @abstractmethod
    def apply(self, rows: FloatArray) -> FloatArray:
        """Return float64[n, 3] of checked `rows` without NaN; `predict` is the door for callers."""

    def to_json(self) -> str:
        """Return the calibrator as JSON: keys sorted, no spaces, every float with all its digits.

        `truebar.calibration.from_json` gives back an equal calibrator, to the last bit.
        """
        return json.dumps(
            {"method": self.method, **asdict(self)}, sort_keys=True, separators=(",", ":"), allow_nan=False
        )


def renormalised(scores: FloatArray, rows: FloatArray) -> FloatArray:
    """Return one-vs-rest `scores` float64[n, 3] divided by their row sums.

    Three separate curves may all say "not this class": where the three scores are 0 they say nothing about
    the row, and its probabilities are taken from `rows` (those before calibration) unchanged.
    """
    totals = scores.sum(axis=1, keepdims=True)
    silent = totals < np.finfo(np.float64).tiny
    return np.where(silent, rows, scores / np.where(silent, 1.0, totals))
