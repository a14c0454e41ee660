"""Kernel of the family `volume`: how much is traded, against the usual, and on which side of the bar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_part, compiled_within
from truebar.features.fields import CLOSE, HIGH, LOW, TRADES, VOLUME
from truebar.features.formulas import Formula, difference, formulas, ratio, root, total, window, work_out
from truebar.features.lags import earlier, look_back
from truebar.features.memory import SIZE, Layout
from truebar.features.slots import CLOSE_BEFORE, COLUMNS_OF, SHARED_ROWS
from truebar.features.windows import joined, walk

_LAYOUT: Final = Layout(SHARED_ROWS)

# Rows of the work: the typical price, and what it was one bar before.
_TYPICAL: Final = _LAYOUT.row()
_EARLIER: Final = earlier(_LAYOUT, {_TYPICAL: (1,)})
_LAGS: Final = _EARLIER.table
_KEPT: Final = _EARLIER.kept
_BEFORE: Final = _EARLIER.first_row

# What is summed. Money: volume times where the close lies in the bar, -1 at the low and 1 at the high.
_KNOWN, _AMOUNT, _MONEY, _TYPICAL_VOLUME, _SIGNED, _COUNTED, _NUMBER, _TRADED, _CHANNELS = range(9)
_TERMS: Final = _LAYOUT.row(_CHANNELS)
_VOLUMES: Final = _LAYOUT.row(3)
_CHAIN: Final = ((1, 1), (2, 2), (4, 4), (8, 8), (16, 4, _MONEY + 1), (16, 8), (24, 24), (48, 48))
_WINDOWS: Final = joined(_LAYOUT, _TERMS, _CHAIN, sums=_CHANNELS, spreads=1)
_SUMS_8: Final = _WINDOWS.first_row[8]
_SUMS_20: Final = _WINDOWS.first_row[20]
_SUMS_24: Final = _WINDOWS.first_row[24]
_SUMS_96: Final = _WINDOWS.first_row[96]
_SPREAD_96: Final = _WINDOWS.first_row[96] + _CHANNELS
_FLOW_KNOWN, _INFLOW, _OUTFLOW = range(3)
_FLOWS: Final = _LAYOUT.row(3)
_FLOW_SUMS: Final = joined(_LAYOUT, _FLOWS, ((1, 1), (2, 2), (4, 2), (6, 1), (7, 7)), sums=3)
_FLOWS_14: Final = _FLOW_SUMS.first_row[14]
_JOINS: Final = np.concatenate([_WINDOWS.table, _FLOW_SUMS.table])

_OUT_RATIO: Final = 0
_OUT_SCORE: Final = 3
_OUT_MONEY: Final = 4
_OUT_VWAP: Final = 6
_OUT_SIGNED: Final = 8
_OUT_TRADES: Final = 10
_OUT_TRADE_SIZE: Final = 12
OUT: Final = COLUMNS_OF["volume"]

# Rows between: what a ratio is of.
_SHORT, _DISTANCE, _DEVIATION, _FLOW = (_LAYOUT.row() for _ in range(4))


def _columns() -> Iterator[Formula]:
    """Yield the columns; money flow by Quong & Soudack (1989)."""
    for k, (bars, sums) in enumerate(((24, _SUMS_24), (96, _SUMS_96))):
        amount, traded = sums + _AMOUNT, (TRADES, sums + _TRADED)
        known = window(sums + _KNOWN, bars, warmup=bars - 1)
        counted = window(sums + _COUNTED, bars, warmup=bars - 1)
        moved = window(sums + _KNOWN, bars, warmup=bars)
        priced = (CLOSE, amount)
        yield ratio(OUT + _OUT_RATIO + k, (VOLUME, sums + _KNOWN), amount, known=known)
        yield ratio(OUT + _OUT_VWAP + k, priced, sums + _TYPICAL_VOLUME, plus=-1.0, known=known)
        yield ratio(OUT + _OUT_SIGNED + k, sums + _SIGNED, amount, known=moved)
        yield ratio(OUT + _OUT_TRADES + k, (TRADES, sums + _COUNTED), sums + _NUMBER, known=counted)
        yield ratio(OUT + _OUT_TRADE_SIZE + k, (VOLUME, sums + _NUMBER), traded, known=counted)
    short, known = window(_SUMS_8 + _KNOWN, 8, warmup=7), window(_SUMS_96 + _KNOWN, 96, warmup=95)
    yield ratio(_SHORT, _SUMS_8 + _AMOUNT, _SUMS_8 + _KNOWN, known=short)
    yield ratio(OUT + _OUT_RATIO + 2, (_SHORT, _SUMS_96 + _KNOWN), _SUMS_96 + _AMOUNT, known=known)
    yield difference(_DISTANCE, VOLUME, _SPREAD_96 + 1)
    yield root(_DEVIATION, _SPREAD_96 + 2, over=_SPREAD_96)
    yield ratio(OUT + _OUT_SCORE, _DISTANCE, _DEVIATION, known=window(_SPREAD_96, 96, warmup=95))
    flows = window(_FLOWS_14 + _FLOW_KNOWN, 14, warmup=14)
    yield total(_FLOW, _FLOWS_14 + _INFLOW, _FLOWS_14 + _OUTFLOW)
    yield ratio(OUT + _OUT_MONEY, _FLOWS_14 + _INFLOW, _FLOW, factor=100.0, known=flows)
    chaikin = window(_SUMS_20 + _KNOWN, 20, warmup=19)
    yield ratio(OUT + _OUT_MONEY + 1, _SUMS_20 + _MONEY, _SUMS_20 + _AMOUNT, known=chaikin)


_FORMULAS: Final = formulas(_columns())
_TABLE: Final = _FORMULAS.table
_NUMBERS: Final = _FORMULAS.numbers

blank = _LAYOUT.blank
ROWS: Final = _LAYOUT.rows
"""Rows of the work that the kernel needs."""


@compiled_within
def fold(memory: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Bring the memory through a piece and write its columns into the rows from `OUT` on."""
    _set_typical(work, piece)
    look_back(_LAGS, _KEPT, memory, work, piece)
    _set_terms(work, piece)
    walk(_JOINS, memory, work, piece)
    work_out(_TABLE, _NUMBERS, work, piece)


@compiled_part
def _set_typical(work: FloatArray, piece: IntArray) -> None:
    for slot in range(piece[SIZE]):
        work[_TYPICAL, slot] = (work[HIGH, slot] + work[LOW, slot] + work[CLOSE, slot]) / 3.0


@compiled_part
def _set_terms(work: FloatArray, piece: IntArray) -> None:
    """Set what is summed; what is missing changes nothing."""
    for slot in range(piece[SIZE]):
        high, low, close = work[HIGH, slot], work[LOW, slot], work[CLOSE, slot]
        typical, volume, trades = work[_TYPICAL, slot], work[VOLUME, slot], work[TRADES, slot]
        moved, lifted = close - work[CLOSE_BEFORE, slot], typical - work[_BEFORE, slot]
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
