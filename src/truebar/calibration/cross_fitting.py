"""Calibrated out-of-fold probabilities, none of which has seen its own label."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import BoolArray, FloatArray, IntArray, Times, floats
from truebar.calibration.inputs import read_probabilities, read_training_rows
from truebar.calibration.methods import fit
from truebar.errors import SchemaError, TooFewRowsError
from truebar.times import nanoseconds, utc_index


def cross_fit(
    method: str,
    probabilities: npt.ArrayLike,
    labels: npt.ArrayLike,
    fold: npt.ArrayLike,
    *,
    open_time: Times | None = None,
    label_end: Times | None = None,
) -> FloatArray:
    """Return float64[n, 3]: the rows of each fold calibrated by a fit on all other folds (METHOD §5.2).

    Args:
        method: none, temperature, platt or isotonic.
        probabilities: [n, 3] out-of-fold p_down, p_flat, p_up, or a frame with these columns. No NaN.
        labels: [n], -1, 0 or 1; a row where it is missing is calibrated like its fold, and fitted on by none.
        fold: [n], the number of the fold that the row was left out in, no missing values.
        open_time: [n] times; None as below.
        label_end: [n] times; a row's information covers [open_time, label_end). With both given the rows
            that clash with a row of the fold are left out of its fit (METHOD §2): their labels share returns
            with the fold's. Without them the h rows on each side of a fold are fitted on all the same.

    Thresholds and scores are computed on the result. Later folds calibrate earlier ones, so it stands for
    what a calibrator of this size does on rows it has not seen, and is no record of what was known when.

    Raises:
        SchemaError: when lengths do not match, a fold is missing, or one of the two times is not given.
        CorruptDataError: when a time is missing.
        TooFewRowsError: when there are fewer than two folds, or the others do not suffice for the method.
        TruebarError: what `fit` raises.
    """
    given, named = read_probabilities(probabilities), floats(labels)
    folds = _fold_numbers(fold, len(given))
    if named.shape != folds.shape:
        raise SchemaError(f"{len(given)} rows and labels of shape {named.shape}; expected one for each.")
    known = ~np.isnan(named)
    rows, classes = read_training_rows(given[known], named[known])
    opens = _at(known, open_time, "open_time")
    ends = _at(known, label_end, "label_end")
    calibrated = np.full_like(given, np.nan)
    for own, others in calibration_sides(folds[known], len(rows), opens, ends):
        fold_rows = folds == folds[known][own][0]
        calibrated[fold_rows] = fit(method, rows[others], classes[others] - 1).predict(given[fold_rows])
    return calibrated


def calibration_sides(
    fold: npt.ArrayLike, rows: int, open_time: Times | None, label_end: Times | None
) -> list[tuple[BoolArray, BoolArray]]:
    """Return for each fold bool[n], its own rows, and bool[n], those that its calibrator is fitted on.

    Arguments and errors as `cross_fit`, `rows` being n.
    """
    folds = _fold_numbers(fold, rows)
    owns = [folds == number for number in np.unique(folds)]
    if len(owns) < 2:
        raise TooFewRowsError(
            f"all {rows} rows are of one fold; expected at least two, because each fold is calibrated "
            "by the others."
        )
    if open_time is None and label_end is None:
        return [(own, ~own) for own in owns]
    if open_time is None or label_end is None:
        raise SchemaError("one of open_time and label_end is given; a row's information needs both.")
    opens, ends = nanoseconds(open_time), nanoseconds(label_end, "label_end")
    if not opens.shape == ends.shape == (rows,):
        raise SchemaError(f"{opens.size} open_time and {ends.size} label_end; expected {rows} of each.")
    return [(own, ~own & ~_clashing(opens, ends, own)) for own in owns]


def _fold_numbers(fold: npt.ArrayLike, rows: int) -> FloatArray:
    """Return the number of each row's fold."""
    folds = floats(fold)
    if folds.shape != (rows,) or np.isnan(folds).any():
        raise SchemaError(
            f"fold has shape {folds.shape} and {int(np.isnan(folds).sum())} missing values; expected the "
            f"number of a fold for each of {rows} rows."
        )
    return folds


def _at(known: BoolArray, times: Times | None, name: str) -> pd.DatetimeIndex | None:
    """Return the times of the rows that have a label; others may be missing."""
    if times is None:
        return None
    values = nanoseconds(times, name, missing_allowed=True)
    if values.shape != known.shape:
        raise SchemaError(f"{values.size} {name} for {known.size} rows; expected as many of each.")
    return utc_index(values[known])


def _clashing(opens: IntArray, ends: IntArray, own: BoolArray) -> BoolArray:
    """Return bool[n]: which rows overlap in [open, end) with at least one row of `own`."""
    order = np.argsort(opens[own], kind="stable")
    first, reach = opens[own][order], np.maximum.accumulate(ends[own][order])
    before = np.searchsorted(first, ends, side="left")  # rows of the fold that open before the row ends
    return np.asarray((before > 0) & (reach[np.maximum(before - 1, 0)] > opens))
