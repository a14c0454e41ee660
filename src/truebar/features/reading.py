"""One bar, given with the columns of the klines as attributes, as the fields that kernels read."""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from truebar.arrays import FloatArray
from truebar.errors import CorruptDataError, SchemaError
from truebar.features.fields import OPEN, OPTIONAL, REQUIRED

_write: Final = struct.Struct(f"={len(REQUIRED) + len(OPTIONAL)}d").pack_into
_OPEN: Final = OPEN * 8
"""Where the bytes of the first number begin."""

_NAN: Final = float("nan")
# Names of this module are found sooner than those of another.
_NA: Final = pd.NA
_NAT: Final = pd.NaT
_TIMESTAMP: Final = pd.Timestamp


class BarReader:
    """Reads bar after bar into the same array.

    Args:
        fields: float64[FIELDS, 1], written to.
    """

    def __init__(self, fields: FloatArray) -> None:
        self._bytes = memoryview(fields[:, 0]).cast("B")  # type: ignore[arg-type]

    def read(self, bar: Any) -> tuple[int, int | None]:
        """Read a bar; return its open_time, nanoseconds since 1970 UTC, and its length where that is told.

        Raises:
            SchemaError: an attribute is missing, or is no time or number.
            CorruptDataError: its open_time is missing, or a time lies outside the years 1677 to 2262.
        """
        opens, closes = getattr(bar, "open_time", None), getattr(bar, "close_time", None)
        try:
            open_time: int = opens.value if type(opens) is _TIMESTAMP else moment(opens)
            length: int | None = None
            if type(closes) is _TIMESTAMP:
                length = closes.value - open_time
            elif closes is not None and closes is not _NAT:
                length = moment(closes) - open_time
        except OverflowError as error:
            raise CorruptDataError(
                f"expected times of the years 1677 to 2262, found {opens} and {closes}; look at their unit."
            ) from error
        trades, bought = getattr(bar, "trades", _NAN), getattr(bar, "taker_buy_volume", _NAN)
        try:
            try:
                _write(self._bytes, _OPEN, bar.open, bar.high, bar.low, bar.close, bar.volume, trades, bought)
            except struct.error:  # None, NA or no number
                amounts = [_NAN if x is None or x is _NA else x for x in (bar.volume, trades, bought)]
                _write(self._bytes, _OPEN, bar.open, bar.high, bar.low, bar.close, *amounts)
        except (AttributeError, struct.error) as error:
            raise SchemaError(
                f"bar {pd.Timestamp(open_time, tz='UTC')}: {error}; expected the attributes open_time, "
                f"{', '.join(REQUIRED)} as numbers, and {', '.join(OPTIONAL)} where the source gives them."
            ) from error
        return open_time, length


def moment(time: Any) -> int:
    """Return nanoseconds since 1970 UTC of one time; naive is UTC.

    Raises:
        SchemaError: for what is no time.
        CorruptDataError: for a missing one.

    >>> moment(datetime(1970, 1, 1, 0, 0, 1))
    1000000000
    """
    if not isinstance(time, (datetime, np.datetime64)):
        raise SchemaError(f"expected a time, found {time!r}; integers and text carry no unit.")
    stamp = pd.Timestamp(time)
    if pd.isna(stamp):
        raise CorruptDataError("a bar's time is missing; every bar needs its open_time.")
    return int(stamp.value)
