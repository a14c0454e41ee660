"""Kernel of the family `volume`: how much is traded, against the usual, and on which side of the bar."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_part, compiled_within
from truebar.features.fields import CLOSE, HIGH, LOW, SLOT, TRADES, VOLUME
from truebar.features.memory import BAR, BEGIN, END, FIRST, SIZE, Layout, lay_out
from truebar.features.windows import SPREAD, SUM, earlier, joined, walk, whole

_LAYOUT: Final = Layout()

# Rows of the work: what is read, the typical price, and close and typical price one bar before.
_HIGH, _LOW, _CLOSE, _TYPICAL, _VOLUME, _TRADES = range(6)
_READ: Final = _LAYOUT.row(6)
_TAKEN: Final = np.array([[HIGH, _HIGH], [LOW, _LOW], [CLOSE, _CLOSE], [VOLUME, _VOLUME], [TRADES, _TRADES]])
_EARLIER: Final = earlier(_LAYOUT, _CLOSE, [1], rows=2)
_LAGS: Final = _EARLIER.table
_BEFORE: Final = _EARLIER.first_row[1]

# What is summed. Money: volume times where the close lies in the bar, -1 at the low and 1 at the high.
_KNOWN, _AMOUNT, _MONEY, _TYPICAL_VOLUME, _SIGNED, _COUNTED, _NUMBER, _TRADED, _CHANNELS = range(9)
_TERMS: Final = _LAYOUT.row(_CHANNELS)
_CHAIN: Final = ((1, 1), (2, 2), (4, 4), (8, 8), (16, 4), (20, 4), (24, 24), (48, 48))
_SUMS: Final = joined(_LAYOUT, SUM, _TERMS, [0.0] * _CHANNELS, _CHAIN)
_SUMS_8: Final = _SUMS.first_row[8]
_SUMS_20: Final = _SUMS.first_row[20]
_SUMS_24: Final = _SUMS.first_row[24]
_SUMS_96: Final = _SUMS.first_row[96]
_SUMS_OF: Final = np.array([_SUMS_24, _SUMS_96])
_FLOW_KNOWN, _INFLOW, _OUTFLOW = range(3)
_FLOWS: Final = _LAYOUT.row(3)
_FLOW_SUMS: Final = joined(_LAYOUT, SUM, _FLOWS, [0.0] * 3, ((1, 1), (2, 2), (4, 2), (6, 1), (7, 7)))
_FLOWS_14: Final = _FLOW_SUMS.first_row[14]
_VOLUMES: Final = _LAYOUT.row(3)
_SPREADS: Final = joined(
    _LAYOUT, SPREAD, _VOLUMES, [0.0] * 3, ((1, 1), (2, 1), (3, 3), (6, 6), (12, 12), (24, 24), (48, 48))
)
_SPREAD_96: Final = _SPREADS.first_row[96]
_JOINS: Final = np.concatenate([_SUMS.table, _FLOW_SUMS.table, _SPREADS.table])

_BARS: Final = (24.0, 96.0)

_OUT_RATIO: Final = 0
_OUT_SCORE: Final = 3
_OUT_MONEY: Final = 4
_OUT_VWAP: Final = 6
_OUT_SIGNED: Final = 8
_OUT_TRADES: Final = 10
_OUT_TRADE_SIZE: Final = 12

blank = _LAYOUT.blank
ROWS: Final = _LAYOUT.rows
"""Rows of the work that the kernel needs."""


@compiled_within
def fold(memory: FloatArray, work: FloatArray, fields: FloatArray, piece: IntArray, out: FloatArray) -> None:
    """Bring the memory through a piece and write the columns of its bars, float64[columns, n]."""
    lay_out(_TAKEN, fields, piece, work)
    _set_typical(work, piece)
    walk(_LAGS, memory, work, piece)
    _set_terms(work, piece)
    walk(_JOINS, memory, work, piece)
    _write(memory, work, fields, piece, out)


@compiled_part
def _set_typical(work: FloatArray, piece: IntArray) -> None:
    for slot in range(piece[SIZE]):
        work[_TYPICAL, slot] = (work[_HIGH, slot] + work[_LOW, slot] + work[_CLOSE, slot]) / 3.0


@compiled_part
def _set_terms(work: FloatArray, piece: IntArray) -> None:
    """Set what is summed; what is missing changes nothing."""
    for slot in range(piece[SIZE]):
        high, low, close = work[_HIGH, slot], work[_LOW, slot], work[_CLOSE, slot]
        typical, volume, trades = work[_TYPICAL, slot], work[_VOLUME, slot], work[_TRADES, slot]
        moved, lifted = close - work[_BEFORE, slot], typical - work[_BEFORE + 1, slot]
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
def _write(
    memory: FloatArray, work: FloatArray, fields: FloatArray, piece: IntArray, out: FloatArray
) -> None:
    """Write the columns of the piece's bars; money flow by Quong & Soudack (1989) and by Chaikin."""
    for place in range(piece[BAR], piece[END]):
        slot = int(fields[SLOT, place]) - piece[BEGIN]
        age, volume, trades = (
            slot + piece[BEGIN] - int(memory[FIRST]),
            work[_VOLUME, slot],
            work[_TRADES, slot],
        )
        counts = work[_SUMS_8 + _KNOWN, slot]
        short = work[_SUMS_8 + _AMOUNT, slot] / counts * whole(counts, 8.0, age, 7.0)
        for k in range(2):
            sums, bars = _SUMS_OF[k], _BARS[k]
            counts, amount = work[sums + _KNOWN, slot], work[sums + _AMOUNT, slot]
            per_amount = whole(counts, bars, age, bars - 1.0) / amount if amount > 0.0 else np.nan
            out[_OUT_RATIO + k, place] = volume * counts * per_amount
            if k == 1:
                out[_OUT_RATIO + 2, place] = short * counts * per_amount
            vwap = work[sums + _TYPICAL_VOLUME, slot] * per_amount
            out[_OUT_VWAP + k, place] = work[_CLOSE, slot] / vwap - 1.0
            signed = work[sums + _SIGNED, slot] * per_amount
            out[_OUT_SIGNED + k, place] = signed if age >= bars else np.nan
            counted, number = work[sums + _COUNTED, slot], work[sums + _NUMBER, slot]
            traded, known = work[sums + _TRADED, slot], whole(counted, bars, age, bars - 1.0)
            out[_OUT_TRADES + k, place] = trades * counted / number * known if number > 0.0 else np.nan
            has_size = trades > 0.0 and number > 0.0 and traded > 0.0
            size = volume / trades * number / traded
            out[_OUT_TRADE_SIZE + k, place] = size * known if has_size else np.nan
        counts, mean = work[_SPREAD_96, slot], work[_SPREAD_96 + 1, slot]
        deviation = math.sqrt(work[_SPREAD_96 + 2, slot] / counts) * whole(counts, 96.0, age, 95.0)
        out[_OUT_SCORE, place] = (volume - mean) / deviation if deviation > 0.0 else np.nan
        inflow, total = work[_FLOWS_14 + _INFLOW, slot], work[_FLOWS_14 + _OUTFLOW, slot]
        total += inflow
        known = whole(work[_FLOWS_14 + _FLOW_KNOWN, slot], 14.0, age, 14.0)
        out[_OUT_MONEY, place] = 100.0 * inflow / total * known if total > 0.0 else np.nan
        amount = work[_SUMS_20 + _AMOUNT, slot]
        known = whole(work[_SUMS_20 + _KNOWN, slot], 20.0, age, 19.0)
        out[_OUT_MONEY + 1, place] = (
            work[_SUMS_20 + _MONEY, slot] / amount * known if amount > 0.0 else np.nan
        )
