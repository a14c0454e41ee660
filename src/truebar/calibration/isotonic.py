"""Isotonic calibration: for each class the best curve that never falls."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import numpy as np

from truebar.arrays import BoolArray, FloatArray, IntArray
from truebar.calibration.calibrator import Calibrator, renormalised
from truebar.calibration.inputs import require_classes
from truebar.classes import PROBABILITIES
from truebar.errors import ModelError, TooFewRowsError

FEWEST_ROWS: Final = 10_000
"""With fewer rows the steps follow the noise (METHOD §5.2)."""


@dataclass(frozen=True)
class Curve:
    """Knots of one class: `frequencies` at `probabilities`, straight between them, level outside.

    Attributes:
        probabilities: raw probabilities, ascending, each once.
        frequencies: how often the class occurred there, within [0, 1], never falling.
    """

    probabilities: tuple[float, ...]
    frequencies: tuple[float, ...]

    def __post_init__(self) -> None:
        places, heights = self.arrays
        if not places.size or places.shape != heights.shape:
            raise ModelError(
                f"an isotonic curve has {places.size} probabilities and {heights.size} frequencies; expected "
                "as many of both, and at least one. Fit the calibrator again."
            )
        within = np.all((heights >= 0) & (heights <= 1)) and np.all(np.isfinite(places))
        if not (within and np.all(np.diff(places) > 0) and np.all(np.diff(heights) >= 0)):
            raise ModelError(
                "the knots of an isotonic curve are not ascending probabilities with frequencies within "
                "[0, 1] that never fall. Fit the calibrator again."
            )

    @cached_property
    def arrays(self) -> tuple[FloatArray, FloatArray]:
        """Return the knots as two float64 arrays, made once."""
        return np.asarray(self.probabilities, np.float64), np.asarray(self.frequencies, np.float64)


@dataclass(frozen=True)
class IsotonicCalibration(Calibrator):
    """np.interp over the knots of each class, divided by the row's sum (Zadrozny & Elkan 2002).

    A row to which all three curves give 0 keeps its raw probabilities.

    Attributes:
        down: curve of p_down.
        flat: curve of p_flat.
        up: curve of p_up.
    """

    method: ClassVar[str] = "isotonic"
    down: Curve
    flat: Curve
    up: Curve

    def apply(self, rows: FloatArray) -> FloatArray:
        """Return the three curves at `rows`, renormalised."""
        curves = (self.down, self.flat, self.up)
        scores = [np.interp(rows[:, index], *curve.arrays) for index, curve in enumerate(curves)]
        return renormalised(np.column_stack(scores), rows)


def fit_isotonic(rows: FloatArray, classes: IntArray) -> IsotonicCalibration:
    """Return the calibrator of least squared error among the curves that never fall.

    Raises:
        TooFewRowsError: when there are fewer than 10,000 rows, or a class has none.
    """
    if len(rows) < FEWEST_ROWS:
        raise TooFewRowsError(
            f"isotonic calibration needs at least {FEWEST_ROWS:,} rows and has {len(rows):,}. "
            "Use more rows, or the method platt, temperature or none."
        )
    require_classes(rows, classes)
    return IsotonicCalibration(
        *(_fit_curve(rows[:, index], classes == index) for index in range(len(PROBABILITIES)))
    )


def _fit_curve(probabilities: FloatArray, members: BoolArray) -> Curve:
    """Return the knots of one class."""
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 (half a second, paid only by a fit)

    regression = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    regression.fit(probabilities, members.astype(np.float64))
    return Curve(tuple(regression.X_thresholds_.tolist()), tuple(regression.y_thresholds_.tolist()))
