"""Names for the numpy arrays and the times that truebar's functions take and return."""

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
