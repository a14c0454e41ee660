"""What kernels read of bars: a row for each field, a column for each bar, checked once for all families."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from truebar.arrays import FloatArray, IntArray
from truebar.bars import ROUNDING, Grid, columns_of
from truebar.compiled import compiled_in_place, compiled_part
from truebar.errors import CorruptDataError

SLOT: Final = 0
OPEN: Final = 1
HIGH: Final = 2
LOW: Final = 3
CLOSE: Final = 4
VOLUME: Final = 5
TRADES: Final = 6
TAKER_VOLUME: Final = 7
LOG_OPEN: Final = 8
LOG_HIGH: Final = 9
LOG_LOW: Final = 10
LOG_CLOSE: Final = 11
FIELDS: Final = 12

REQUIRED: Final = ("open", "high", "low", "close", "volume")
"""Columns that every bar has, in the order of their fields."""

OPTIONAL: Final = ("trades", "taker_buy_volume")
"""Columns that a source may not give, in the order of their fields; NaN where it does not."""


def fields_of(bars: pd.DataFrame, grid: Grid) -> FloatArray:
    """Return the fields of n bars, float64[FIELDS, n], the logarithms for a kernel to fill in.

    Args:
        bars: closed klines, ascending.
        grid: of these bars.

    Raises:
        SchemaError: when a required column is missing, or one is not numeric.
    """
    fields = np.empty((FIELDS, len(bars)))
    fields[SLOT] = grid.slot
    for name, field in FIELD_OF.items():
        if name in OPTIONAL and name not in bars.columns:
            fields[field] = np.nan
        else:
            is_plain = name in bars.columns and bars[name].dtype == np.float64
            fields[field] = bars[name].to_numpy() if is_plain else columns_of(bars, [name])[0]
    return fields


FIELD_OF: Final = {name: OPEN + place for place, name in enumerate((*REQUIRED, *OPTIONAL))}
"""Row of each column of the klines."""


Bars: TypeAlias = int | slice
"""One bar, or several."""

Broken: TypeAlias = Any
"""bool, or bool[n] of several bars."""


def breaks_prices(fields: FloatArray, bars: Bars) -> Broken:
    """Return whether a price is no positive number. No rule has branches: many bars are asked at a time."""
    opened, high, low, close = fields[OPEN, bars], fields[HIGH, bars], fields[LOW, bars], fields[CLOSE, bars]
    is_missing = np.isnan(opened) | np.isnan(high) | np.isnan(low) | np.isnan(close)
    is_infinite = (opened == np.inf) | (high == np.inf) | (low == np.inf) | (close == np.inf)
    return is_missing | is_infinite | (opened <= 0.0) | (high <= 0.0) | (low <= 0.0) | (close <= 0.0)


def breaks_range(fields: FloatArray, bars: Bars) -> Broken:
    """Return whether open or close lies outside [low, high], rounding aside."""
    opened, close = fields[OPEN, bars], fields[CLOSE, bars]
    high, low = fields[HIGH, bars] * (1.0 + ROUNDING), fields[LOW, bars] * (1.0 - ROUNDING)
    return (opened > high) | (close > high) | (opened < low) | (close < low)


def breaks_amounts(fields: FloatArray, bars: Bars) -> Broken:
    """Return whether an amount is negative or infinite; it may be missing."""
    volume, trades, bought = fields[VOLUME, bars], fields[TRADES, bars], fields[TAKER_VOLUME, bars]
    is_infinite = (volume == np.inf) | (trades == np.inf) | (bought == np.inf)
    return is_infinite | (volume < 0.0) | (trades < 0.0) | (bought < 0.0)


_RULES: Final = (
    (breaks_prices, "prices must be positive numbers"),
    (breaks_range, "open and close must lie within [low, high]"),
    (breaks_amounts, "volume, trades and taker volume must not be negative or infinite"),
)
_breaks_prices, _breaks_range, _breaks_amounts = (compiled_in_place(breaks) for breaks, _ in _RULES)


@compiled_part
def complete(fields: FloatArray) -> int:
    """Return how many bars break a rule; where none does, fill in the logarithms."""
    broken = 0
    for bar in range(fields.shape[1]):
        if _breaks_prices(fields, bar) | _breaks_range(fields, bar) | _breaks_amounts(fields, bar):
            broken += 1
    if broken == 0:
        for price in range(4):
            for bar in range(fields.shape[1]):
                fields[LOG_OPEN + price, bar] = math.log(fields[OPEN + price, bar])
    return broken


def refuse_broken(fields: FloatArray, open_time: Sequence[int] | IntArray) -> None:
    """Do nothing where no bar breaks a rule.

    Args:
        fields: float64[FIELDS, n].
        open_time: of each bar, nanoseconds since 1970 UTC.

    Raises:
        CorruptDataError: for a price that is no positive number or lies outside its bar, and for a negative
            or infinite volume. A volume that is missing (NaN) is allowed, and so are trades and takers'.
    """
    broken = np.array([breaks(fields, slice(None)) for breaks, _ in _RULES])
    is_broken = broken.any(axis=0)
    if is_broken.any():
        first = int(np.argmax(is_broken))
        rule, opens = int(np.argmax(broken[:, first])), pd.Timestamp(int(open_time[first]), tz="UTC")
        raise CorruptDataError(
            f"{_RULES[rule][1]}: {np.count_nonzero(is_broken)} bars break a rule, the first opens {opens}. "
            "Validate the klines before computing from them."
        )
