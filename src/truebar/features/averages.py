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
from truebar.features.fields import CLOSE, HIGH, LOW
from truebar.features.lags import earlier, look_back
from truebar.features.memory import AGE, BEGIN, SIZE, Layout, rolled
from truebar.features.slots import CLOSE_BEFORE, COLUMNS_OF, HIGH_BEFORE, LOW_BEFORE, SHARED_ROWS
from truebar.features.windows import joined, walk, whole

_LAYOUT: Final = Layout(SHARED_ROWS)

# Rows of the work: what is averaged.
_RISE, _FALL, _TRUE_RANGE, _PLUS, _MINUS, _MOVES = range(6)
_MOVE: Final = _LAYOUT.row(_MOVES)
_WILDER: Final = wilder_factor(14)
_AVERAGES: Final = averages(
    _LAYOUT,
    [
        *((_MOVE + k, _WILDER) for k in range(_MOVES)),
        (_MOVE + _RISE, wilder_factor(7)),
        (_MOVE + _FALL, wilder_factor(7)),
        *((CLOSE, ema_factor(span)) for span in (12, 26, *EMA_SPANS)),
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
    (1, 1), (2, 2), (4, 1), (5, 5), (10, 10), (10, 4, 1), (20, 4, 2), (20, 5, 2), (24, 2, 1), (24, 24, 2),
    (25, 25, 2), (48, 48, 2),
)  # fmt: skip
_SUMS: Final = joined(_LAYOUT, _TERMS, _SUM_CHAIN, sums=3)
_SUMS_OF: Final = np.array([_SUMS.first_row[bars] for bars in SMA_BARS])
_LENGTHS: Final = np.array(SMA_BARS, dtype=np.float64)
_SUMS_14: Final = _SUMS.first_row[14]
_SUMS_20: Final = _SUMS.first_row[20]
_SUMS_26: Final = _SUMS.first_row[26]
_EXTREMES: Final = _LAYOUT.row(4)
_EXTREME_CHAIN: Final = ((1, 1), (2, 1), (3, 3), (6, 6), (12, 2), (14, 12))
_HIGHEST: Final = joined(_LAYOUT, _EXTREMES, _EXTREME_CHAIN, latest=2)
_RANGE_14: Final = _HIGHEST.first_row[14]
_RANGE_26: Final = _HIGHEST.first_row[26]
_JOINS: Final = np.concatenate([_SUMS.table, _HIGHEST.table])

_OUT_SMA: Final = len(EMA_SPANS)
_OUT_MACD: Final = _OUT_SMA + len(SMA_BARS)
_OUT_RSI: Final = _OUT_MACD + 3
_OUT_STOCHASTIC: Final = _OUT_RSI + 2
_OUT_CCI: Final = _OUT_STOCHASTIC + 3
_OUT_DIRECTION: Final = _OUT_CCI + 1
_OUT_AROON: Final = _OUT_DIRECTION + 3
OUT: Final = COLUMNS_OF["averages"]
_UNIT: Final = _LAYOUT.row()  # one over the average true range

# The stochastic before and after its averages, and each as it was one and two bars before.
_FAST_K: Final = _LAYOUT.row()
_FAST_EARLIER: Final = earlier(_LAYOUT, {_FAST_K: (1, 2)})
_FAST_LAGS: Final = _FAST_EARLIER.table
_FAST_KEPT: Final = _FAST_EARLIER.kept
_FAST_BEFORE: Final = _FAST_EARLIER.first_row
_SLOW_K: Final = OUT + _OUT_STOCHASTIC
_SLOW_EARLIER: Final = earlier(_LAYOUT, {_SLOW_K: (1, 2)})
_SLOW_LAGS: Final = _SLOW_EARLIER.table
_SLOW_KEPT: Final = _SLOW_EARLIER.kept
_SLOW_BEFORE: Final = _SLOW_EARLIER.first_row

# The typical prices of the last 32 slots and what each counts, for deviations from a mean that moves.
_CCI: Final = _LAYOUT.row()
_RING_MASK: Final = 31
_RING: Final = _LAYOUT.place(2 * (_RING_MASK + 1))

_SETTLED_EMA: Final = np.array([SETTLED[f"ema_distance_{span}"] for span in EMA_SPANS])
_SETTLED_MACD: Final = SETTLED["macd"]
_SETTLED_SIGNAL: Final = SETTLED["macd_signal"]
_SETTLED_RANGE: Final = SETTLED["sma_distance_10"]
_SETTLED_FAST_RSI: Final = SETTLED["rsi_7"]
_SETTLED_STRENGTH: Final = SETTLED["adx_14"]

# Percentages: rows of the part, of the rest (or, after the RSIs, the whole), of what is known, of the column;
# and when they are settled.
_RSIS: Final = 2
_DIRECTIONS: Final = OUT + _OUT_DIRECTION
_PERCENTS: Final = np.array(
    [
        [
            _MEAN + _FAST_RISE, _MEAN + _FAST_FALL, _KNOWN + _FAST_RISE, OUT + _OUT_RSI, _SETTLED_FAST_RSI,
        ],
        [_MEAN + _RISE, _MEAN + _FALL, _KNOWN, OUT + _OUT_RSI + 1, _SETTLED_RANGE],
        [_MEAN + _PLUS, _MEAN + _TRUE_RANGE, _KNOWN, _DIRECTIONS, _SETTLED_RANGE],
        [_MEAN + _MINUS, _MEAN + _TRUE_RANGE, _KNOWN, _DIRECTIONS + 1, _SETTLED_RANGE],
    ]
)  # fmt: skip

blank = _LAYOUT.blank
ROWS: Final = _LAYOUT.rows
"""Rows of the work that the kernel needs."""


@compiled_within
def fold(memory: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Bring the memory through a piece and write its columns into the rows from `OUT` on."""
    _set_terms(work, piece)
    average(_FIRST_TABLE, _FIRST_FACTORS, memory, work, piece)
    _set_second(work, piece)
    average(_SECOND_TABLE, _SECOND_FACTORS, memory, work, piece)
    walk(_JOINS, memory, work, piece)
    _set_stochastic(work, piece)
    look_back(_FAST_LAGS, _FAST_KEPT, memory, work, piece)
    _smooth(work, piece)
    look_back(_SLOW_LAGS, _SLOW_KEPT, memory, work, piece)
    _set_commodity_channel(memory, work, piece)
    age = piece[AGE]
    _set_distances(work, piece, age)
    _set_oscillators(work, piece, age)


@compiled_part
def _set_terms(work: FloatArray, piece: IntArray) -> None:
    """Set moves, which are not known without a bar before, and what counts in windows."""
    for slot in range(piece[SIZE]):
        high, low, close = work[HIGH, slot], work[LOW, slot], work[CLOSE, slot]
        before = work[CLOSE_BEFORE, slot]
        move = close - before
        up, down = high - work[HIGH_BEFORE, slot], work[LOW_BEFORE, slot] - low
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
        work[_SIGNAL, slot] = np.nan if np.isnan(work[CLOSE, slot]) else macd
        work[_SIGNAL + 1, slot] = strength if has_direction else np.nan


@compiled_part
def _set_stochastic(work: FloatArray, piece: IntArray) -> None:
    """Set %K before it is smoothed; it needs all 14 bars."""
    for slot in range(piece[SIZE]):
        highest, lowest = work[_RANGE_14, slot], -work[_RANGE_14 + 2, slot]
        has_window = work[_SUMS_14 + _COUNT, slot] == 14.0 and highest > lowest
        fast = 100.0 * (work[CLOSE, slot] - lowest) / (highest - lowest)
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
def _set_distances(work: FloatArray, piece: IntArray, age: int) -> None:
    """Set the distances from averages and the MACD, in average true ranges; `age` is the first slot's."""
    size = piece[SIZE]
    for slot in range(size):
        true_range = work[_MEAN + _TRUE_RANGE, slot]
        unit = 1.0 / true_range * work[_KNOWN + _TRUE_RANGE, slot]
        work[_UNIT, slot] = unit if slot >= _SETTLED_RANGE - age and true_range > 0.0 else np.nan
    for k in range(rolled(len(EMA_SPANS), piece)):
        settled = _SETTLED_EMA[k] - age
        for slot in range(size):
            distance = work[CLOSE, slot] - work[_MEAN + _EMA + k, slot]
            scaled = distance * (work[_UNIT, slot] * work[_KNOWN + _EMA + k, slot])
            work[OUT + k, slot] = scaled if slot >= settled else np.nan
    for k in range(rolled(len(SMA_BARS), piece)):
        sums, bars = _SUMS_OF[k], _LENGTHS[k]
        for slot in range(size):
            counts = work[sums + _COUNT, slot]
            distance = work[CLOSE, slot] - work[sums + _PRICE, slot] / counts
            known = whole(counts, bars, age + slot, 0.0)
            work[OUT + _OUT_SMA + k, slot] = distance * (work[_UNIT, slot] * known)
    for slot in range(size):
        unit = work[_UNIT, slot] * (work[_KNOWN + _FAST, slot] * work[_KNOWN + _SLOW, slot])
        work[OUT + _OUT_MACD, slot] = work[_SIGNAL, slot] * unit if slot >= _SETTLED_MACD - age else np.nan
    for slot in range(size):
        unit = work[_UNIT, slot] * (work[_KNOWN + _SLOW, slot] * work[_SIGNAL_KNOWN, slot])
        settled_unit = unit if slot >= _SETTLED_SIGNAL - age else np.nan
        work[OUT + _OUT_MACD + 1, slot] = work[_SIGNAL_MEAN, slot] * settled_unit
    for slot in range(size):
        work[OUT + _OUT_MACD + 2, slot] = work[OUT + _OUT_MACD, slot] - work[OUT + _OUT_MACD + 1, slot]


@compiled_part
def _set_oscillators(work: FloatArray, piece: IntArray, age: int) -> None:
    """Set RSI, stochastic, CCI, directional movement (Wilder 1978) and Aroon (Chande 1995)."""
    size = piece[SIZE]
    for k in range(rolled(len(_PERCENTS), piece)):
        part, rest, known = _PERCENTS[k, 0], _PERCENTS[k, 1], _PERCENTS[k, 2]
        settled = _PERCENTS[k, 4] - age
        for slot in range(size):
            total = work[part, slot] + work[rest, slot] if k < _RSIS else work[rest, slot]
            percent = 100.0 * work[part, slot] / total * work[known, slot]
            is_settled = slot >= settled and total > 0.0
            work[_PERCENTS[k, 3], slot] = percent if is_settled else np.nan
    for slot in range(size):
        mean = (work[_SLOW_BEFORE + 1, slot] + work[_SLOW_BEFORE, slot] + work[_SLOW_K, slot]) / 3.0
        work[OUT + _OUT_STOCHASTIC + 1, slot] = mean
    for slot in range(size):
        highest, lowest = work[_RANGE_14, slot], -work[_RANGE_14 + 2, slot]
        has_window = work[_SUMS_14 + _COUNT, slot] == 14.0 and highest > lowest
        below = -100.0 * (highest - work[CLOSE, slot]) / (highest - lowest)
        work[OUT + _OUT_STOCHASTIC + 2, slot] = below if has_window else np.nan
    for slot in range(size):
        known = whole(work[_SUMS_20 + _COUNT, slot], 20.0, age + slot, 19.0)
        work[OUT + _OUT_CCI, slot] = work[_CCI, slot] * known
    for slot in range(size):
        strength = work[_SIGNAL_MEAN + 1, slot] * work[_SIGNAL_KNOWN + 1, slot]
        work[OUT + _OUT_DIRECTION + 2, slot] = strength if slot >= _SETTLED_STRENGTH - age else np.nan
    for k in range(rolled(2, piece)):
        for slot in range(size):
            known = whole(work[_SUMS_26 + _COUNT, slot], 26.0, age + slot, 25.0)
            work[OUT + _OUT_AROON + k, slot] = 4.0 * (25.0 - work[_RANGE_26 + 1 + 2 * k, slot]) * known
