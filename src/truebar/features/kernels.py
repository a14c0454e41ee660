"""The kernels of all families in one compiled function: a bar costs one call, whatever is computed of it."""

from __future__ import annotations

from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_as_numpy
from truebar.features import averages, flow, price, volatility, volume
from truebar.features.averages import fold as fold_averages
from truebar.features.fields import complete
from truebar.features.flow import fold as fold_flow
from truebar.features.memory import PIECE_PARTS, Size, next_piece, widest_piece
from truebar.features.price import fold as fold_price
from truebar.features.slots import SHARED_SIZE, hand_out, lay_out
from truebar.features.volatility import fold as fold_volatility
from truebar.features.volume import fold as fold_volume

PRICE, AVERAGES, VOLATILITY, VOLUME, FLOW = range(5)
"""Numbers of the kernels."""

KERNEL, BEGIN, END, TOP, BOTTOM, ROW, TABLE_COLUMNS = range(7)
"""Columns of a table of families: kernel, its part of the memory, its rows of the result, and the first of
them in the work."""

_ROWS: Final = max(family.ROWS for family in (price, averages, volatility, volume, flow))


@compiled_as_numpy
def fold(families: IntArray, memory: FloatArray, fields: FloatArray, out: FloatArray) -> int:
    """Bring families through n bars and write each bar's columns, unless a bar breaks a rule.

    Args:
        families: int64[families, 6], a table of families.
        memory: float64[size], what they share, then that of each.
        fields: float64[FIELDS, n]; the logarithms are filled in.
        out: float64[columns, n], written to.

    Returns:
        How many bars break a rule of `truebar.features.fields`; where any does, nothing else has happened.
    """
    broken = complete(fields)
    if broken > 0 or fields.shape[1] == 0:
        return broken
    shared = memory[:SHARED_SIZE]
    work = np.empty((_ROWS, widest_piece(shared, fields)))
    piece = np.zeros(PIECE_PARTS, dtype=np.int64)
    while next_piece(shared, fields, piece, work):
        lay_out(shared, fields, piece, work)
        for k in range(families.shape[0]):
            kernel = families[k, KERNEL]
            part = memory[families[k, BEGIN] : families[k, END]]
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
            rows = out[families[k, TOP] : families[k, BOTTOM]]
            hand_out(Size(families[k, ROW]), fields, piece, work, rows)
    return broken
