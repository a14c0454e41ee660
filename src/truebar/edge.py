"""The edge: what a probability says about the return, in log-return units (METHOD §3)."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from truebar.arrays import BoolArray, FloatArray, floats
from truebar.classes import CLASS_LABELS, CLASS_NAMES
from truebar.errors import SchemaError, TooFewRowsError
from truebar.label_values import known_labels
from truebar.probabilities import probability_columns

PROBABILITY_SUM_TOLERANCE: Final = 1e-4
"""How far three probabilities may sum from one; rounding to 32 bits stays below a hundredth of it."""


def _ratios(
    future_return: npt.ArrayLike, tau: npt.ArrayLike, label: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return (future_return / tau, label) of the rows where all three are known and tau is positive."""
    returns, thresholds, labels = floats(future_return), floats(tau), known_labels(label)
    if not returns.shape == thresholds.shape == labels.shape or returns.ndim != 1:
        raise SchemaError(
            f"future_return, tau and label have shapes {returns.shape}, {thresholds.shape} and "
            f"{labels.shape}; expected three columns of the same rows."
        )
    known = np.isfinite(returns) & np.isfinite(thresholds) & np.isfinite(labels) & (thresholds > 0)
    return returns[known] / thresholds[known], labels[known]


def edge_scale(future_return: npt.ArrayLike, tau: npt.ArrayLike, label: npt.ArrayLike) -> float:
    """Return m, the mean of |future_return| / tau over the rows whose label is not flat.

    It is symmetric in up and down, so that no past drift enters the edge (METHOD §3).

    Args:
        future_return: float[n], log return over the label's horizon.
        tau: float[n], the label's threshold, log return.
        label: [n], -1, 0 or 1; may be a nullable integer column.

    Rows where any of the three is missing, or tau is not positive, are left out. The result may be used
    from the last label_end of the rows given: give the training side only.

    Raises:
        SchemaError: when the three differ in length.
        CorruptDataError: for a label other than -1, 0, 1 or missing.
        TooFewRowsError: when no row has a label other than flat.

    >>> edge_scale([0.03, -0.01, 0.001], [0.01, 0.005, 0.01], [1, -1, 0])
    2.5
    """
    ratios, labels = _ratios(future_return, tau, label)
    moved = np.abs(ratios[labels != 0])
    if moved.size == 0:
        raise TooFewRowsError(
            f"none of {labels.size} labelled rows is up or down, so the edge has no scale. "
            "Use more rows or a smaller k."
        )
    return float(moved.mean())


def class_second_moments(
    future_return: npt.ArrayLike, tau: npt.ArrayLike, label: npt.ArrayLike
) -> tuple[float, float, float]:
    """Return (q_down, q_flat, q_up), the mean of (future_return / tau)² in each class.

    Same arguments, missing values and time of availability as `edge_scale`. Labels made without a neutral
    zone have no flat rows: q_flat is then 0, and no probability ever multiplies it.

    Raises:
        SchemaError: when the three differ in length.
        CorruptDataError: for a label other than -1, 0, 1 or missing.
        TooFewRowsError: when there is no row labelled down, or none labelled up.

    >>> class_second_moments([0.02, -0.03, 0.005], [0.01, 0.01, 0.01], [1, -1, 0])
    (9.0, 0.25, 4.0)
    """
    ratios, labels = _ratios(future_return, tau, label)
    moments = []
    for name, value in zip(CLASS_NAMES, CLASS_LABELS, strict=True):
        members = ratios[labels == value]
        if members.size == 0 and value != 0:
            raise TooFewRowsError(
                f"none of {labels.size} labelled rows is {name}, so its second moment is unknown. "
                "Use more rows or a smaller k."
            )
        moments.append(float(np.mean(members**2)) if members.size else 0.0)
    return moments[0], moments[1], moments[2]


def valid_probabilities(probabilities: npt.ArrayLike) -> BoolArray:
    """Return bool[n]: which rows of float[n, 3] are finite, within [0, 1], and sum to one.

    Args:
        probabilities: float[n, 3], columns p_down, p_flat, p_up; a frame is read by these names.

    Raises:
        SchemaError: when there are not these three columns.
    """
    rows = probability_columns(probabilities)
    within = np.all((rows >= 0) & (rows <= 1), axis=1)  # NaN compares false
    return np.asarray(within & (np.abs(rows.sum(axis=1) - 1) <= PROBABILITY_SUM_TOLERANCE))


def implied_edge(
    probabilities: npt.ArrayLike, tau: npt.ArrayLike, edge_scale: float | npt.ArrayLike
) -> FloatArray:
    """Return e[n] = (p_up - p_down) * m * tau, the expected log return over the horizon (METHOD §3).

    Args:
        probabilities: float[n, 3], columns p_down, p_flat, p_up; a frame is read by these names.
        tau: float[n], the label's threshold known at each row, log return.
        edge_scale: m; one number, or float[n] where rows come from folds with their own m.

    A row that is no probability (NaN, outside [0, 1], sum not one), or whose tau or m is not a positive
    number, has the edge NaN, which every decision takes as "flat". Each row may be used from its own
    available_at, because nothing but that row enters.

    Raises:
        SchemaError: when lengths or columns do not match.

    >>> implied_edge([[0.2, 0.5, 0.3], [0.9, 0.9, 0.9]], [0.01, 0.01], 2.0).round(6).tolist()
    [0.002, nan]
    """
    rows, thresholds = probability_columns(probabilities), floats(tau)
    valid = valid_probabilities(rows)
    scale = np.asarray(edge_scale, dtype=np.float64)
    if thresholds.shape != (rows.shape[0],) or scale.shape not in {(), thresholds.shape}:
        raise SchemaError(
            f"probabilities have {rows.shape[0]} rows, tau has shape {thresholds.shape} and edge_scale "
            f"{scale.shape}; expected one tau per row, and one edge_scale in all or one per row."
        )
    scaled = scale * thresholds
    usable = valid & np.isfinite(scaled) & (thresholds > 0) & (scale > 0)
    return np.where(usable, (rows[:, 2] - rows[:, 0]) * scaled, np.nan)
