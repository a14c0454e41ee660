"""Probabilities and labels as they enter calibration: read, checked, and summing to one."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray, IntArray, floats
from truebar.classes import PROBABILITIES
from truebar.edge import valid_probabilities
from truebar.errors import InvalidProbabilityError, SchemaError, TooFewRowsError
from truebar.probabilities import probability_columns

ROUNDING: Final = 4 * np.finfo(np.float64).eps
"""How far the sum of three float64 divided by their sum may be from one."""


def read_probabilities(probabilities: npt.ArrayLike) -> FloatArray:
    """Return float64[n, 3], every complete row divided by its sum; a row with a NaN is NaN throughout.

    Args:
        probabilities: [n, 3] in the order p_down, p_flat, p_up, or a frame with columns of these names.

    Raises:
        SchemaError: when the columns are not there, or not three.
        InvalidProbabilityError: when a value is infinite or outside [0, 1], or a row does not sum to one.
    """
    rows = probability_columns(probabilities)
    unknown = np.isnan(rows).any(axis=1)
    within = np.all(np.isnan(rows) | ((rows >= 0) & (rows <= 1)), axis=1)
    wrong = np.flatnonzero(~np.where(unknown, within, valid_probabilities(rows)))
    if wrong.size:
        raise InvalidProbabilityError(
            f"{wrong.size} of {len(rows)} rows are no probabilities, the first is row {wrong[0]}: "
            f"{rows[wrong[0]].tolist()}. Expected values within [0, 1] that sum to one, or NaN for a row "
            "without a prediction. Look at what made them."
        )
    totals = rows.sum(axis=1, keepdims=True)
    # Rows whose sum is one but for rounding stay as they are, so that reading twice is reading once.
    return np.divide(rows, np.where(np.abs(totals - 1) <= ROUNDING, 1.0, totals))


def read_training_rows(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[FloatArray, IntArray]:
    """Return (float64[n, 3], class[n]) of rows to fit on; class is 0, 1, 2 for the labels -1, 0, 1.

    Args:
        probabilities: as in `read_probabilities`, but without NaN.
        labels: [n], -1, 0 or 1, without missing values; may be a nullable integer column.

    Raises:
        SchemaError: when lengths differ, or a label is missing or none of the three.
        InvalidProbabilityError: when a row is NaN or no probability.
        TooFewRowsError: when there is no row.
    """
    rows = read_probabilities(probabilities)
    values = floats(labels)
    if values.shape != (len(rows),):
        raise SchemaError(
            f"labels have shape {values.shape} and probabilities {len(rows)} rows; expected one label a row."
        )
    if not len(rows):
        raise TooFewRowsError("there are no rows to calibrate on; expected at least one of each class.")
    unknown = int(np.isnan(rows).any(axis=1).sum())
    if unknown:
        raise InvalidProbabilityError(
            f"{unknown} of {len(rows)} rows to calibrate on are NaN; leave out the rows without a prediction."
        )
    wrong = np.flatnonzero(~np.isin(values, (-1.0, 0.0, 1.0)))
    if wrong.size:
        raise SchemaError(
            f"{wrong.size} of {len(values)} labels are not -1, 0 or 1, the first is row {wrong[0]}: "
            f"{values[wrong[0]]}. Leave out the rows without a label."
        )
    return rows, values.astype(np.int64) + 1


def require_classes(rows: FloatArray, classes: IntArray) -> None:
    """Raise TooFewRowsError unless each class has a row.

    Labels made without a neutral zone have no flat rows; that is accepted where p_flat is 0 in every row.
    """
    counts = np.bincount(classes, minlength=len(PROBABILITIES))
    for index, (name, count) in enumerate(zip(PROBABILITIES, counts, strict=True)):
        never_meant = name == "p_flat" and not rows[:, index].any()
        if count == 0 and not never_meant:
            raise TooFewRowsError(
                f"none of {len(rows)} rows has the label {index - 1}, so {name} cannot be calibrated. "
                "Use more rows, or the method none."
            )
