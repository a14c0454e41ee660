"""No calibration: the candidate that every other method has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from truebar.arrays import FloatArray
from truebar.calibration.calibrator import Calibrator


@dataclass(frozen=True)
class NoCalibration(Calibrator):
    """Returns the probabilities as they are, divided by their sum.

    >>> NoCalibration().predict([[0.2, 0.5, 0.3]]).tolist()
    [[0.2, 0.5, 0.3]]
    """

    method: ClassVar[str] = "none"

    def apply(self, rows: FloatArray) -> FloatArray:
        """Return a copy of `rows`."""
        return rows.copy()
