"""What kernels read of bars: a row for each field, a column for each bar, checked once for all families."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

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

_RULES: Final = (
    "prices must be positive numbers",
    "open and close must lie within [low, high]",
    "volume, trades and taker volume must not be negative or infinite",
)


def fields_of(bars: pd.DataFrame, grid: Grid) -> FloatArray:
    """Return the fields of n bars, float64[FIELDS, n], the logarithms NaN until a kernel fills them in.

    Args:
        bars: closed klines, ascending.
        grid: of these bars.

    Raises:
        SchemaError: when a required column is missing, or one is not numeric.
    """
    fields = np.full((FIELDS, len(bars)), np.nan)
    fields[SLOT] = grid.slot
    given = [*REQUIRED, *(name for name in OPTIONAL if name in bars.columns)]
    for name in given:
        is_plain = name in bars.columns and bars[name].dtype == np.float64
        fields[FIELD_OF[name]] = bars[name].to_numpy() if is_plain else columns_of(bars, [name])[0]
    return fields


FIELD_OF: Final = {name: OPEN + place for place, name in enumerate((*REQUIRED, *OPTIONAL))}
"""Row of each column of the klines."""


@compiled_part
def complete(fields: FloatArray) -> int:
    """Check the fields that were given, fill in the logarithms, and return how many bars break a rule."""
    broken = 0
    for place in range(fields.shape[1]):
        if _rule_broken(fields, place) >= 0:
            broken += 1
        else:
            for price in range(4):
                fields[LOG_OPEN + price, place] = math.log(fields[OPEN + price, place])
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
    rules = np.array([rule_broken(fields, place) for place in range(fields.shape[1])], dtype=np.int64)
    if (rules >= 0).any():
        first, count = int(np.argmax(rules >= 0)), np.count_nonzero(rules >= 0)
        opens = pd.Timestamp(int(open_time[first]), tz="UTC")
        raise CorruptDataError(
            f"{_RULES[rules[first]]}: {count} bars break a rule, the first opens {opens}. "
            "Validate the klines before computing from them."
        )


def rule_broken(fields: FloatArray, place: int) -> int:
    """Return the number of the first rule that a bar breaks, -1 for none."""
    for price in range(OPEN, CLOSE + 1):
        if not 0.0 < fields[price, place] < np.inf:
            return 0
    high = fields[HIGH, place] * (1.0 + ROUNDING)
    low = fields[LOW, place] * (1.0 - ROUNDING)
    if (
        max(fields[OPEN, place], fields[CLOSE, place]) > high
        or min(fields[OPEN, place], fields[CLOSE, place]) < low
    ):
        return 1
    for amount in range(VOLUME, TAKER_VOLUME + 1):
        if fields[amount, place] < 0.0 or fields[amount, place] == np.inf:
            return 2
    return -1


_rule_broken = compiled_in_place(rule_broken)
