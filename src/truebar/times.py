"""Times in any form as whole nanoseconds since 1970 UTC, back again, and the timeframe that bars show."""

from __future__ import annotations

from typing import Any, Final, cast

import numpy as np
import pandas as pd

from truebar.arrays import IntArray, Times
from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError, UnknownTimeframeError
from truebar.units import SECONDS_PER_DAY, TIMEFRAME_SECONDS, TIMEFRAMES

NANOSECONDS_PER_SECOND: Final = 1_000_000_000
NANOSECONDS_PER_DAY: Final = SECONDS_PER_DAY * NANOSECONDS_PER_SECOND

NO_TIME: Final = int(np.iinfo(np.int64).min)
"""NaT as an integer: it sorts before every time."""


def nanoseconds(times: Times, name: str = "open_time", *, missing_allowed: bool = False) -> IntArray:
    """Return int64[n], nanoseconds since 1970 UTC, of times of any unit, aware or naive as UTC.

    Times that are kept in nanoseconds are not copied: read from the result, never write into it.

    Args:
        times: Series, DatetimeIndex, array of datetime64 or sequence of datetimes, shape (n,).
        name: what the times are called in messages.
        missing_allowed: give `NO_TIME` for NaT instead of raising.

    Raises:
        SchemaError: when the values are no times. Integers and text are refused: they carry no unit.
        CorruptDataError: when a time is missing, or outside the years 1677 to 2262 that fit.

    >>> nanoseconds(pd.to_datetime(["1970-01-01 00:00:01"]).as_unit("ms")).tolist()
    [1000000000]
    """
    values = pd.Series(times) if isinstance(times, (list, tuple)) else times
    if getattr(values, "ndim", None) != 1 or not _is_time(values):
        raise SchemaError(
            f"{name} holds no times: expected a column of datetimes of any unit, found "
            f"{type(times).__name__} of {getattr(values, 'dtype', None)}. Convert it with pd.to_datetime."
        )
    try:
        index = _index_of(values)  # as_unit copies even where there is nothing to convert
        whole = np.asarray((index if index.unit == "ns" else index.as_unit("ns")).asi8, dtype=np.int64)
    except pd.errors.OutOfBoundsDatetime as error:
        raise CorruptDataError(f"{name}: a time does not fit into nanoseconds ({error}).") from error
    if not missing_allowed and whole.size and whole.min() == NO_TIME:
        missing = np.count_nonzero(whole == NO_TIME)
        raise CorruptDataError(f"{name} is missing in {missing} of {whole.size} rows.")
    return whole


def _index_of(values: Any) -> pd.DatetimeIndex:
    """Return times as an index that counts from 1970 UTC, without a copy where they are datetimes already."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        # Whatever the zone, an aware index counts in UTC; a naive one is taken for UTC.
        return pd.DatetimeIndex(values)
    return pd.DatetimeIndex(pd.to_datetime(values, utc=True))


def _is_time(values: object) -> bool:
    """Return whether every value is a time (an empty or all-missing object column counts as times)."""
    kind: Any = getattr(values, "dtype", None)
    if pd.api.types.is_datetime64_any_dtype(kind):
        return True
    if not pd.api.types.is_object_dtype(kind):
        return False
    return pd.api.types.infer_dtype(cast("Any", values), skipna=True) in {"datetime", "empty"}


def utc_index(values: IntArray) -> pd.DatetimeIndex:
    """Return nanoseconds since 1970 as datetime64[ns, UTC]; `NO_TIME` becomes NaT.

    >>> utc_index(np.array([0]))[0]
    Timestamp('1970-01-01 00:00:00+0000', tz='UTC')
    """
    return pd.DatetimeIndex(np.array(values, dtype=np.int64), tz="UTC")


def ascending_nanoseconds(times: Times, name: str = "open_time") -> IntArray:
    """Return `nanoseconds(times)` after checking that they strictly ascend.

    Raises:
        CorruptDataError: when a time is not later than the one before it.
    """
    values = nanoseconds(times, name)
    if not (values[1:] > values[:-1]).all():
        row = int(np.argmax(values[1:] <= values[:-1])) + 1
        raise CorruptDataError(
            f"{name} does not ascend: row {row} is {pd.Timestamp(values[row], tz='UTC')} after "
            f"{pd.Timestamp(values[row - 1], tz='UTC')}. Sort the rows and drop duplicates."
        )
    return values


def timeframe_of(open_time: Times) -> str:
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
        if step == seconds * NANOSECONDS_PER_SECOND:
            return timeframe
    raise UnknownTimeframeError(
        f"the smallest step between bars is {step / 1e9:g} s, which is no known timeframe; expected the "
        f"length of one of {', '.join(TIMEFRAMES)}."
    )
