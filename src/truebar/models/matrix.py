"""The feature matrix as a model reads it: float32, named columns, NaN where a feature is missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.errors import CorruptDataError, SchemaError


def read_matrix(matrix: npt.ArrayLike, feature_names: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return float32[n, columns] in the order of `feature_names`.

    Args:
        matrix: [n, columns] in that order, or a frame that holds these columns among others.
        feature_names: the columns, in order.

    Raises:
        SchemaError: when columns are missing, repeated, not numeric, or their number differs.
        CorruptDataError: for a value that is infinite, also after rounding to 32 bits.
    """
    names = list(feature_names)
    if not names or len(set(names)) != len(names):
        raise SchemaError(f"feature names are {names}; expected at least one, and each once.")
    values: npt.ArrayLike = matrix
    if isinstance(matrix, pd.DataFrame):
        missing = [name for name in names if name not in matrix.columns]
        if missing:
            raise SchemaError(
                f"the matrix lacks {len(missing)} of {len(names)} features: {', '.join(missing)}. "
                "Materialize the features that the model was trained on."
            )
        values = matrix[names].to_numpy(dtype=np.float64, na_value=np.nan)
    try:
        with np.errstate(over="ignore"):  # what overflows is refused below, by name
            rows = np.ascontiguousarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise SchemaError(f"the matrix must hold numbers ({error}).") from error
    if rows.ndim != 2 or rows.shape[1] != len(names):
        raise SchemaError(f"the matrix has shape {rows.shape}; expected (rows, {len(names)}).")
    infinite = np.isinf(rows).any(axis=0)
    if infinite.any():
        raise CorruptDataError(
            f"feature {names[int(np.argmax(infinite))]} is infinite; a feature is a number or missing."
        )
    return rows
