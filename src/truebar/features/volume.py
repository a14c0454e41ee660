"""Kernel of the family `volume`: how much is traded, against the usual, and on which side of the bar."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_part, compiled_within
from truebar.features.fields import CLOSE, HIGH, LOW, TRADES, VOLUME
from truebar.features.lags import earlier, look_back
from truebar.features.memory import AGE, SIZE, Layout, rolled
from truebar.features.slots import CLOSE_BEFORE, COLUMNS_OF, SHARED_ROWS
from truebar.features.windows import joined, walk, whole

_LAYOUT: Final = Layout(SHARED_ROWS)

# Rows of the work: the typical price, and what it was one bar before.
_TYPICAL: Final = _LAYOUT.row()
_EARLIER: Final = earlier(_LAYOUT, {_TYPICAL: (1,)})
_LAGS: Final = _EARLIER.table
_KEPT: Final = _EARLIER.kept
_BEFORE: Final = _EARLIER.first_row

# What is summed. Money: volume times where the close lies in the bar, -1 at the low and 1 at the high.
_KNOWN, _AMOUNT, _MONEY, _TYPICAL_VOLUME, _SIGNED, _COUNTED, _NUMBER, _TRADED, _CHANNELS = range(9)
_TERMS: Final = _LAYOUT.row(_CHANNELS)
_VOLUMES: Final = _LAYOUT.row(3)
_CHAIN: Final = ((1, 1), (2, 2), (4, 4), (8, 8), (16, 4, _MONEY + 1), (16, 8), (24, 24), (48, 48))
_WINDOWS: Final = joined(_LAYOUT, _TERMS, _CHAIN, sums=_CHANNELS, spreads=1)
_SUMS_8: Final = _WINDOWS.first_row[8]
_SUMS_20: Final = _WINDOWS.first_row[20]
_SUMS_24: Final = _WINDOWS.first_row[24]
_SUMS_96: Final = _WINDOWS.first_row[96]
_SUMS_OF: Final = np.array([_SUMS_24, _SUMS_96])
_SPREAD_96: Final = _WINDOWS.first_row[96] + _CHANNELS
_FLOW_KNOWN, _INFLOW, _OUTFLOW = range(3)
_FLOWS: Final = _LAYOUT.row(3)
_FLOW_SUMS: Final = joined(_LAYOUT, _FLOWS, ((1, 1), (2, 2), (4, 2), (6, 1), (7, 7)), sums=3)
_FLOWS_14: Final = _FLOW_SUMS.first_row[14]
_JOINS: Final = np.concatenate([_WINDOWS.table, _FLOW_SUMS.table])

_BARS: Final = np.array([24.0, 96.0])

_OUT_RATIO: Final = 0
_OUT_SCORE: Final = 3
_OUT_MONEY: Final = 4
_OUT_VWAP: Final = 6
_OUT_SIGNED: Final = 8
_OUT_TRADES: Final = 10
_OUT_TRADE_SIZE: Final = 12
OUT: Final = COLUMNS_OF["volume"]

# Shares of a window's volume: bars and warm-up; rows of the part, of the window, and of the column.
_SHARES: Final = np.array([[24.0, 24.0], [96.0, 96.0], [20.0, 19.0]])
_SHARE_ROWS: Final = np.array(
    [
        [_SUMS_24 + _SIGNED, _SUMS_24, OUT + _OUT_SIGNED],
        [_SUMS_96 + _SIGNED, _SUMS_96, OUT + _OUT_SIGNED + 1],
        [_SUMS_20 + _MONEY, _SUMS_20, OUT + _OUT_MONEY + 1],
    ]
)

blank = _LAYOUT.blank
ROWS: Final = _LAYOUT.rows
"""Rows of the work that the kernel needs."""


@compiled_within
def fold(memory: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Bring the memory through a piece and write its columns into the rows from `OUT` on."""
    _set_typical(work, piece)
    look_back(_LAGS, _KEPT, memory, work, piece)
    _set_terms(work, piece)
    walk(_JOINS, memory, work, piece)
    age = piece[AGE]
    _compare(work, piece, age)
    _compare_more(work, piece, age)


@compiled_part
def _set_typical(work: FloatArray, piece: IntArray) -> None:
    for slot in range(piece[SIZE]):
        work[_TYPICAL, slot] = (work[HIGH, slot] + work[LOW, slot] + work[CLOSE, slot]) / 3.0


@compiled_part
def _set_terms(work: FloatArray, piece: IntArray) -> None:
    """Set what is summed; what is missing changes nothing."""
    for slot in range(piece[SIZE]):
        high, low, close = work[HIGH, slot], work[LOW, slot], work[CLOSE, slot]
        typical, volume, trades = work[_TYPICAL, slot], work[VOLUME, slot], work[TRADES, slot]
        moved, lifted = close - work[CLOSE_BEFORE, slot], typical - work[_BEFORE, slot]
        is_known = not np.isnan(volume)
        is_counted = is_known and not np.isnan(trades)
        traded = volume if is_known else 0.0
        work[_TERMS + _KNOWN, slot] = 1.0 if is_known else 0.0
        work[_TERMS + _AMOUNT, slot] = traded
        money = traded * ((close - low) - (high - close)) / (high - low)
        work[_TERMS + _MONEY, slot] = money if high > low else 0.0
        work[_TERMS + _TYPICAL_VOLUME, slot] = traded * typical if is_known else 0.0
        work[_TERMS + _SIGNED, slot] = traded if moved > 0.0 else (-traded if moved < 0.0 else 0.0)
        work[_TERMS + _COUNTED, slot] = 1.0 if is_counted else 0.0
        work[_TERMS + _NUMBER, slot] = trades if is_counted else 0.0
        work[_TERMS + _TRADED, slot] = traded if is_counted else 0.0
        work[_FLOWS + _FLOW_KNOWN, slot] = 1.0 if is_known and not np.isnan(lifted) else 0.0
        work[_FLOWS + _INFLOW, slot] = traded * typical if lifted > 0.0 else 0.0
        work[_FLOWS + _OUTFLOW, slot] = traded * typical if lifted < 0.0 else 0.0
        work[_VOLUMES, slot] = 1.0 if is_known else 0.0
        work[_VOLUMES + 1, slot] = traded
        work[_VOLUMES + 2, slot] = 0.0


@compiled_part
def _compare(work: FloatArray, piece: IntArray, age: int) -> None:
    """Set the columns of two windows; `age` is the first slot's. Short loops become vector operations."""
    size = piece[SIZE]
    for k in range(rolled(2, piece)):
        sums, bars = _SUMS_OF[k], _BARS[k]
        for slot in range(size):
            counts, amount = work[sums + _KNOWN, slot], work[sums + _AMOUNT, slot]
            ratio = work[VOLUME, slot] * counts / amount * whole(counts, bars, age + slot, bars - 1.0)
            work[OUT + _OUT_RATIO + k, slot] = ratio if amount > 0.0 else np.nan
        for slot in range(size):
            vwap = work[sums + _TYPICAL_VOLUME, slot] / work[sums + _AMOUNT, slot]
            known = whole(work[sums + _KNOWN, slot], bars, age + slot, bars - 1.0)
            distance = work[CLOSE, slot] / vwap - 1.0
            work[OUT + _OUT_VWAP + k, slot] = distance * known if vwap > 0.0 else np.nan
        for slot in range(size):
            counts, number = work[sums + _COUNTED, slot], work[sums + _NUMBER, slot]
            ratio = work[TRADES, slot] * counts / number * whole(counts, bars, age + slot, bars - 1.0)
            work[OUT + _OUT_TRADES + k, slot] = ratio if number > 0.0 else np.nan
        for slot in range(size):
            mean = work[sums + _TRADED, slot] / work[sums + _NUMBER, slot]
            known = whole(work[sums + _COUNTED, slot], bars, age + slot, bars - 1.0)
            ratio = work[VOLUME, slot] / work[TRADES, slot] / mean * known
            has_size = work[TRADES, slot] > 0.0 and mean > 0.0
            work[OUT + _OUT_TRADE_SIZE + k, slot] = ratio if has_size else np.nan
    for k in range(rolled(len(_SHARES), piece)):
        bars, warmup = _SHARES[k, 0], _SHARES[k, 1]
        part, counts = _SHARE_ROWS[k, 0], _SHARE_ROWS[k, 1]
        for slot in range(size):
            amount = work[counts + _AMOUNT, slot]
            share = work[part, slot] / amount * whole(work[counts + _KNOWN, slot], bars, age + slot, warmup)
            work[_SHARE_ROWS[k, 2], slot] = share if amount > 0.0 else np.nan


@compiled_part
def _compare_more(work: FloatArray, piece: IntArray, age: int) -> None:
    """Set the columns of one window each; money flow by Quong & Soudack (1989)."""
    for slot in range(piece[SIZE]):
        counts = work[_SUMS_8 + _KNOWN, slot]
        short = work[_SUMS_8 + _AMOUNT, slot] / counts * whole(counts, 8.0, age + slot, 7.0)
        counts, amount = work[_SUMS_96 + _KNOWN, slot], work[_SUMS_96 + _AMOUNT, slot]
        trend = short * counts / amount * whole(counts, 96.0, age + slot, 95.0)
        work[OUT + _OUT_RATIO + 2, slot] = trend if amount > 0.0 else np.nan
    for slot in range(piece[SIZE]):
        counts, mean = work[_SPREAD_96, slot], work[_SPREAD_96 + 1, slot]
        deviation = math.sqrt(work[_SPREAD_96 + 2, slot] / counts) * whole(counts, 96.0, age + slot, 95.0)
        score = (work[VOLUME, slot] - mean) / deviation
        work[OUT + _OUT_SCORE, slot] = score if deviation > 0.0 else np.nan
    for slot in range(piece[SIZE]):
        inflow = work[_FLOWS_14 + _INFLOW, slot]
        total = inflow + work[_FLOWS_14 + _OUTFLOW, slot]
        known = whole(work[_FLOWS_14 + _FLOW_KNOWN, slot], 14.0, age + slot, 14.0)
        work[OUT + _OUT_MONEY, slot] = 100.0 * inflow / total * known if total > 0.0 else np.nan
