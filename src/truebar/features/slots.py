"""The rows of the work that families share: a piece's bars slot by slot, ones, then the columns of each."""

from __future__ import annotations

from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_part
from truebar.feature_columns import COLUMN_FAMILIES
from truebar.features.fields import CLOSE, FIELDS, HIGH, LOG_CLOSE, LOW, OPEN, SLOT
from truebar.features.lags import earlier, look_back
from truebar.features.memory import BAR, BEGIN, END, HEADER_SIZE, SIZE, Layout, Size

_LAYOUT: Final = Layout(FIELDS)
_LAYOUT.place(HEADER_SIZE)
_EARLIER: Final = earlier(_LAYOUT, dict.fromkeys((HIGH, LOW, CLOSE, LOG_CLOSE), (1,)))
_TABLE: Final = _EARLIER.table
_KEPT: Final = _EARLIER.kept

HIGH_BEFORE: Final = _EARLIER.first_row
LOW_BEFORE: Final = HIGH_BEFORE + 1
CLOSE_BEFORE: Final = HIGH_BEFORE + 2
LOG_CLOSE_BEFORE: Final = HIGH_BEFORE + 3
"""Rows of what some fields were one slot before."""

ONES: Final = _LAYOUT.row()
"""Row of ones."""

COLUMNS_OF: Final = {family.name: _LAYOUT.row(len(family.columns)) for family in COLUMN_FAMILIES.values()}
"""First row of the columns of each family."""

SHARED_ROWS: Final = _LAYOUT.rows
"""Rows of the work that all families share; the fields have the numbers that they have among the bars."""

blank = _LAYOUT.blank
SHARED_SIZE: Final = blank().size
"""Size of the memory that all families share, header and all."""


@compiled_part
def lay_out(fields: FloatArray, piece: IntArray, work: FloatArray) -> None:
    """Write the fields of a piece's bars into the first rows of the work, NaN where a bar is missing.

    Args:
        fields: float64[FIELDS, n].
        piece: of `next_piece`.
        work: float64[rows, slots].
    """
    first, bars = Size(piece[BAR]), Size(piece[END] - piece[BAR])
    for field in range(OPEN, FIELDS):
        values, row = fields[field], work[field]
        if bars == piece[SIZE]:
            for place in range(bars):
                row[place] = values[first + place]
        else:
            for place in range(piece[SIZE]):
                row[place] = np.nan
            for place in range(bars):
                row[int(fields[SLOT, first + place]) - piece[BEGIN]] = values[first + place]


@compiled_part
def set_before(memory: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Write what fields were one slot before, once they are laid out, and the ones."""
    look_back(_TABLE, _KEPT, memory, work, piece)
    ones = work[ONES]
    for slot in range(piece[SIZE]):
        ones[slot] = 1.0


@compiled_part
def hand_out(row: Size, fields: FloatArray, piece: IntArray, work: FloatArray, out: FloatArray) -> None:
    """Write rows of the work as the columns of the piece's bars.

    Args:
        row: the first; the others follow.
        fields: float64[FIELDS, n].
        piece: of `next_piece`.
        work: float64[rows, slots].
        out: float64[columns, n].
    """
    first, bars = Size(piece[BAR]), Size(piece[END] - piece[BAR])
    for k in range(Size(out.shape[0])):
        values, column = work[row + k], out[k]
        if bars == piece[SIZE]:
            for place in range(bars):
                column[first + place] = values[place]
        else:
            for place in range(bars):
                column[first + place] = values[int(fields[SLOT, first + place]) - piece[BEGIN]]
