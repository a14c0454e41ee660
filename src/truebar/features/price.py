"""Kernel of the family `price`: where the price comes from and where it stands in its own recent past."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_part, compiled_within
from truebar.feature_columns import MEAN_BARS, MOMENTUM_BARS, RANGE_BARS, RETURN_BARS
from truebar.features.fields import CLOSE, HIGH, LOG_CLOSE, LOG_HIGH, LOG_LOW, LOG_OPEN, LOW, OPEN
from truebar.features.lags import earlier, look_back
from truebar.features.memory import AGE, SIZE, Layout, rolled
from truebar.features.slots import COLUMNS_OF, LOG_CLOSE_BEFORE, SHARED_ROWS
from truebar.features.windows import joined, walk, whole

_LAYOUT: Final = Layout(SHARED_ROWS)

# Rows of the work: what is summed, then highs and negated lows.
_KNOWN, _MOVED, _RETURN, _SQUARE, _PRICE, _ROSE, _CHANNELS = range(7)
_TERMS: Final = _LAYOUT.row(_CHANNELS)
_HIGH: Final = _LAYOUT.row(2)  # right after the terms: high and negated low

_CHAIN: Final = ((1, 1), (2, 1), (3, 3), (6, 6), (12, 12), (24, 24), (48, 48))
_EARLIER: Final = earlier(_LAYOUT, {LOG_CLOSE: RETURN_BARS})
_WINDOWS: Final = joined(_LAYOUT, _TERMS, _CHAIN, sums=_CHANNELS, highest=2)

_LAGS: Final = _EARLIER.table
_KEPT: Final = _EARLIER.kept
_JOINS: Final = _WINDOWS.table
_BEFORE: Final = _EARLIER.first_row
_SUMS_OF: Final = np.array([_WINDOWS.first_row[bars] for bars in MOMENTUM_BARS])
_MEANS_OF: Final = np.array([_WINDOWS.first_row[bars] for bars in MEAN_BARS])
_RANGES_OF: Final = np.array([_WINDOWS.first_row[bars] for bars in RANGE_BARS])
_MOMENTUM_LENGTHS: Final = np.array(MOMENTUM_BARS, dtype=np.float64)
_RANGE_LENGTHS: Final = np.array(RANGE_BARS, dtype=np.float64)
_MEAN_LENGTHS: Final = np.array(MEAN_BARS, dtype=np.float64)

# First row of each group of columns, in the declared order.
OUT: Final = COLUMNS_OF["price"]
_OUT_MOMENTUM: Final = len(RETURN_BARS)
_OUT_RANGE: Final = _OUT_MOMENTUM + len(MOMENTUM_BARS)
_OUT_MEAN: Final = _OUT_RANGE + len(RANGE_BARS)
_OUT_ROSE: Final = _OUT_MEAN + len(MEAN_BARS)
_OUT_SHAPE: Final = _OUT_ROSE + len(MEAN_BARS)

blank = _LAYOUT.blank
ROWS: Final = _LAYOUT.rows
"""Rows of the work that the kernel needs."""


@compiled_within
def fold(memory: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Bring the memory through a piece and write its columns into the rows from `OUT` on."""
    look_back(_LAGS, _KEPT, memory, work, piece)
    _set_terms(work, piece)
    walk(_JOINS, memory, work, piece)
    age = piece[AGE]
    _compare(work, piece, age)
    _set_shape(work, piece)


@compiled_part
def _set_terms(work: FloatArray, piece: IntArray) -> None:
    """Set what is summed and compared; what is missing changes nothing."""
    for slot in range(piece[SIZE]):
        close = work[LOG_CLOSE, slot]
        moved = close - work[LOG_CLOSE_BEFORE, slot]
        is_known, has_moved = not np.isnan(close), not np.isnan(moved)
        moved = moved if has_moved else 0.0
        work[_TERMS + _KNOWN, slot] = 1.0 if is_known else 0.0
        work[_TERMS + _MOVED, slot] = 1.0 if has_moved else 0.0
        work[_TERMS + _RETURN, slot] = moved
        work[_TERMS + _SQUARE, slot] = moved * moved
        work[_TERMS + _PRICE, slot] = close if is_known else 0.0
        work[_TERMS + _ROSE, slot] = 1.0 if moved > 0.0 else 0.0
        work[_HIGH, slot] = work[HIGH, slot] if is_known else -np.inf
        work[_HIGH + 1, slot] = -work[LOW, slot] if is_known else -np.inf


@compiled_part
def _compare(work: FloatArray, piece: IntArray, age: int) -> None:
    """Set the columns of windows; `age` is that of the first slot. Short loops become vector operations."""
    size = piece[SIZE]
    for k in range(rolled(len(RETURN_BARS), piece)):
        for slot in range(size):
            work[OUT + k, slot] = work[LOG_CLOSE, slot] - work[_BEFORE + k, slot]
    for k in range(rolled(len(MOMENTUM_BARS), piece)):
        sums, bars = _SUMS_OF[k], _MOMENTUM_LENGTHS[k]
        for slot in range(size):
            squares = work[sums + _SQUARE, slot]
            momentum = work[sums + _RETURN, slot] / math.sqrt(squares) if squares > 0.0 else np.nan
            known = whole(work[sums + _KNOWN, slot], bars, age + slot, bars)
            work[OUT + _OUT_MOMENTUM + k, slot] = momentum * known
    for k in range(rolled(len(RANGE_BARS), piece)):
        counts, highest, bars = _RANGES_OF[k] + _KNOWN, _RANGES_OF[k] + _CHANNELS, _RANGE_LENGTHS[k]
        for slot in range(size):
            low = -work[highest + 1, slot]
            width = work[highest, slot] - low
            place = (work[CLOSE, slot] - low) / width if width > 0.0 else np.nan
            work[OUT + _OUT_RANGE + k, slot] = place * whole(work[counts, slot], bars, age + slot, bars - 1.0)
    for k in range(rolled(len(MEAN_BARS), piece)):
        sums, bars = _MEANS_OF[k], _MEAN_LENGTHS[k]
        for slot in range(size):
            count, squares = work[sums + _KNOWN, slot], work[sums + _SQUARE, slot]
            spread = math.sqrt(squares / work[sums + _MOVED, slot] * bars) if squares > 0.0 else np.nan
            distance = work[LOG_CLOSE, slot] - work[sums + _PRICE, slot] / count
            work[OUT + _OUT_MEAN + k, slot] = distance / spread * whole(count, bars, age + slot, bars)
        for slot in range(size):
            rises = work[sums + _ROSE, slot] / work[sums + _MOVED, slot]
            known = whole(work[sums + _KNOWN, slot], bars, age + slot, bars)
            work[OUT + _OUT_ROSE + k, slot] = rises * known


@compiled_part
def _set_shape(work: FloatArray, piece: IntArray) -> None:
    """Set the columns of the bar itself."""
    for slot in range(piece[SIZE]):
        opened, close = work[OPEN, slot], work[CLOSE, slot]
        high, low = work[HIGH, slot], work[LOW, slot]
        share = 1.0 / (high - low) if high > low else np.nan
        work[OUT + _OUT_SHAPE, slot] = (close - opened) * share
        work[OUT + _OUT_SHAPE + 1, slot] = (high - max(opened, close)) * share
        work[OUT + _OUT_SHAPE + 2, slot] = (min(opened, close) - low) * share
        work[OUT + _OUT_SHAPE + 3, slot] = work[LOG_HIGH, slot] - work[LOG_LOW, slot]
        work[OUT + _OUT_SHAPE + 4, slot] = work[LOG_OPEN, slot] - work[LOG_CLOSE_BEFORE, slot]
