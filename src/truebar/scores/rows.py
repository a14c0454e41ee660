"""The rows that are scored: those with a label and a prediction, in time order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray, IntArray
from truebar.classes import CLASS_LABELS
from truebar.edge import valid_probabilities
from truebar.errors import (
    ConfigurationError,
    InvalidProbabilityError,
    SchemaError,
    TooFewRowsError,
)
from truebar.label_values import known_labels
from truebar.probabilities import probability_columns

SHARES_TOLERANCE: Final = 1e-6
"""How far the shares of three classes may sum from one."""


@dataclass(frozen=True)
class ScoredRows:
    """Probabilities and labels of the rows that can be scored.

    Attributes:
        probabilities: float64[m, 3], p_down, p_flat, p_up.
        labels: int64[m], -1, 0 or 1.
        left_out: how many rows had no label or no prediction.
    """

    probabilities: FloatArray
    labels: IntArray
    left_out: int

    @property
    def one_hot(self) -> FloatArray:
        """Return float64[m, 3], 1 in the column of each row's class."""
        return np.asarray(self.labels[:, None] == np.array(CLASS_LABELS), dtype=np.float64)


def scored_rows(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> ScoredRows:
    """Return the rows of float[n, 3] and [n] that have a label and a prediction, in their order.

    A frame of probabilities is read by the names p_down, p_flat, p_up. A row with a NaN among its three
    probabilities has no prediction and is left out, as is one without a label.

    Raises:
        SchemaError: when lengths differ or there are not these three columns.
        CorruptDataError: for a label other than -1, 0, 1 or missing.
        InvalidProbabilityError: for a row that is infinite, outside [0, 1] or does not sum to one: a model
            that says so is broken, and leaving the row out would hide it.
    """
    every, known = probability_columns(probabilities), known_labels(labels)
    if len(every) != known.size:
        raise SchemaError(
            f"{len(every)} rows of probabilities and {known.size} labels; expected the same rows."
        )
    predicted = ~np.isnan(every).any(axis=1)
    broken = predicted & ~valid_probabilities(every)
    if broken.any():
        row = int(np.argmax(broken))
        first = ", ".join(f"{value:g}" for value in every[row])
        raise InvalidProbabilityError(
            f"{np.count_nonzero(broken)} of {broken.size} rows hold no probabilities, the first is row {row} "
            f"({first}); expected three numbers in [0, 1] that sum to one, or NaN where there is no "
            "prediction. Check model and calibrator."
        )
    kept = predicted & ~np.isnan(known)
    return ScoredRows(
        np.ascontiguousarray(every[kept]),
        known[kept].astype(np.int64),
        int(kept.size - np.count_nonzero(kept)),
    )


def no_rows(rows: ScoredRows) -> str:
    """Return why nothing can be scored."""
    return f"none of {rows.left_out} rows has both a label and a prediction"


def checked_shares(shares: tuple[float, float, float]) -> FloatArray:
    """Return dev's shares of down, flat and up as float64[3].

    Raises:
        ConfigurationError: when they are not three numbers in [0, 1] that sum to one.
    """
    values = np.asarray(shares, dtype=np.float64)
    if values.shape != (3,) or not (np.all(values >= 0) and abs(values.sum() - 1) <= SHARES_TOLERANCE):
        raise ConfigurationError(
            f"dev's class shares are {shares}; expected the shares of down, flat and up, which sum to one. "
            "See truebar.scores.rows.class_shares."
        )
    return values


def class_shares(labels: npt.ArrayLike) -> tuple[float, float, float]:
    """Return the shares of down, flat and up among the known labels: what is expected without skill.

    Give the labels of dev only; the result may be used from dev's last label_end.

    Raises:
        TooFewRowsError: when no label is known.
        CorruptDataError: for a label other than -1, 0, 1 or missing.

    >>> class_shares([1, 0, 0, -1])
    (0.25, 0.5, 0.25)
    """
    known = known_labels(labels)
    known = known[~np.isnan(known)]
    if known.size == 0:
        raise TooFewRowsError("no row has a label, so the classes have no shares.")
    return float(np.mean(known == -1)), float(np.mean(known == 0)), float(np.mean(known == 1))
