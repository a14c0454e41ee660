"""Calibrated out-of-fold probabilities, none of which has seen its own label."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray, floats
from truebar.calibration.inputs import read_training_rows
from truebar.calibration.methods import fit
from truebar.errors import SchemaError, TooFewRowsError


def cross_fit(
    method: str, probabilities: npt.ArrayLike, labels: npt.ArrayLike, fold: npt.ArrayLike
) -> FloatArray:
    """Return float64[n, 3]: the rows of each fold calibrated by a fit on all other folds (METHOD §5.2).

    Args:
        method: none, temperature, platt or isotonic.
        probabilities: [n, 3] out-of-fold p_down, p_flat, p_up, or a frame with these columns. No NaN.
        labels: [n], -1, 0 or 1, no missing values.
        fold: [n], the number of the fold that the row was left out in, no missing values.

    Thresholds and scores are computed on the result. Later folds calibrate earlier ones, so it stands for
    what a calibrator of this size does on rows it has not seen, and is no record of what was known when.

    Raises:
        SchemaError: when lengths do not match, or a fold is missing.
        TooFewRowsError: when there are fewer than two folds, or the others do not suffice for the method.
        TruebarError: what `fit` raises.
    """
    rows, classes = read_training_rows(probabilities, labels)
    folds = floats(fold)
    if folds.shape != classes.shape or np.isnan(folds).any():
        raise SchemaError(
            f"fold has shape {folds.shape} and {int(np.isnan(folds).sum())} missing values; expected the "
            f"number of a fold for each of {len(rows)} rows."
        )
    numbers = np.unique(folds)
    if len(numbers) < 2:
        raise TooFewRowsError(
            f"all {len(rows)} rows are of one fold; expected at least two, because each fold is calibrated "
            "by the others."
        )
    calibrated = np.empty_like(rows)
    for number in numbers:
        own = folds == number
        calibrated[own] = fit(method, rows[~own], classes[~own] - 1).predict(rows[own])
    return calibrated
