"""The three probabilities of a row, read from whatever holds them: by name from a frame, else by place."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import FloatArray, floats
from truebar.classes import PROBABILITIES
from truebar.errors import SchemaError

PROBABILITY_FLOOR: Final = 1e-12
"""Probabilities are held this far from 0, and for log odds from 1, before a logarithm. A 32-bit softmax
rounds at 6e-8; a lower floor makes a row that is exactly 0 or 1 weigh more in the fit of a calibrator."""


def probability_columns(probabilities: npt.ArrayLike) -> FloatArray:
    """Return float64[n, 3] in the order p_down, p_flat, p_up, missing values as NaN; nothing else is checked.

    Args:
        probabilities: [n, 3] in that order, or a frame with columns of these names in any order, among
            others.

    Raises:
        SchemaError: when a column is not there, not numeric, or there are not three.

    >>> probability_columns(pd.DataFrame({"p_up": [0.5], "p_flat": [0.3], "p_down": [0.2]})).tolist()
    [[0.2, 0.3, 0.5]]
    """
    try:
        if isinstance(probabilities, pd.DataFrame):
            missing = [name for name in PROBABILITIES if name not in probabilities.columns]
            if missing:
                raise SchemaError(
                    f"the probabilities lack {', '.join(missing)}; expected the columns "
                    f"{', '.join(PROBABILITIES)} and found {', '.join(map(str, probabilities.columns))}."
                )
            return np.column_stack([floats(probabilities[name]) for name in PROBABILITIES])
        rows = floats(probabilities)
    except (TypeError, ValueError) as error:
        raise SchemaError(f"the probabilities must be numbers, three in each row ({error}).") from error
    if rows.ndim != 2 or rows.shape[1] != len(PROBABILITIES):
        raise SchemaError(
            f"the probabilities have shape {rows.shape}; expected one row per bar and three columns: "
            f"{', '.join(PROBABILITIES)}."
        )
    return rows
