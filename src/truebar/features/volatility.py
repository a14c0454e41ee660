"""Kernel of the family `volatility`: how far the price moves, lately and against its own usual."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_part, compiled_within
from truebar.feature_columns import SETTLED
from truebar.features.averaging import average, averages, wilder_factor
from truebar.features.fields import CLOSE, HIGH, LOG_CLOSE, LOG_HIGH, LOG_LOW, LOG_OPEN, LOW
from truebar.features.formulas import (
    Formula,
    difference,
    formulas,
    ratio,
    root,
    settled,
    total,
    window,
    work_out,
)
from truebar.features.memory import SIZE, Layout
from truebar.features.slots import CLOSE_BEFORE, COLUMNS_OF, LOG_CLOSE_BEFORE, SHARED_ROWS
from truebar.features.windows import joined, walk

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
_SPREAD_20: Final = _SPREADS.first_row[20]

_TRUE_RANGE: Final = _LAYOUT.row()
_AVERAGE: Final = averages(_LAYOUT, [(_TRUE_RANGE, wilder_factor(14))])
_AVERAGE_TABLE: Final = _AVERAGE.table
_AVERAGE_FACTORS: Final = _AVERAGE.factors
_MEAN_RANGE: Final = _AVERAGE.mean_row
_RANGE_KNOWN: Final = _AVERAGE.known_row

_PARKINSON: Final = 0.25 / math.log(2.0)
_GARMAN_KLASS_BODY: Final = 2.0 * math.log(2.0) - 1.0

_OUT_PARKINSON: Final = 3
_OUT_GARMAN_KLASS: Final = 5
_OUT_RATIO: Final = 7
_OUT_FALL: Final = 11
_OUT_BOLLINGER: Final = 12
_OUT_TRUE_RANGE: Final = 14
_OUT_WIDTH: Final = 17
OUT: Final = COLUMNS_OF["volatility"]

# Rows between: what a ratio is of.
_DEVIATION, _DISTANCE, _WIDTH = (_LAYOUT.row() for _ in range(3))


def _levels() -> Iterator[Formula]:
    """Yield the estimators of METHOD §1, and how short windows compare."""
    for k, (bars, sums) in enumerate(((8, _SUMS_8), (24, _SUMS_24), (96, _SUMS_96))):
        moved = window(sums + _KNOWN, bars, warmup=bars)
        yield root(OUT + k, sums + _SQUARE, over=sums + _MOVED, known=moved)
    for k, (bars, sums) in enumerate(((24, _SUMS_24), (96, _SUMS_96))):
        count, known = sums + _KNOWN, window(sums + _KNOWN, bars, warmup=bars - 1)
        parkinson, garman_klass = OUT + _OUT_PARKINSON + k, OUT + _OUT_GARMAN_KLASS + k
        yield root(parkinson, sums + _RANGE_SQUARE, over=count, factor=_PARKINSON, known=known)
        yield root(garman_klass, sums + _GARMAN_KLASS, over=count, known=known)
    yield ratio(OUT + _OUT_RATIO, OUT, OUT + 2)
    yield ratio(OUT + _OUT_RATIO + 1, OUT + 1, OUT + 2)
    yield ratio(OUT + _OUT_RATIO + 2, OUT + _OUT_PARKINSON, OUT + _OUT_PARKINSON + 1)
    yield ratio(OUT + _OUT_RATIO + 3, OUT + _OUT_PARKINSON + 1, OUT + 2)
    moved = window(_SUMS_96 + _KNOWN, 96, warmup=96)
    yield ratio(OUT + _OUT_FALL, _SUMS_96 + _FALL_SQUARE, _SUMS_96 + _SQUARE, known=moved)


def _ranges() -> Iterator[Formula]:
    """Yield Bollinger's bands, Wilder's average true range, and how wide the price ranged."""
    count, mean, squares = range(_SPREAD_20, _SPREAD_20 + 3)
    yield root(_DEVIATION, squares, over=count, known=window(count, 20, warmup=19))
    yield ratio(OUT + _OUT_BOLLINGER, _DEVIATION, mean, factor=4.0)
    yield difference(_DISTANCE, CLOSE, mean)
    yield ratio(OUT + _OUT_BOLLINGER + 1, _DISTANCE, _DEVIATION, factor=0.25, plus=0.5)
    known = settled(_RANGE_KNOWN, SETTLED["atr_share_14"])
    yield ratio(OUT + _OUT_TRUE_RANGE, _MEAN_RANGE, CLOSE, known=known)
    yield ratio(OUT + _OUT_TRUE_RANGE + 1, _TRUE_RANGE, _MEAN_RANGE, known=known)
    day = window(_SUMS_24 + _KNOWN, 24, warmup=23)
    ranged = (_TERMS + _RANGE, _SUMS_24 + _KNOWN)
    yield ratio(OUT + _OUT_TRUE_RANGE + 2, ranged, _SUMS_24 + _RANGE, known=day)
    for k, (bars, sums) in enumerate(((24, _SUMS_24), (96, _SUMS_96))):
        known = window(sums + _KNOWN, bars, warmup=bars - 1)
        yield total(_WIDTH, sums + _CHANNELS, sums + _CHANNELS + 1)
        yield ratio(OUT + _OUT_WIDTH + k, _WIDTH, known=known)


_FORMULAS: Final = formulas([*_levels(), *_ranges()])
_TABLE: Final = _FORMULAS.table
_NUMBERS: Final = _FORMULAS.numbers

blank = _LAYOUT.blank
ROWS: Final = _LAYOUT.rows
"""Rows of the work that the kernel needs."""


@compiled_within
def fold(memory: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Bring the memory through a piece and write its columns into the rows from `OUT` on."""
    _set_terms(work, piece)
    average(_AVERAGE_TABLE, _AVERAGE_FACTORS, memory, work, piece)
    walk(_JOINS, memory, work, piece)
    work_out(_TABLE, _NUMBERS, work, piece)


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
