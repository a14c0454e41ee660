"""Kernel of the family `averages`: the price against its averages, and the classic oscillators.

Definitions are TA-Lib's, in units of the average true range where TA-Lib's would carry the price.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_in_place, compiled_part, compiled_within
from truebar.feature_columns import EMA_SPANS, SETTLED, SMA_BARS
from truebar.features.averaging import average, averages, ema_factor, wilder_factor
from truebar.features.fields import CLOSE, HIGH, LOW
from truebar.features.formulas import (
    Formula,
    Known,
    difference,
    formulas,
    ratio,
    settled,
    total,
    window,
    work_out,
)
from truebar.features.lags import earlier, look_back
from truebar.features.memory import BEGIN, SIZE, Layout
from truebar.features.slots import CLOSE_BEFORE, COLUMNS_OF, HIGH_BEFORE, LOW_BEFORE, SHARED_ROWS
from truebar.features.windows import joined, walk

_LAYOUT: Final = Layout(SHARED_ROWS)

# Rows of the work: what is averaged.
_RISE, _FALL, _TRUE_RANGE, _PLUS, _MINUS, _MOVES = range(6)
_MOVE: Final = _LAYOUT.row(_MOVES)
_WILDER: Final = wilder_factor(14)
_AVERAGES: Final = averages(
    _LAYOUT,
    [
        *((_MOVE + k, _WILDER) for k in range(_MOVES)),
        (_MOVE + _RISE, wilder_factor(7)),
        (_MOVE + _FALL, wilder_factor(7)),
        *((CLOSE, ema_factor(span)) for span in (12, 26, *EMA_SPANS)),
    ],
)
_FIRST_TABLE: Final = _AVERAGES.table
_FIRST_FACTORS: Final = _AVERAGES.factors
_MEAN: Final = _AVERAGES.mean_row
_KNOWN: Final = _AVERAGES.known_row
_FAST_RISE, _FAST_FALL, _FAST, _SLOW, _EMA = range(5, 10)

# Averages of averages: the signal of the MACD, and the strength of the direction.
_SIGNAL: Final = _LAYOUT.row(2)
_SECOND: Final = averages(_LAYOUT, [(_SIGNAL, ema_factor(9)), (_SIGNAL + 1, _WILDER)])
_SECOND_TABLE: Final = _SECOND.table
_SECOND_FACTORS: Final = _SECOND.factors
_SIGNAL_MEAN: Final = _SECOND.mean_row
_SIGNAL_KNOWN: Final = _SECOND.known_row

# What is summed over windows, and the highest high and highest negated low with the bars since.
_COUNT, _PRICE, _TYPICAL = range(3)
_TERMS: Final = _LAYOUT.row(3)
_SUM_CHAIN: Final = (
    (1, 1), (2, 2), (4, 1), (5, 5), (10, 10), (10, 4, 1), (20, 4, 2), (20, 5, 2), (24, 2, 1), (24, 24, 2),
    (25, 25, 2), (48, 48, 2),
)  # fmt: skip
_SUMS: Final = joined(_LAYOUT, _TERMS, _SUM_CHAIN, sums=3)
_SUMS_14: Final = _SUMS.first_row[14]
_SUMS_20: Final = _SUMS.first_row[20]
_SUMS_26: Final = _SUMS.first_row[26]
_EXTREMES: Final = _LAYOUT.row(4)
_EXTREME_CHAIN: Final = ((1, 1), (2, 1), (3, 3), (6, 6), (12, 2), (14, 12))
_HIGHEST: Final = joined(_LAYOUT, _EXTREMES, _EXTREME_CHAIN, latest=2)
_RANGE_14: Final = _HIGHEST.first_row[14]
_RANGE_26: Final = _HIGHEST.first_row[26]
_JOINS: Final = np.concatenate([_SUMS.table, _HIGHEST.table])

_OUT_SMA: Final = len(EMA_SPANS)
_OUT_MACD: Final = _OUT_SMA + len(SMA_BARS)
_OUT_RSI: Final = _OUT_MACD + 3
_OUT_STOCHASTIC: Final = _OUT_RSI + 2
_OUT_CCI: Final = _OUT_STOCHASTIC + 3
_OUT_DIRECTION: Final = _OUT_CCI + 1
_OUT_AROON: Final = _OUT_DIRECTION + 3
OUT: Final = COLUMNS_OF["averages"]

# The stochastic before and after its averages, and each as it was one and two bars before.
_FAST_K: Final = _LAYOUT.row()
_FAST_EARLIER: Final = earlier(_LAYOUT, {_FAST_K: (1, 2)})
_FAST_LAGS: Final = _FAST_EARLIER.table
_FAST_KEPT: Final = _FAST_EARLIER.kept
_FAST_BEFORE: Final = _FAST_EARLIER.first_row
_SLOW_K: Final = OUT + _OUT_STOCHASTIC
_WILLIAMS: Final = _SLOW_K + 2
_SLOW_EARLIER: Final = earlier(_LAYOUT, {_SLOW_K: (1, 2)})
_SLOW_LAGS: Final = _SLOW_EARLIER.table
_SLOW_KEPT: Final = _SLOW_EARLIER.kept
_SLOW_BEFORE: Final = _SLOW_EARLIER.first_row

# The typical prices of the last 32 slots and what each counts, for deviations from a mean that moves.
_CCI: Final = _LAYOUT.row()
_RING_MASK: Final = 31
_RING: Final = _LAYOUT.place(2 * (_RING_MASK + 1))

# Rows between: what a ratio is of, and the average true range where it is one.
_ABOVE, _BELOW, _DISTANCE, _UNIT = (_LAYOUT.row() for _ in range(4))

_ROUNDING: Final = 1e-12
"""Share of the price below which a range is what rounding leaves of it."""


def _stochastic() -> Iterator[Formula]:
    """Yield where the close lies in the range of 14 bars: %K before it is smoothed, and Williams's %R."""
    known = window(_SUMS_14 + _COUNT, 14, warmup=13)
    yield total(_BELOW, _RANGE_14, _RANGE_14 + 2)
    yield total(_ABOVE, CLOSE, _RANGE_14 + 2)
    yield ratio(_FAST_K, _ABOVE, _BELOW, factor=100.0, known=known)
    yield difference(_ABOVE, CLOSE, _RANGE_14)
    yield ratio(_WILLIAMS, _ABOVE, _BELOW, factor=100.0, known=known)


def _mean_of_three(target: int, now: int, before: int) -> Iterator[Formula]:
    """Yield the mean of a row now, one slot before and two slots before."""
    yield total(_ABOVE, before + 1, before)
    yield total(_ABOVE, _ABOVE, now)
    yield ratio(target, _ABOVE, factor=1.0 / 3.0)


def _distances() -> Iterator[Formula]:
    """Yield the distances from averages and the MACD, in average true ranges."""
    unit, known = _UNIT, _KNOWN + _TRUE_RANGE
    # In a price that stands still for long, an average's last digits would be many of its fading ranges.
    yield total(_DISTANCE, _MEAN + _TRUE_RANGE, CLOSE, factor=-_ROUNDING)
    yield ratio(unit, _MEAN + _TRUE_RANGE, known=Known(_DISTANCE, 0.0, 0))
    for k, span in enumerate(EMA_SPANS):
        row, weighed = OUT + k, settled(_KNOWN + _EMA + k, SETTLED[f"ema_distance_{span}"])
        yield difference(_DISTANCE, CLOSE, _MEAN + _EMA + k)
        yield ratio(row, (_DISTANCE, known), unit, known=weighed)
    for k, bars in enumerate(SMA_BARS):
        sums = _SUMS.first_row[bars]
        counted = window(sums + _COUNT, bars, warmup=SETTLED["sma_distance_10"])
        yield difference(_DISTANCE, CLOSE, sums + _PRICE, over=sums + _COUNT)
        yield ratio(OUT + _OUT_SMA + k, (_DISTANCE, known), unit, known=counted)
    macd, signal = OUT + _OUT_MACD, OUT + _OUT_MACD + 1
    fast, slow = settled(_KNOWN + _FAST, SETTLED["macd"]), settled(_KNOWN + _SLOW, SETTLED["macd_signal"])
    yield ratio(macd, (_SIGNAL, known), (unit, _KNOWN + _SLOW), known=fast)
    yield ratio(signal, (_SIGNAL_MEAN, known), (unit, _SIGNAL_KNOWN), known=slow)
    yield difference(OUT + _OUT_MACD + 2, macd, signal)


def _oscillators() -> Iterator[Formula]:
    """Yield RSI, stochastic, CCI, directional movement (Wilder 1978) and Aroon (Chande 1995)."""
    for column, rise, fall, name in ((0, _FAST_RISE, _FAST_FALL, "rsi_7"), (1, _RISE, _FALL, "rsi_14")):
        known = settled(_KNOWN + rise, SETTLED[name])
        yield total(_BELOW, _MEAN + rise, _MEAN + fall)
        yield ratio(OUT + _OUT_RSI + column, _MEAN + rise, _BELOW, factor=100.0, known=known)
    yield from _mean_of_three(_SLOW_K + 1, _SLOW_K, _SLOW_BEFORE)
    yield ratio(OUT + _OUT_CCI, _CCI, known=window(_SUMS_20 + _COUNT, 20, warmup=19))
    known = settled(_KNOWN + _TRUE_RANGE, SETTLED["sma_distance_10"])
    for k, moves in enumerate((_PLUS, _MINUS)):
        percent = OUT + _OUT_DIRECTION + k
        yield ratio(percent, _MEAN + moves, _MEAN + _TRUE_RANGE, factor=100.0, known=known)
    strength = settled(_SIGNAL_KNOWN + 1, SETTLED["adx_14"])
    yield ratio(OUT + _OUT_DIRECTION + 2, _SIGNAL_MEAN + 1, known=strength)
    known = window(_SUMS_26 + _COUNT, 26, warmup=25)
    for k in range(2):
        since = _RANGE_26 + 1 + 2 * k
        yield ratio(OUT + _OUT_AROON + k, since, factor=-4.0, plus=100.0, known=known)


_FAST_FORMULAS: Final = formulas(_stochastic())
_FAST_FORMULA_TABLE: Final = _FAST_FORMULAS.table
_FAST_NUMBERS: Final = _FAST_FORMULAS.numbers
_SLOW_FORMULAS: Final = formulas(_mean_of_three(_SLOW_K, _FAST_K, _FAST_BEFORE))
_SLOW_FORMULA_TABLE: Final = _SLOW_FORMULAS.table
_SLOW_NUMBERS: Final = _SLOW_FORMULAS.numbers
_FORMULAS: Final = formulas([*_distances(), *_oscillators()])
_FORMULA_TABLE: Final = _FORMULAS.table
_NUMBERS: Final = _FORMULAS.numbers

blank = _LAYOUT.blank
ROWS: Final = _LAYOUT.rows
"""Rows of the work that the kernel needs."""


@compiled_within
def fold(memory: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Bring the memory through a piece and write its columns into the rows from `OUT` on."""
    _set_terms(work, piece)
    average(_FIRST_TABLE, _FIRST_FACTORS, memory, work, piece)
    _set_second(work, piece)
    average(_SECOND_TABLE, _SECOND_FACTORS, memory, work, piece)
    walk(_JOINS, memory, work, piece)
    work_out(_FAST_FORMULA_TABLE, _FAST_NUMBERS, work, piece)
    look_back(_FAST_LAGS, _FAST_KEPT, memory, work, piece)
    work_out(_SLOW_FORMULA_TABLE, _SLOW_NUMBERS, work, piece)
    look_back(_SLOW_LAGS, _SLOW_KEPT, memory, work, piece)
    _set_commodity_channel(memory, work, piece)
    work_out(_FORMULA_TABLE, _NUMBERS, work, piece)


@compiled_part
def _set_terms(work: FloatArray, piece: IntArray) -> None:
    """Set moves, which are not known without a bar before, and what counts in windows."""
    for slot in range(piece[SIZE]):
        high, low, close = work[HIGH, slot], work[LOW, slot], work[CLOSE, slot]
        before = work[CLOSE_BEFORE, slot]
        move = close - before
        up, down = high - work[HIGH_BEFORE, slot], work[LOW_BEFORE, slot] - low
        work[_MOVE + _RISE, slot] = 0.0 if move < 0.0 else move
        work[_MOVE + _FALL, slot] = 0.0 if move > 0.0 else -move
        true_range = max(high - low, abs(high - before), abs(low - before))
        work[_MOVE + _TRUE_RANGE, slot] = np.nan if np.isnan(move) else true_range
        work[_MOVE + _PLUS, slot] = up if np.isnan(move) or (up > down and up > 0.0) else 0.0
        work[_MOVE + _MINUS, slot] = down if np.isnan(move) or (down > up and down > 0.0) else 0.0
        is_there = not np.isnan(close)
        work[_TERMS + _COUNT, slot] = 1.0 if is_there else 0.0
        work[_TERMS + _PRICE, slot] = close if is_there else 0.0
        work[_TERMS + _TYPICAL, slot] = (high + low + close) / 3.0 if is_there else 0.0
        work[_EXTREMES, slot] = high if is_there else -np.inf
        work[_EXTREMES + 2, slot] = -low if is_there else -np.inf
        work[_EXTREMES + 1, slot] = 0.0
        work[_EXTREMES + 3, slot] = 0.0


@compiled_part
def _set_second(work: FloatArray, piece: IntArray) -> None:
    """Set what is averaged again: the MACD, and the strength of the direction (Wilder 1978)."""
    for slot in range(piece[SIZE]):
        macd = work[_MEAN + _FAST, slot] - work[_MEAN + _SLOW, slot]
        plus, minus = work[_MEAN + _PLUS, slot], work[_MEAN + _MINUS, slot]
        has_direction = not np.isnan(work[_MOVE, slot]) and plus + minus > 0.0
        strength = 100.0 * abs(plus - minus) / (plus + minus)
        work[_SIGNAL, slot] = np.nan if np.isnan(work[CLOSE, slot]) else macd
        work[_SIGNAL + 1, slot] = strength if has_direction else np.nan


@compiled_part
def _set_commodity_channel(memory: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Set Lambert's commodity channel index over 20 bars; NaN where the typical price stands still."""
    for slot in range(piece[SIZE]):
        latest = slot + piece[BEGIN]
        typical, counts = work[_TERMS + _TYPICAL, slot], work[_TERMS + _COUNT, slot]
        entry = _RING + (latest & _RING_MASK) * 2
        memory[entry], memory[entry + 1] = typical, counts
        known = work[_SUMS_20 + _COUNT, slot]
        mean = work[_SUMS_20 + _TYPICAL, slot] / known
        # Four sums side by side: one would wait for each addition.
        sums = (0.0, 0.0, 0.0, 0.0)
        for back in range(0, 20, 4):
            sums = (
                sums[0] + _deviation(memory, latest - back, mean),
                sums[1] + _deviation(memory, latest - back - 1, mean),
                sums[2] + _deviation(memory, latest - back - 2, mean),
                sums[3] + _deviation(memory, latest - back - 3, mean),
            )
        deviations = (sums[0] + sums[1]) + (sums[2] + sums[3])
        # Equal prices: rounding of their mean is no deviation.
        has_spread = deviations > _ROUNDING * mean
        work[_CCI, slot] = (typical - mean) / (0.015 * deviations / known) if has_spread else np.nan


@compiled_in_place
def _deviation(memory: FloatArray, slot: int, mean: float) -> float:
    entry = _RING + (slot & _RING_MASK) * 2
    distance: float = abs(memory[entry] - mean) * memory[entry + 1]
    return distance
