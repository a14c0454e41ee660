"""The label of each row, read from whatever holds it, and checked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray, floats
from truebar.classes import CLASS_LABELS
from truebar.errors import CorruptDataError, SchemaError


def known_labels(labels: npt.ArrayLike) -> FloatArray:
    """Return labels as float64[n], NaN where unknown.

    Raises:
        SchemaError: for anything but one column of numbers.
        CorruptDataError: for a label other than -1, 0, 1 or missing.

    >>> known_labels([1, None, -1]).tolist()
    [1.0, nan, -1.0]
    """
    try:
        values = floats(labels)
    except (TypeError, ValueError) as error:
        raise SchemaError(f"labels must be -1, 0, 1 or missing ({error}).") from error
    if values.ndim != 1:
        raise SchemaError(f"labels have shape {values.shape}; expected one for each row.")
    strange = ~(np.isnan(values) | np.isin(values, CLASS_LABELS))
    if strange.any():
        row = int(np.argmax(strange))
        raise CorruptDataError(f"label {values[row]:g} in row {row} is not -1, 0, 1 or missing.")
    return values
