"""The rows that are scored: those with a label and a valid probability, in time order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import FloatArray, IntArray
from truebar.edge import valid_probabilities
from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError
from truebar.probabilities import probability_columns


@dataclass(frozen=True)
class ScoredRows:
    """Probabilities and labels of the rows that can be scored.

    Attributes:
        probabilities: float64[m, 3], p_down, p_flat, p_up.
        labels: int64[m], -1, 0 or 1.
        left_out: how many rows had no label or no valid probability.
    """

    probabilities: FloatArray
    labels: IntArray
    left_out: int

    @property
    def one_hot(self) -> FloatArray:
        """Return float64[m, 3], 1 in the column of each row's class."""
        return np.asarray(self.labels[:, None] == np.array([-1, 0, 1]), dtype=np.float64)


def known_labels(labels: npt.ArrayLike) -> FloatArray:
    """Return labels as float64[n], NaN where unknown.

    Raises:
        CorruptDataError: for a label other than -1, 0, 1 or missing.
    """
    column = pd.Series(np.asarray(labels)) if not isinstance(labels, pd.Series) else labels
    values: FloatArray = np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    strange = ~(np.isnan(values) | np.isin(values, (-1.0, 0.0, 1.0)))
    if strange.any():
        raise CorruptDataError(f"label {values[np.argmax(strange)]} is not -1, 0, 1 or missing.")
    return values


def scored_rows(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> ScoredRows:
    """Return the rows of float[n, 3] and [n] that have a label and a valid probability, in their order.

    A frame of probabilities is read by the names p_down, p_flat, p_up.

    Raises:
        SchemaError: when lengths differ or there are not these three columns.
        CorruptDataError: for a label other than -1, 0, 1 or missing.
    """
    every, known = probability_columns(probabilities), known_labels(labels)
    valid = valid_probabilities(every)
    if valid.size != known.size:
        raise SchemaError(
            f"{valid.size} rows of probabilities and {known.size} labels; expected the same rows."
        )
    kept = valid & ~np.isnan(known)
    return ScoredRows(
        np.ascontiguousarray(every[kept]),
        known[kept].astype(np.int64),
        int(valid.size - np.count_nonzero(kept)),
    )


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
