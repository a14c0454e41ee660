"""What every model kind offers, and the class of each label."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray, IntArray, floats
from truebar.classes import CLASS_LABELS
from truebar.errors import CorruptDataError


class Model(Protocol):
    """A fitted model. It does not change, and says the same of a row whatever rows stand beside it."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Columns of the matrix, in the order in which the model reads them."""

    def predict(self, matrix: npt.ArrayLike) -> FloatArray:
        """Return float64[n, 3], columns p_down, p_flat, p_up, each row summing to one.

        Args:
            matrix: [n, columns] in the order of `feature_names`, or a frame that holds these columns; NaN
                where a feature is missing. Row t of the result may be used when row t of the matrix may.

        Raises:
            SchemaError: when columns are missing or their number differs.
            CorruptDataError: for an infinite feature.
        """

    def to_bytes(self) -> bytes:
        """Return the model as the content of a file; no pickle."""


class Trainer(Protocol):
    """Fits one model kind with everything but the rows decided."""

    def __call__(self, matrix: npt.NDArray[np.float32], labels: FloatArray) -> Model:
        """Return the model fitted on the rows given; labels are -1, 0 and 1, none missing."""


def class_numbers(labels: npt.ArrayLike) -> IntArray:
    """Return the class of each label: -1, 0, 1 become 0, 1, 2.

    Raises:
        CorruptDataError: for anything else, NaN included; a row without a label has no class.

    >>> class_numbers([1, -1, 0]).tolist()
    [2, 0, 1]
    """
    values = floats(labels)
    bad = ~np.isin(values, CLASS_LABELS)
    if bad.any():
        raise CorruptDataError(
            f"label is {values[bad][0]} in row {int(np.argmax(bad))}, and {np.count_nonzero(bad)} of "
            f"{values.size} labels are not -1, 0 or 1. Drop the rows without a label."
        )
    return values.astype(np.int64) + 1
