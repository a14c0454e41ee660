"""Kernel of the family `averages`: the price against its averages, and the classic oscillators.

Definitions are TA-Lib's, in units of the average true range where TA-Lib's would carry the price.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_in_place, compiled_part, compiled_within
from truebar.feature_columns import EMA_SPANS, SETTLED, SMA_BARS
from truebar.features.averaging import average, averages, ema_factor, wilder_factor
from truebar.features.fields import CLOSE, HIGH, LOW, SLOT
from truebar.features.memory import BAR, BEGIN, END, FIRST, SIZE, Layout, lay_out
from truebar.features.windows import LATEST, SUM, earlier, joined, walk, whole

_LAYOUT: Final = Layout()

# Rows of the work: what is read, and what it was one bar before.
_HIGH, _LOW, _CLOSE = range(3)
_READ: Final = _LAYOUT.row(3)
_TAKEN: Final = np.array([[HIGH, _HIGH], [LOW, _LOW], [CLOSE, _CLOSE]])
_EARLIER: Final = earlier(_LAYOUT, _READ, [1], rows=3)
_LAGS: Final = _EARLIER.table
_BEFORE: Final = _EARLIER.first_row[1]

# What is averaged.
_RISE, _FALL, _TRUE_RANGE, _PLUS, _MINUS, _MOVES = range(6)
_MOVE: Final = _LAYOUT.row(_MOVES)
_WILDER: Final = wilder_factor(14)
_AVERAGES: Final = averages(
    _LAYOUT,
    [
        *((_MOVE + k, _WILDER) for k in range(_MOVES)),
        (_MOVE + _RISE, wilder_factor(7)),
        (_MOVE + _FALL, wilder_factor(7)),
        *((_CLOSE, ema_factor(span)) for span in (12, 26, *EMA_SPANS)),
    ],
)
_FIRST_TABLE: Final = _AVERAGES.table
_FIRST_FACTORS: Final = _AVERAGES.factors
_MEAN: Final = _AVERAGES.mean_row
_KNOWN: Final = _AVERAGES.known_row
_FAST_RISE, _FAST_FALL, _FAST, _SLOW, _EMA = range(5, 10)

# Averages of averages: the signal of the MACD, and the strength of the direction.
_SIGNAL: Final = _LAYOUT.row(2)
_SECOND: Final = averages(_LAYOUT, [(_SIGNAL, ema_factor(9)), (_SIGNAL + 1, _WILDER)])
_SECOND_TABLE: Final = _SECOND.table
_SECOND_FACTORS: Final = _SECOND.factors
_SIGNAL_MEAN: Final = _SECOND.mean_row
_SIGNAL_KNOWN: Final = _SECOND.known_row

# What is summed over windows, and the highest high and highest negated low with the bars since.
_COUNT, _PRICE, _TYPICAL = range(3)
_TERMS: Final = _LAYOUT.row(3)
_SUM_CHAIN: Final = (
    (1, 1), (2, 2), (4, 1), (5, 5), (10, 4), (10, 10), (20, 4), (20, 5), (24, 2), (24, 24), (25, 25),
    (48, 48),
)  # fmt: skip
_SUMS: Final = joined(_LAYOUT, SUM, _TERMS, [0.0] * 3, _SUM_CHAIN)
_SUMS_OF: Final = np.array([_SUMS.first_row[bars] for bars in SMA_BARS])
_SUMS_14: Final = _SUMS.first_row[14]
_SUMS_20: Final = _SUMS.first_row[20]
_SUMS_26: Final = _SUMS.first_row[26]
_EXTREMES: Final = _LAYOUT.row(4)
_EXTREME_CHAIN: Final = ((1, 1), (2, 1), (3, 3), (6, 6), (12, 2), (14, 12))
_HIGHEST: Final = joined(_LAYOUT, LATEST, _EXTREMES, [-np.inf, 0.0] * 2, _EXTREME_CHAIN)
_RANGE_14: Final = _HIGHEST.first_row[14]
_RANGE_26: Final = _HIGHEST.first_row[26]
_JOINS: Final = np.concatenate([_SUMS.table, _HIGHEST.table])

# The stochastic before and after its averages, and each as it was one and two bars before.
_FAST_K: Final = _LAYOUT.row()
_FAST_EARLIER: Final = earlier(_LAYOUT, _FAST_K, [1, 2])
_FAST_LAGS: Final = _FAST_EARLIER.table
_FAST_BEFORE: Final = _FAST_EARLIER.first_row[1]
_SLOW_K: Final = _LAYOUT.row()
_SLOW_EARLIER: Final = earlier(_LAYOUT, _SLOW_K, [1, 2])
_SLOW_LAGS: Final = _SLOW_EARLIER.table
_SLOW_BEFORE: Final = _SLOW_EARLIER.first_row[1]

# The typical prices of the last 32 slots and what each counts, for deviations from a mean that moves.
_CCI: Final = _LAYOUT.row()
_RING_MASK: Final = 31
_RING: Final = _LAYOUT.place(2 * (_RING_MASK + 1))

_SETTLED_EMA: Final = tuple(SETTLED[f"ema_distance_{span}"] for span in EMA_SPANS)
_SETTLED_MACD: Final = SETTLED["macd"]
_SETTLED_SIGNAL: Final = SETTLED["macd_signal"]
_SETTLED_RANGE: Final = SETTLED["sma_distance_10"]
_SETTLED_FAST_RSI: Final = SETTLED["rsi_7"]
_SETTLED_STRENGTH: Final = SETTLED["adx_14"]

_OUT_SMA: Final = len(EMA_SPANS)
_OUT_MACD: Final = _OUT_SMA + len(SMA_BARS)
_OUT_RSI: Final = _OUT_MACD + 3
_OUT_STOCHASTIC: Final = _OUT_RSI + 2
_OUT_CCI: Final = _OUT_STOCHASTIC + 3
_OUT_DIRECTION: Final = _OUT_CCI + 1
_OUT_AROON: Final = _OUT_DIRECTION + 3

blank = _LAYOUT.blank
ROWS: Final = _LAYOUT.rows
"""Rows of the work that the kernel needs."""


@compiled_within
def fold(memory: FloatArray, work: FloatArray, fields: FloatArray, piece: IntArray, out: FloatArray) -> None:
    """Bring the memory through a piece and write the columns of its bars, float64[columns, n]."""
    lay_out(_TAKEN, fields, piece, work)
    walk(_LAGS, memory, work, piece)
    _set_terms(work, piece)
    average(_FIRST_TABLE, _FIRST_FACTORS, memory, work, piece)
    _set_second(work, piece)
    average(_SECOND_TABLE, _SECOND_FACTORS, memory, work, piece)
    walk(_JOINS, memory, work, piece)
    _set_stochastic(work, piece)
    walk(_FAST_LAGS, memory, work, piece)
    _smooth(work, piece)
    walk(_SLOW_LAGS, memory, work, piece)
    _set_commodity_channel(memory, work, piece)
    _write_averages(memory, work, fields, piece, out)
    _write_oscillators(memory, work, fields, piece, out)


@compiled_part
def _set_terms(work: FloatArray, piece: IntArray) -> None:
    """Set moves, which are not known without a bar before, and what counts in windows."""
    for slot in range(piece[SIZE]):
        high, low, close = work[_HIGH, slot], work[_LOW, slot], work[_CLOSE, slot]
        before = work[_BEFORE + _CLOSE, slot]
        move = close - before
        up, down = high - work[_BEFORE + _HIGH, slot], work[_BEFORE + _LOW, slot] - low
        work[_MOVE + _RISE, slot] = 0.0 if move < 0.0 else move
        work[_MOVE + _FALL, slot] = 0.0 if move > 0.0 else -move
        true_range = max(high - low, abs(high - before), abs(low - before))
        work[_MOVE + _TRUE_RANGE, slot] = np.nan if np.isnan(move) else true_range
        work[_MOVE + _PLUS, slot] = up if np.isnan(move) or (up > down and up > 0.0) else 0.0
        work[_MOVE + _MINUS, slot] = down if np.isnan(move) or (down > up and down > 0.0) else 0.0
        is_there = not np.isnan(close)
        work[_TERMS + _COUNT, slot] = 1.0 if is_there else 0.0
        work[_TERMS + _PRICE, slot] = close if is_there else 0.0
        work[_TERMS + _TYPICAL, slot] = (high + low + close) / 3.0 if is_there else 0.0
        work[_EXTREMES, slot] = high if is_there else -np.inf
        work[_EXTREMES + 2, slot] = -low if is_there else -np.inf
        work[_EXTREMES + 1, slot] = 0.0
        work[_EXTREMES + 3, slot] = 0.0


@compiled_part
def _set_second(work: FloatArray, piece: IntArray) -> None:
    """Set what is averaged again: the MACD, and the strength of the direction (Wilder 1978)."""
    for slot in range(piece[SIZE]):
        macd = work[_MEAN + _FAST, slot] - work[_MEAN + _SLOW, slot]
        plus, minus = work[_MEAN + _PLUS, slot], work[_MEAN + _MINUS, slot]
        has_direction = not np.isnan(work[_MOVE, slot]) and plus + minus > 0.0
        strength = 100.0 * abs(plus - minus) / (plus + minus)
        work[_SIGNAL, slot] = np.nan if np.isnan(work[_CLOSE, slot]) else macd
        work[_SIGNAL + 1, slot] = strength if has_direction else np.nan


@compiled_part
def _set_stochastic(work: FloatArray, piece: IntArray) -> None:
    """Set %K before it is smoothed; it needs all 14 bars."""
    for slot in range(piece[SIZE]):
        highest, lowest = work[_RANGE_14, slot], -work[_RANGE_14 + 2, slot]
        has_window = work[_SUMS_14 + _COUNT, slot] == 14.0 and highest > lowest
        fast = 100.0 * (work[_CLOSE, slot] - lowest) / (highest - lowest)
        work[_FAST_K, slot] = fast if has_window else np.nan


@compiled_part
def _smooth(work: FloatArray, piece: IntArray) -> None:
    for slot in range(piece[SIZE]):
        earliest, before = work[_FAST_BEFORE + 1, slot], work[_FAST_BEFORE, slot]
        work[_SLOW_K, slot] = (earliest + before + work[_FAST_K, slot]) / 3.0


@compiled_part
def _set_commodity_channel(memory: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Set Lambert's commodity channel index over 20 bars; NaN where the typical price stands still."""
    for slot in range(piece[SIZE]):
        latest = slot + piece[BEGIN]
        typical, counts = work[_TERMS + _TYPICAL, slot], work[_TERMS + _COUNT, slot]
        entry = _RING + (latest & _RING_MASK) * 2
        memory[entry], memory[entry + 1] = typical, counts
        known = work[_SUMS_20 + _COUNT, slot]
        mean = work[_SUMS_20 + _TYPICAL, slot] / known
        # Four sums side by side: one would wait for each addition.
        sums = (0.0, 0.0, 0.0, 0.0)
        for back in range(0, 20, 4):
            sums = (
                sums[0] + _deviation(memory, latest - back, mean),
                sums[1] + _deviation(memory, latest - back - 1, mean),
                sums[2] + _deviation(memory, latest - back - 2, mean),
                sums[3] + _deviation(memory, latest - back - 3, mean),
            )
        deviations = (sums[0] + sums[1]) + (sums[2] + sums[3])
        # Equal prices: rounding of their mean is no deviation.
        has_spread = deviations > 1e-12 * mean
        work[_CCI, slot] = (typical - mean) / (0.015 * deviations / known) if has_spread else np.nan


@compiled_in_place
def _deviation(memory: FloatArray, slot: int, mean: float) -> float:
    entry = _RING + (slot & _RING_MASK) * 2
    distance: float = abs(memory[entry] - mean) * memory[entry + 1]
    return distance


@compiled_part
def _write_averages(
    memory: FloatArray, work: FloatArray, fields: FloatArray, piece: IntArray, out: FloatArray
) -> None:
    """Write the distances from averages and the MACD, in average true ranges."""
    for place in range(piece[BAR], piece[END]):
        slot = int(fields[SLOT, place]) - piece[BEGIN]
        age, close = slot + piece[BEGIN] - int(memory[FIRST]), work[_CLOSE, slot]
        true_range = work[_MEAN + _TRUE_RANGE, slot]
        is_settled = age >= _SETTLED_RANGE and true_range > 0.0
        unit = 1.0 / true_range * work[_KNOWN + _TRUE_RANGE, slot] if is_settled else np.nan
        for k in range(len(EMA_SPANS)):
            distance = (close - work[_MEAN + _EMA + k, slot]) * (unit * work[_KNOWN + _EMA + k, slot])
            out[k, place] = distance if age >= _SETTLED_EMA[k] else np.nan
        for k in range(len(SMA_BARS)):
            sums = _SUMS_OF[k]
            known = work[sums + _COUNT, slot]
            mean = work[sums + _PRICE, slot] / known * whole(known, float(SMA_BARS[k]), age, 0.0)
            out[_OUT_SMA + k, place] = (close - mean) * unit
        macd, signal = work[_SIGNAL, slot], work[_SIGNAL_MEAN, slot]
        known = work[_KNOWN + _FAST, slot] * work[_KNOWN + _SLOW, slot]
        macd_unit = unit * known if age >= _SETTLED_MACD else np.nan
        signal_unit = macd_unit * work[_SIGNAL_KNOWN, slot] if age >= _SETTLED_SIGNAL else np.nan
        out[_OUT_MACD, place] = macd * macd_unit
        out[_OUT_MACD + 1, place] = signal * signal_unit
        out[_OUT_MACD + 2, place] = (macd - signal) * signal_unit


@compiled_part
def _write_oscillators(
    memory: FloatArray, work: FloatArray, fields: FloatArray, piece: IntArray, out: FloatArray
) -> None:
    """Write RSI, stochastic, CCI, directional movement (Wilder 1978) and Aroon (Chande 1995)."""
    for place in range(piece[BAR], piece[END]):
        slot = int(fields[SLOT, place]) - piece[BEGIN]
        age = slot + piece[BEGIN] - int(memory[FIRST])
        settled = work[_KNOWN, slot] if age >= _SETTLED_RANGE else np.nan
        fast_settled = work[_KNOWN + _FAST_RISE, slot] if age >= _SETTLED_FAST_RSI else np.nan
        rise, fall = work[_MEAN + _FAST_RISE, slot], work[_MEAN + _FAST_FALL, slot]
        out[_OUT_RSI, place] = _percent(rise, rise + fall, fast_settled)
        rise, fall = work[_MEAN + _RISE, slot], work[_MEAN + _FALL, slot]
        out[_OUT_RSI + 1, place] = _percent(rise, rise + fall, settled)
        slow = work[_SLOW_K, slot]
        out[_OUT_STOCHASTIC, place] = slow
        out[_OUT_STOCHASTIC + 1, place] = (
            work[_SLOW_BEFORE + 1, slot] + work[_SLOW_BEFORE, slot] + slow
        ) / 3.0
        highest, lowest = work[_RANGE_14, slot], -work[_RANGE_14 + 2, slot]
        has_window = work[_SUMS_14 + _COUNT, slot] == 14.0 and highest > lowest
        below = -100.0 * (highest - work[_CLOSE, slot]) / (highest - lowest)
        out[_OUT_STOCHASTIC + 2, place] = below if has_window else np.nan
        out[_OUT_CCI, place] = work[_CCI, slot] * whole(work[_SUMS_20 + _COUNT, slot], 20.0, age, 19.0)
        true_range = work[_MEAN + _TRUE_RANGE, slot]
        out[_OUT_DIRECTION, place] = _percent(work[_MEAN + _PLUS, slot], true_range, settled)
        out[_OUT_DIRECTION + 1, place] = _percent(work[_MEAN + _MINUS, slot], true_range, settled)
        strength = work[_SIGNAL_MEAN + 1, slot] * work[_SIGNAL_KNOWN + 1, slot]
        out[_OUT_DIRECTION + 2, place] = strength if age >= _SETTLED_STRENGTH else np.nan
        known = whole(work[_SUMS_26 + _COUNT, slot], 26.0, age, 25.0)
        out[_OUT_AROON, place] = 4.0 * (25.0 - work[_RANGE_26 + 1, slot]) * known
        out[_OUT_AROON + 1, place] = 4.0 * (25.0 - work[_RANGE_26 + 3, slot]) * known


@compiled_in_place
def _percent(part: float, total: float, known: float) -> float:
    """Return part / total in percent; NaN where the total is zero."""
    return 100.0 * part / total * known if total > 0.0 else np.nan
