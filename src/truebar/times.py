"""Times of bars as whole nanoseconds since 1970 UTC, and the timeframe that they show."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError, UnknownTimeframeError
from truebar.units import TIMEFRAME_SECONDS, TIMEFRAMES

IntegerArray = npt.NDArray[np.int64]


def nanoseconds(times: Any, name: str = "open_time") -> IntegerArray:
    """Return int64[n], nanoseconds since 1970 UTC, of times of any unit, aware or naive as UTC.

    Args:
        times: Series, DatetimeIndex, or array of times.
        name: what the times are called in messages.

    Raises:
        SchemaError: when the values are no times.
        CorruptDataError: when a time is missing.

    >>> nanoseconds(pd.to_datetime(["1970-01-01 00:00:01"]).as_unit("ms")).tolist()
    [1000000000]
    """
    try:
        index = pd.DatetimeIndex(times)
    except (TypeError, ValueError) as error:
        raise SchemaError(f"{name} holds no times: {error}") from error
    if not _is_time(times):
        raise SchemaError(f"{name} has type {getattr(times, 'dtype', type(times))}; expected UTC times.")
    if index.hasnans:
        raise CorruptDataError(f"{name} is missing in {np.count_nonzero(index.isna())} of {len(index)} rows.")
    aware = index.tz_localize("UTC") if index.tz is None else index
    return np.asarray(aware.as_unit("ns").asi8, dtype=np.int64)


def _is_time(times: Any) -> bool:
    """Return whether `times` were times before pandas made them so: plain numbers have no unit."""
    kind = getattr(getattr(times, "dtype", None), "kind", None)
    return kind not in {"i", "u", "f", "b"}


def ascending_nanoseconds(times: Any, name: str = "open_time") -> IntegerArray:
    """Return `nanoseconds(times)` after checking that they strictly ascend.

    Raises:
        CorruptDataError: when a time is not later than the one before it.
    """
    values = nanoseconds(times, name)
    steps = np.diff(values)
    if steps.size and steps.min() <= 0:
        row = int(np.argmax(steps <= 0)) + 1
        raise CorruptDataError(
            f"{name} does not ascend: row {row} is {pd.Timestamp(values[row], tz='UTC')} after "
            f"{pd.Timestamp(values[row - 1], tz='UTC')}. Sort the rows and drop duplicates."
        )
    return values


def timeframe_of(open_time: Any) -> str:
    """Return the timeframe whose length is the smallest step between bars.

    Raises:
        TooFewRowsError: with fewer than two bars.
        CorruptDataError: when the times do not strictly ascend.
        UnknownTimeframeError: when the smallest step is no timeframe's length.

    >>> timeframe_of(pd.date_range("2025-01-01", periods=3, freq="15min", tz="UTC"))
    '15m'
    """
    values = ascending_nanoseconds(open_time)
    if values.size < 2:
        raise TooFewRowsError(f"{values.size} bar shows no timeframe; at least 2 are needed.")
    step = int(np.diff(values).min())
    for timeframe, seconds in TIMEFRAME_SECONDS.items():
        if step == seconds * 1_000_000_000:
            return timeframe
    raise UnknownTimeframeError(
        f"the smallest step between bars is {step / 1e9:g} s, which is no known timeframe; expected the "
        f"length of one of {', '.join(TIMEFRAMES)}."
    )
