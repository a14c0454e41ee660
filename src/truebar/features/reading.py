"""One bar, given with the columns of the klines as attributes, as the fields that kernels read."""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from truebar.arrays import FloatArray
from truebar.errors import CorruptDataError, SchemaError
from truebar.features.fields import FIELDS, OPTIONAL, REQUIRED, SLOT

_NUMBERS: Final = struct.Struct(f"={len(REQUIRED) + len(OPTIONAL)}d")
_NAN: Final = float("nan")
# Names of this module are found sooner than those of another.
_NA: Final = pd.NA
_TIMESTAMP: Final = pd.Timestamp


class BarReader:
    """Reads bar after bar into the same array.

    Attributes:
        fields: float64[FIELDS, 1] of the bar that was read last; whoever folds it sets its slot.
    """

    def __init__(self) -> None:
        self._bytes = bytearray(FIELDS * 8)
        self.fields: FloatArray = np.frombuffer(self._bytes).reshape(FIELDS, 1)

    def read(self, bar: Any) -> int:
        """Read a bar and return its open_time, nanoseconds since 1970 UTC.

        Raises:
            SchemaError: an attribute is missing, or is no time or number.
            CorruptDataError: its open_time is missing.
        """
        open_time = moment(getattr(bar, "open_time", None))
        trades, bought = getattr(bar, "trades", None), getattr(bar, "taker_buy_volume", None)
        try:
            _NUMBERS.pack_into(
                self._bytes,
                8,  # after the slot
                bar.open,
                bar.high,
                bar.low,
                bar.close,
                _NAN if bar.volume is None else bar.volume,
                _NAN if trades is None or trades is _NA else trades,
                _NAN if bought is None or bought is _NA else bought,
            )
        except (AttributeError, struct.error) as error:
            raise SchemaError(
                f"bar {pd.Timestamp(open_time, tz='UTC')}: {error}; expected the attributes open_time, "
                f"{', '.join(REQUIRED)} as numbers, and {', '.join(OPTIONAL)} where the source gives them."
            ) from error
        return open_time

    def at(self, slot: int) -> FloatArray:
        """Return the fields of the bar that was read last, at `slot`."""
        self.fields[SLOT, 0] = slot
        return self.fields


def moment(time: Any) -> int:
    """Return nanoseconds since 1970 UTC of one time; naive is UTC.

    Raises:
        SchemaError: for what is no time.
        CorruptDataError: for a missing one.

    >>> moment(datetime(1970, 1, 1, 0, 0, 1))
    1000000000
    """
    if type(time) is _TIMESTAMP:
        value: int = time.value
        return value
    if not isinstance(time, (datetime, np.datetime64)):
        raise SchemaError(f"expected a time, found {time!r}; integers and text carry no unit.")
    stamp = pd.Timestamp(time)
    if pd.isna(stamp):
        raise CorruptDataError("a bar's time is missing; every bar needs its open_time.")
    return int(stamp.value)
