"""Kernel of the family `price`: where the price comes from and where it stands in its own recent past."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_part, compiled_within
from truebar.feature_columns import MEAN_BARS, MOMENTUM_BARS, RANGE_BARS, RETURN_BARS
from truebar.features.fields import CLOSE, HIGH, LOG_CLOSE, LOG_HIGH, LOG_LOW, LOG_OPEN, LOW, OPEN
from truebar.features.formulas import Formula, difference, formulas, ratio, root, total, window, work_out
from truebar.features.lags import earlier, look_back
from truebar.features.memory import SIZE, Layout
from truebar.features.slots import COLUMNS_OF, LOG_CLOSE_BEFORE, SHARED_ROWS
from truebar.features.windows import joined, walk

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

# First row of each group of columns, in the declared order.
OUT: Final = COLUMNS_OF["price"]
_OUT_MOMENTUM: Final = len(RETURN_BARS)
_OUT_RANGE: Final = _OUT_MOMENTUM + len(MOMENTUM_BARS)
_OUT_MEAN: Final = _OUT_RANGE + len(RANGE_BARS)
_OUT_ROSE: Final = _OUT_MEAN + len(MEAN_BARS)
_OUT_SHAPE: Final = _OUT_ROSE + len(MEAN_BARS)

# Rows between: the root of summed squares, and what stands above and below in a ratio.
_SPREAD, _ABOVE, _BELOW = (_LAYOUT.row() for _ in range(3))


def _columns() -> Iterator[Formula]:
    for k in range(len(RETURN_BARS)):
        yield difference(OUT + k, LOG_CLOSE, _BEFORE + k)
    for k, bars in enumerate(MOMENTUM_BARS):
        sums = _WINDOWS.first_row[bars]
        known = window(sums + _KNOWN, bars, warmup=bars)
        yield root(_SPREAD, sums + _SQUARE)
        yield ratio(OUT + _OUT_MOMENTUM + k, sums + _RETURN, _SPREAD, known=known)
    for k, bars in enumerate(RANGE_BARS):
        sums, highest = _WINDOWS.first_row[bars], _WINDOWS.first_row[bars] + _CHANNELS
        known = window(sums + _KNOWN, bars, warmup=bars - 1)
        yield total(_ABOVE, CLOSE, highest + 1)
        yield total(_BELOW, highest, highest + 1)
        yield ratio(OUT + _OUT_RANGE + k, _ABOVE, _BELOW, known=known)
    for k, bars in enumerate(MEAN_BARS):
        sums = _WINDOWS.first_row[bars]
        known = window(sums + _KNOWN, bars, warmup=bars)
        yield root(_SPREAD, sums + _SQUARE, over=sums + _MOVED, factor=bars)
        yield difference(_ABOVE, LOG_CLOSE, sums + _PRICE, over=sums + _KNOWN)
        yield ratio(OUT + _OUT_MEAN + k, _ABOVE, _SPREAD, known=known)
        yield ratio(OUT + _OUT_ROSE + k, sums + _ROSE, sums + _MOVED, known=known)


_FORMULAS: Final = formulas(_columns())
_TABLE: Final = _FORMULAS.table
_NUMBERS: Final = _FORMULAS.numbers

blank = _LAYOUT.blank
ROWS: Final = _LAYOUT.rows
"""Rows of the work that the kernel needs."""


@compiled_within
def fold(memory: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Bring the memory through a piece and write its columns into the rows from `OUT` on."""
    look_back(_LAGS, _KEPT, memory, work, piece)
    _set_terms(work, piece)
    walk(_JOINS, memory, work, piece)
    work_out(_TABLE, _NUMBERS, work, piece)
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
