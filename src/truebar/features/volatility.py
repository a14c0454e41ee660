"""Kernel of the family `volatility`: how far the price moves, lately and against its own usual."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_part, compiled_within
from truebar.feature_columns import SETTLED
from truebar.features.averaging import average, averages, wilder_factor
from truebar.features.fields import CLOSE, HIGH, LOG_CLOSE, LOG_HIGH, LOG_LOW, LOG_OPEN, LOW
from truebar.features.memory import AGE, SIZE, Layout, rolled
from truebar.features.slots import CLOSE_BEFORE, COLUMNS_OF, LOG_CLOSE_BEFORE, SHARED_ROWS
from truebar.features.windows import joined, walk, whole

_LAYOUT: Final = Layout(SHARED_ROWS)

# Rows of the work: what is summed; the log of highs and of negated lows; number, mean and squares of closes.
_KNOWN, _MOVED, _SQUARE, _RANGE, _RANGE_SQUARE, _GARMAN_KLASS, _FALL_SQUARE, _CHANNELS = range(8)
_TERMS: Final = _LAYOUT.row(_CHANNELS)
_EXTREMES: Final = _LAYOUT.row(2)
_CLOSES: Final = _LAYOUT.row(3)
_CHAIN: Final = ((1, 1), (2, 2), (4, 4), (8, 8), (16, 8), (24, 24), (48, 48))
_WINDOWS: Final = joined(_LAYOUT, _TERMS, _CHAIN, sums=_CHANNELS, highest=2)
_SPREADS: Final = joined(_LAYOUT, _CLOSES, ((1, 1), (2, 2), (4, 4), (8, 8), (16, 4)), spreads=1)
_JOINS: Final = np.concatenate([_WINDOWS.table, _SPREADS.table])
_SUMS_8: Final = _WINDOWS.first_row[8]
_SUMS_24: Final = _WINDOWS.first_row[24]
_SUMS_96: Final = _WINDOWS.first_row[96]
_WIDTHS_OF: Final = np.array([_SUMS_24, _SUMS_96])
_WIDTH_BARS: Final = np.array([24.0, 96.0])
_SPREAD_20: Final = _SPREADS.first_row[20]

_TRUE_RANGE: Final = _LAYOUT.row()
_AVERAGE: Final = averages(_LAYOUT, [(_TRUE_RANGE, wilder_factor(14))])
_AVERAGE_TABLE: Final = _AVERAGE.table
_AVERAGE_FACTORS: Final = _AVERAGE.factors
_MEAN_RANGE: Final = _AVERAGE.mean_row
_RANGE_KNOWN: Final = _AVERAGE.known_row

_SETTLED: Final = SETTLED["atr_share_14"]

_PARKINSON: Final = 4.0 * math.log(2.0)
_GARMAN_KLASS_BODY: Final = 2.0 * math.log(2.0) - 1.0

_OUT_PARKINSON: Final = 3
_OUT_RATIO: Final = 7
_OUT_BOLLINGER: Final = 12
_OUT_TRUE_RANGE: Final = 14
_OUT_WIDTH: Final = 17

OUT: Final = COLUMNS_OF["volatility"]
_DEVIATION: Final = _LAYOUT.row()

# Roots of means, in the order of their columns: bars, warm-up and factor; rows of sum, divisor and count.
_ROOTS: Final = np.array([
    (8.0, 8.0, 1.0), (24.0, 24.0, 1.0), (96.0, 96.0, 1.0), (24.0, 23.0, _PARKINSON), (96.0, 95.0, _PARKINSON),
    (24.0, 23.0, 1.0), (96.0, 95.0, 1.0),
])  # fmt: skip
_ROOT_ROWS: Final = np.array(
    [
        *([sums + _SQUARE, sums + _MOVED, sums + _KNOWN] for sums in (_SUMS_8, _SUMS_24, _SUMS_96)),
        *([sums + _RANGE_SQUARE, sums + _KNOWN, sums + _KNOWN] for sums in (_SUMS_24, _SUMS_96)),
        *([sums + _GARMAN_KLASS, sums + _KNOWN, sums + _KNOWN] for sums in (_SUMS_24, _SUMS_96)),
    ]
)
_RATIO_ROWS: Final = np.array(
    [
        [OUT, OUT + 2],
        [OUT + 1, OUT + 2],
        [OUT + _OUT_PARKINSON, OUT + _OUT_PARKINSON + 1],
        [OUT + _OUT_PARKINSON + 1, OUT + 2],
        [_SUMS_96 + _FALL_SQUARE, _SUMS_96 + _SQUARE],
    ]
)

blank = _LAYOUT.blank
ROWS: Final = _LAYOUT.rows
"""Rows of the work that the kernel needs."""


@compiled_within
def fold(memory: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Bring the memory through a piece and write its columns into the rows from `OUT` on."""
    _set_terms(work, piece)
    average(_AVERAGE_TABLE, _AVERAGE_FACTORS, memory, work, piece)
    walk(_JOINS, memory, work, piece)
    age = piece[AGE]
    _set_levels(work, piece, age)
    _set_ranges(work, piece, age)


@compiled_part
def _set_terms(work: FloatArray, piece: IntArray) -> None:
    """Set what is summed, compared and averaged; what is missing changes nothing."""
    for slot in range(piece[SIZE]):
        moved = work[LOG_CLOSE, slot] - work[LOG_CLOSE_BEFORE, slot]
        is_there, has_moved = not np.isnan(work[CLOSE, slot]), not np.isnan(moved)
        square = moved * moved if has_moved else 0.0
        width = work[LOG_HIGH, slot] - work[LOG_LOW, slot] if is_there else 0.0
        body = work[LOG_CLOSE, slot] - work[LOG_OPEN, slot] if is_there else 0.0
        work[_TERMS + _KNOWN, slot] = 1.0 if is_there else 0.0
        work[_TERMS + _MOVED, slot] = 1.0 if has_moved else 0.0
        work[_TERMS + _SQUARE, slot] = square
        work[_TERMS + _RANGE, slot] = width
        work[_TERMS + _RANGE_SQUARE, slot] = width * width
        work[_TERMS + _GARMAN_KLASS, slot] = 0.5 * width * width - _GARMAN_KLASS_BODY * body * body
        work[_TERMS + _FALL_SQUARE, slot] = square if moved < 0.0 else 0.0
        work[_EXTREMES, slot] = work[LOG_HIGH, slot] if is_there else -np.inf
        work[_EXTREMES + 1, slot] = -work[LOG_LOW, slot] if is_there else -np.inf
        work[_CLOSES, slot] = 1.0 if is_there else 0.0
        work[_CLOSES + 1, slot] = work[CLOSE, slot] if is_there else 0.0
        work[_CLOSES + 2, slot] = 0.0
        high, low, before = work[HIGH, slot], work[LOW, slot], work[CLOSE_BEFORE, slot]
        true_range = max(high - low, abs(high - before), abs(low - before))
        work[_TRUE_RANGE, slot] = true_range if has_moved else np.nan


@compiled_part
def _set_levels(work: FloatArray, piece: IntArray, age: int) -> None:
    """Set the estimators of METHOD §1 and how short windows compare; `age` is that of the first slot."""
    size = piece[SIZE]
    for k in range(rolled(len(_ROOTS), piece)):
        bars, warmup, divisor = _ROOTS[k, 0], _ROOTS[k, 1], _ROOTS[k, 2]
        value, divided, counts = _ROOT_ROWS[k, 0], _ROOT_ROWS[k, 1], _ROOT_ROWS[k, 2]
        for slot in range(size):
            root = math.sqrt(max(work[value, slot], 0.0) / work[divided, slot] / divisor)
            work[OUT + k, slot] = root * whole(work[counts, slot], bars, age + slot, warmup)
    for k in range(rolled(len(_RATIO_ROWS), piece)):
        above, below = _RATIO_ROWS[k, 0], _RATIO_ROWS[k, 1]
        for slot in range(size):
            ratio = work[above, slot] / work[below, slot]
            work[OUT + _OUT_RATIO + k, slot] = ratio if work[below, slot] > 0.0 else np.nan
    for slot in range(size):
        known = whole(work[_SUMS_96 + _KNOWN, slot], 96.0, age + slot, 96.0)
        work[OUT + _OUT_BOLLINGER - 1, slot] *= known


@compiled_part
def _set_ranges(work: FloatArray, piece: IntArray, age: int) -> None:
    """Set Bollinger's bands, Wilder's average true range, and how wide the price ranged."""
    size = piece[SIZE]
    for slot in range(size):
        counts = work[_SPREAD_20, slot]
        known = whole(counts, 20.0, age + slot, 19.0)
        work[_DEVIATION, slot] = math.sqrt(work[_SPREAD_20 + 2, slot] / counts) * known
    for slot in range(size):
        deviation, mean = work[_DEVIATION, slot], work[_SPREAD_20 + 1, slot]
        work[OUT + _OUT_BOLLINGER, slot] = 4.0 * deviation / mean
    for slot in range(size):
        deviation, mean = work[_DEVIATION, slot], work[_SPREAD_20 + 1, slot]
        position = (work[CLOSE, slot] - mean + 2.0 * deviation) / (4.0 * deviation)
        work[OUT + _OUT_BOLLINGER + 1, slot] = position if deviation > 0.0 else np.nan
    settled = _SETTLED - age
    for slot in range(size):
        share = work[_MEAN_RANGE, slot] / work[CLOSE, slot] * work[_RANGE_KNOWN, slot]
        work[OUT + _OUT_TRUE_RANGE, slot] = share if slot >= settled else np.nan
    for slot in range(size):
        mean = work[_MEAN_RANGE, slot]
        ratio = work[_TRUE_RANGE, slot] / mean * work[_RANGE_KNOWN, slot]
        work[OUT + _OUT_TRUE_RANGE + 1, slot] = ratio if slot >= settled and mean > 0.0 else np.nan
    for slot in range(size):
        counts, ranges = work[_SUMS_24 + _KNOWN, slot], work[_SUMS_24 + _RANGE, slot]
        ratio = work[_TERMS + _RANGE, slot] * counts / ranges * whole(counts, 24.0, age + slot, 23.0)
        work[OUT + _OUT_TRUE_RANGE + 2, slot] = ratio if ranges > 0.0 else np.nan
    for k in range(rolled(2, piece)):
        sums, bars = _WIDTHS_OF[k], _WIDTH_BARS[k]
        for slot in range(size):
            width = work[sums + _CHANNELS, slot] + work[sums + _CHANNELS + 1, slot]
            known = whole(work[sums + _KNOWN, slot], bars, age + slot, bars - 1.0)
            work[OUT + _OUT_WIDTH + k, slot] = width * known
