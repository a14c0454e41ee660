"""The kernels of all families in one compiled function: a bar costs one call, whatever is computed of it."""

from __future__ import annotations

from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_as_numpy, compiled_in_place, compiled_within
from truebar.feature_columns import COLUMN_FAMILIES
from truebar.features import averages, flow, price, volatility, volume
from truebar.features.averages import fold as fold_averages
from truebar.features.fields import SLOT, complete
from truebar.features.flow import fold as fold_flow
from truebar.features.memory import LAST, MEMBERS, PIECE_PARTS, STARTED, Size, next_piece, widest_piece
from truebar.features.price import fold as fold_price
from truebar.features.slots import COLUMNS_OF, SHARED_SIZE, hand_out, lay_out, set_before
from truebar.features.volatility import fold as fold_volatility
from truebar.features.volume import fold as fold_volume

PRICE, AVERAGES, VOLATILITY, VOLUME, FLOW = range(5)
"""Numbers of the kernels, in the order of `truebar.feature_columns`."""

_FAMILIES: Final = (price, averages, volatility, volume, flow)
_SIZES: Final = np.array([family.blank().size for family in _FAMILIES])
_COLUMNS: Final = np.array([len(COLUMN_FAMILIES[name].columns) for name in COLUMNS_OF])
_FIRST_ROWS: Final = np.array(list(COLUMNS_OF.values()))

ROWS: Final = max(family.ROWS for family in _FAMILIES)
"""Rows of the work that any of them needs."""

NOT_NEXT: Final = -1


@compiled_as_numpy
def fold(memory: FloatArray, fields: FloatArray, out: FloatArray) -> int:
    """Bring families through n bars and write each bar's columns, unless a bar breaks a rule.

    Args:
        memory: float64[size], what the families share, then the part of each.
        fields: float64[FIELDS, n]; the logarithms are filled in. Or float64[ROWS, 1], the work itself, whose
            first rows are those of one bar: its columns are then written into their rows.
        out: float64[columns, n], written to, unless `fields` is the work.

    Returns:
        How many bars break a rule of `truebar.features.fields`, and `NOT_NEXT` where the bar in the work does
        not come right after the latest; unless it is 0, nothing else has happened.
    """
    broken, is_work = complete(fields), fields.shape[0] == ROWS
    if broken > 0 or fields.shape[1] == 0:
        return broken
    if is_work and (memory[STARTED] == 0.0 or fields[SLOT, 0] != memory[LAST] + 1.0):
        return NOT_NEXT
    work = fields if is_work else np.empty((ROWS, widest_piece(memory, fields)))
    piece = np.zeros(PIECE_PARTS, dtype=np.int64)
    while next_piece(memory, fields, piece, work):
        if not is_work:
            lay_out(fields, piece, work)
        set_before(memory, work, piece)
        _fold_piece(memory, work, piece)
        if not is_work:
            _hand_out(memory, fields, piece, work, out)
    return broken


@compiled_in_place
def _is_member(memory: FloatArray, kernel: int) -> bool:
    return int(memory[MEMBERS]) >> kernel & 1 == 1


@compiled_within
def _hand_out(
    memory: FloatArray, fields: FloatArray, piece: IntArray, work: FloatArray, out: FloatArray
) -> None:
    """Write the columns of each family."""
    top = 0
    for kernel in range(len(_COLUMNS)):
        if _is_member(memory, kernel):
            bottom = top + _COLUMNS[kernel]
            hand_out(Size(_FIRST_ROWS[kernel]), fields, piece, work, out[top:bottom])
            top = bottom


@compiled_within
def _fold_piece(memory: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Bring families through a piece that is laid out."""
    end = SHARED_SIZE
    for kernel in range(len(_SIZES)):
        if not _is_member(memory, kernel):
            continue
        part = memory[end : end + _SIZES[kernel]]
        end += _SIZES[kernel]
        if kernel == PRICE:
            fold_price(part, work, piece)
        elif kernel == AVERAGES:
            fold_averages(part, work, piece)
        elif kernel == VOLATILITY:
            fold_volatility(part, work, piece)
        elif kernel == VOLUME:
            fold_volume(part, work, piece)
        elif kernel == FLOW:
            fold_flow(part, work, piece)
