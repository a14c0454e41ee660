"""Kernel of the family `flow`: who crosses the spread, buyers or sellers, lately and on average."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_part, compiled_within
from truebar.feature_columns import SETTLED, TAKER_SPANS
from truebar.features.averaging import average, averages, ema_factor
from truebar.features.fields import TAKER_VOLUME, VOLUME
from truebar.features.formulas import Formula, difference, formulas, ratio, root, settled, window, work_out
from truebar.features.memory import SIZE, Layout
from truebar.features.slots import COLUMNS_OF, SHARED_ROWS
from truebar.features.windows import joined, walk

_LAYOUT: Final = Layout(SHARED_ROWS)

# Rows of the work: the takers' share, NaN where nothing was traded.
_SHARE: Final = _LAYOUT.row()
_AVERAGES: Final = averages(_LAYOUT, [(_SHARE, ema_factor(span)) for span in TAKER_SPANS])
_AVERAGE_TABLE: Final = _AVERAGES.table
_AVERAGE_FACTORS: Final = _AVERAGES.factors
_MEAN: Final = _AVERAGES.mean_row
_MEAN_KNOWN: Final = _AVERAGES.known_row

# What is summed (volume where the takers' is known, bought less sold by takers), and the spread of the share.
_KNOWN, _AMOUNT, _IMBALANCE, _CHANNELS = range(4)
_TERMS: Final = _LAYOUT.row(_CHANNELS)
_SHARES: Final = _LAYOUT.row(3)
_CHAIN: Final = ((1, 1), (2, 2), (4, 4), (8, 8), (16, 8), (24, 24), (48, 48))
_WINDOWS: Final = joined(_LAYOUT, _TERMS, _CHAIN, sums=_CHANNELS, spreads=1)
_JOINS: Final = _WINDOWS.table
_BARS: Final = (8, 24, 96)
_SPREAD_96: Final = _WINDOWS.first_row[96] + _CHANNELS

_OUT_IMBALANCE: Final = len(TAKER_SPANS)
_OUT_SCORE: Final = _OUT_IMBALANCE + len(_BARS)
OUT: Final = COLUMNS_OF["flow"]

_DISTANCE, _DEVIATION = _LAYOUT.row(), _LAYOUT.row()


def _columns() -> Iterator[Formula]:
    for k, span in enumerate(TAKER_SPANS):
        yield ratio(OUT + k, _MEAN + k, known=settled(_MEAN_KNOWN + k, SETTLED[f"taker_share_{span}"]))
    for k, bars in enumerate(_BARS):
        sums = _WINDOWS.first_row[bars]
        known = window(sums + _KNOWN, bars, warmup=bars - 1)
        yield ratio(OUT + _OUT_IMBALANCE + k, sums + _IMBALANCE, sums + _AMOUNT, known=known)
    yield difference(_DISTANCE, _SHARE, _SPREAD_96 + 1)
    yield root(_DEVIATION, _SPREAD_96 + 2, over=_SPREAD_96)
    yield ratio(OUT + _OUT_SCORE, _DISTANCE, _DEVIATION, known=window(_SPREAD_96, 96, warmup=95))


_FORMULAS: Final = formulas(_columns())
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
    """Set what is averaged and summed; what is missing changes nothing."""
    for slot in range(piece[SIZE]):
        volume, bought = work[VOLUME, slot], work[TAKER_VOLUME, slot]
        is_known = not np.isnan(volume) and not np.isnan(bought)
        is_shared = is_known and volume > 0.0
        share = bought / volume
        work[_SHARE, slot] = share if is_shared else np.nan
        work[_TERMS + _KNOWN, slot] = 1.0 if is_known else 0.0
        work[_TERMS + _AMOUNT, slot] = volume if is_known else 0.0
        work[_TERMS + _IMBALANCE, slot] = bought - (volume - bought) if is_known else 0.0
        work[_SHARES, slot] = 1.0 if is_shared else 0.0
        work[_SHARES + 1, slot] = share if is_shared else 0.0
        work[_SHARES + 2, slot] = 0.0
