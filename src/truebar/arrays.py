"""The numpy arrays and times that truebar's functions take and return."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

Times: TypeAlias = pd.Series | pd.DatetimeIndex | npt.NDArray[np.datetime64] | Sequence[datetime]
"""Times in any of the forms that callers have at hand; `truebar.times` reads them all."""


_COLUMNS = pd.Series | pd.Index | pd.api.extensions.ExtensionArray
"""What may be nullable: numpy knows no missing values of these but NaN."""


def floats(values: npt.ArrayLike) -> FloatArray:
    """Return `values` as float64, missing values of nullable columns as NaN; never a view to write into.

    >>> floats(pd.Series([1, None], dtype="Int64")).tolist()
    [1.0, nan]
    """
    if isinstance(values, _COLUMNS):
        return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan, copy=True), dtype=np.float64)
    return np.array(values, dtype=np.float64)


def readable_floats(values: npt.ArrayLike) -> FloatArray:
    """Return `values` as contiguous float64 to read from: a view where they are that already.

    Missing values of nullable columns become NaN. Writing into the result may change `values`; whoever
    writes takes `floats`.

    >>> readable_floats(pd.Series([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """
    if isinstance(values, _COLUMNS):
        values = values.to_numpy(dtype=np.float64, na_value=np.nan)
    # A kernel is compiled once for arrays that can be written to; read-only ones would be another type.
    return np.require(values, dtype=np.float64, requirements=["C", "W"])
