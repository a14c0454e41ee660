"""Kernel of the family `flow`: who crosses the spread, buyers or sellers, lately and on average."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_part, compiled_within
from truebar.feature_columns import SETTLED, TAKER_SPANS
from truebar.features.averaging import average, averages, ema_factor
from truebar.features.fields import TAKER_VOLUME, VOLUME
from truebar.features.memory import AGE, SIZE, Layout, rolled
from truebar.features.slots import COLUMNS_OF, SHARED_ROWS
from truebar.features.windows import joined, walk, whole

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
_LENGTHS: Final = np.array(_BARS, dtype=np.float64)
_SUMS_OF: Final = np.array([_WINDOWS.first_row[bars] for bars in _BARS])
_SPREAD_96: Final = _WINDOWS.first_row[96] + _CHANNELS

_SETTLED: Final = np.array([SETTLED[f"taker_share_{span}"] for span in TAKER_SPANS])

_OUT_IMBALANCE: Final = len(TAKER_SPANS)
_OUT_SCORE: Final = _OUT_IMBALANCE + len(_BARS)
OUT: Final = COLUMNS_OF["flow"]

blank = _LAYOUT.blank
ROWS: Final = _LAYOUT.rows
"""Rows of the work that the kernel needs."""


@compiled_within
def fold(memory: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Bring the memory through a piece and write its columns into the rows from `OUT` on."""
    _set_terms(work, piece)
    average(_AVERAGE_TABLE, _AVERAGE_FACTORS, memory, work, piece)
    walk(_JOINS, memory, work, piece)
    _compare(work, piece, piece[AGE])


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


@compiled_part
def _compare(work: FloatArray, piece: IntArray, age: int) -> None:
    """Set the columns; `age` is that of the first slot. Short loops become vector operations."""
    size = piece[SIZE]
    for k in range(rolled(len(TAKER_SPANS), piece)):
        settled = _SETTLED[k] - age
        for slot in range(size):
            mean = work[_MEAN + k, slot] * work[_MEAN_KNOWN + k, slot]
            work[OUT + k, slot] = mean if slot >= settled else np.nan
    for k in range(rolled(len(_BARS), piece)):
        sums, bars = _SUMS_OF[k], _LENGTHS[k]
        for slot in range(size):
            amount = work[sums + _AMOUNT, slot]
            known = whole(work[sums + _KNOWN, slot], bars, age + slot, bars - 1.0)
            imbalance = work[sums + _IMBALANCE, slot] / amount * known
            work[OUT + _OUT_IMBALANCE + k, slot] = imbalance if amount > 0.0 else np.nan
    for slot in range(size):
        counts, mean = work[_SPREAD_96, slot], work[_SPREAD_96 + 1, slot]
        deviation = math.sqrt(work[_SPREAD_96 + 2, slot] / counts) * whole(counts, 96.0, age + slot, 95.0)
        score = (work[_SHARE, slot] - mean) / deviation
        work[OUT + _OUT_SCORE, slot] = score if deviation > 0.0 else np.nan
