"""Kernel of the family `volatility`: how far the price moves, lately and against its own usual."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.compiled import compiled_as_numpy, compiled_in_place
from truebar.feature_columns import SETTLED
from truebar.features.decaying import average_in, fade, is_known, wilder_factor
from truebar.features.fields import (
    CLOSE,
    HIGH,
    LOG_CLOSE,
    LOG_HIGH,
    LOG_LOW,
    LOG_OPEN,
    LOW,
    SLOT,
)
from truebar.features.memory import (
    FIRST,
    HEADER_SIZE,
    RING_MASK,
    RING_SLOTS,
    blank_memory,
    clear_missing,
    step_to,
)
from truebar.features.sliding import (
    SPREAD_COUNT,
    TOTALS,
    is_complete,
    slide_highest,
    slide_spread,
    slide_sums,
    slider_size,
    spread_deviation,
    spread_mean,
    spread_size,
)

_KNOWN: Final = 0
_MOVED: Final = 1
_SQUARE: Final = 2
_RANGE: Final = 3  # ln(high / low)
_RANGE_SQUARE: Final = 4
_GARMAN_KLASS: Final = 5
_FALL_SQUARE: Final = 6
_CLOSE: Final = 7
_LOG_CLOSE: Final = 8
_CHANNELS: Final = 9

_RING: Final = HEADER_SIZE
_EXTREMES: Final = _RING + RING_SLOTS * _CHANNELS
_SUMS_8: Final = _EXTREMES + RING_SLOTS * 2
_SUMS_24: Final = _SUMS_8 + slider_size(8, 3)
_SUMS_96: Final = _SUMS_24 + slider_size(24, 6)
_WIDTH_24: Final = _SUMS_96 + slider_size(96, 7)
_WIDTH_96: Final = _WIDTH_24 + slider_size(24, 2)
_BOLLINGER: Final = _WIDTH_96 + slider_size(96, 2)
_TRUE_RANGE: Final = _BOLLINGER + spread_size(20)  # weight and mean
_SIZE: Final = _TRUE_RANGE + 2

_FACTOR: Final = wilder_factor(14)
_SETTLED: Final = SETTLED["atr_share_14"]

_PARKINSON: Final = 4.0 * math.log(2.0)
_GARMAN_KLASS_BODY: Final = 2.0 * math.log(2.0) - 1.0

_OUT_REALIZED: Final = 0
_OUT_PARKINSON: Final = 3
_OUT_GARMAN_KLASS: Final = 5
_OUT_RATIO: Final = 7
_OUT_BOLLINGER: Final = 12
_OUT_TRUE_RANGE: Final = 14
_OUT_WIDTH: Final = 17


def blank() -> FloatArray:
    """Return the memory of a kernel that has seen no bar."""
    return blank_memory(_SIZE, [(_EXTREMES, RING_SLOTS * 2, -np.inf)])


@compiled_as_numpy
def fold(memory: FloatArray, fields: FloatArray, out: FloatArray) -> None:
    """Bring the memory through n bars and write each bar's columns, float64[columns, n]."""
    for place in range(fields.shape[1]):
        update(memory, fields, place, out)


@compiled_in_place
def update(memory: FloatArray, fields: FloatArray, place: int, out: FloatArray) -> None:
    """Bring the memory to one bar and write its columns."""
    slot = int(fields[SLOT, place])
    steps = step_to(memory, slot)
    clear_missing(memory, _RING, _CHANNELS, slot, steps, 0.0)
    clear_missing(memory, _EXTREMES, 2, slot, steps, -np.inf)
    _remember(memory, slot, fields, place)
    age = slot - int(memory[FIRST])
    slide_sums(memory, _SUMS_8, 8, 3, _RING, _CHANNELS, slot)
    slide_sums(memory, _SUMS_24, 24, 6, _RING, _CHANNELS, slot)
    slide_sums(memory, _SUMS_96, 96, 7, _RING, _CHANNELS, slot)
    _write_levels(memory, age, place, out)
    _write_bollinger(memory, slot, age, fields[CLOSE, place], place, out)
    _write_true_range(memory, slot, steps, age, fields, place, out)
    _write_widths(memory, slot, age, place, out)


@compiled_in_place
def _remember(memory: FloatArray, slot: int, fields: FloatArray, place: int) -> None:
    entry = _RING + (slot & RING_MASK) * _CHANNELS
    before = _RING + ((slot - 1) & RING_MASK) * _CHANNELS
    follows = memory[before + _KNOWN]
    moved = (fields[LOG_CLOSE, place] - memory[before + _LOG_CLOSE]) * follows
    width = fields[LOG_HIGH, place] - fields[LOG_LOW, place]
    body = fields[LOG_CLOSE, place] - fields[LOG_OPEN, place]
    memory[entry + _KNOWN] = 1.0
    memory[entry + _MOVED] = follows
    memory[entry + _SQUARE] = moved * moved
    memory[entry + _RANGE] = width
    memory[entry + _RANGE_SQUARE] = width * width
    memory[entry + _GARMAN_KLASS] = 0.5 * width * width - _GARMAN_KLASS_BODY * body * body
    memory[entry + _FALL_SQUARE] = moved * moved if moved < 0.0 else 0.0
    memory[entry + _CLOSE] = fields[CLOSE, place]
    memory[entry + _LOG_CLOSE] = fields[LOG_CLOSE, place]
    extreme = _EXTREMES + (slot & RING_MASK) * 2
    memory[extreme] = fields[LOG_HIGH, place]
    memory[extreme + 1] = -fields[LOG_LOW, place]


@compiled_in_place
def _write_levels(memory: FloatArray, age: int, place: int, out: FloatArray) -> None:
    """Write the estimators of METHOD §1 and how short windows compare with long ones."""
    short = _realized(memory, _SUMS_8, 8, age)
    middle = _realized(memory, _SUMS_24, 24, age)
    long = _realized(memory, _SUMS_96, 96, age)
    range_middle = _of_ranges(memory, _SUMS_24, 24, age, _RANGE_SQUARE, _PARKINSON)
    range_long = _of_ranges(memory, _SUMS_96, 96, age, _RANGE_SQUARE, _PARKINSON)
    out[_OUT_REALIZED, place] = short
    out[_OUT_REALIZED + 1, place] = middle
    out[_OUT_REALIZED + 2, place] = long
    out[_OUT_PARKINSON, place] = range_middle
    out[_OUT_PARKINSON + 1, place] = range_long
    out[_OUT_GARMAN_KLASS, place] = _of_ranges(memory, _SUMS_24, 24, age, _GARMAN_KLASS, 1.0)
    out[_OUT_GARMAN_KLASS + 1, place] = _of_ranges(memory, _SUMS_96, 96, age, _GARMAN_KLASS, 1.0)
    out[_OUT_RATIO, place] = short / long if long > 0.0 else np.nan
    out[_OUT_RATIO + 1, place] = middle / long if long > 0.0 else np.nan
    out[_OUT_RATIO + 2, place] = range_middle / range_long if range_long > 0.0 else np.nan
    out[_OUT_RATIO + 3, place] = range_long / long if long > 0.0 else np.nan
    squares = memory[_SUMS_96 + TOTALS + _SQUARE]
    falls = memory[_SUMS_96 + TOTALS + _FALL_SQUARE]
    out[_OUT_RATIO + 4, place] = falls / squares if long > 0.0 else np.nan


@compiled_in_place
def _realized(memory: FloatArray, slider: int, window: int, age: int) -> float:
    totals = slider + TOTALS
    if age < window or not is_complete(memory[totals + _KNOWN], window):
        return np.nan
    return math.sqrt(memory[totals + _SQUARE] / memory[totals + _MOVED])


@compiled_in_place
def _of_ranges(memory: FloatArray, slider: int, window: int, age: int, channel: int, divisor: float) -> float:
    totals = slider + TOTALS
    known = memory[totals + _KNOWN]
    if age < window - 1 or not is_complete(known, window):
        return np.nan
    return math.sqrt(max(memory[totals + channel], 0.0) / known / divisor)


@compiled_in_place
def _write_bollinger(
    memory: FloatArray, slot: int, age: int, close: float, place: int, out: FloatArray
) -> None:
    """Width and position of the bands two standard deviations around the mean of 20 closes (Bollinger)."""
    slide_spread(memory, _BOLLINGER, 20, _RING, _CHANNELS, _CLOSE, _KNOWN, slot)
    out[_OUT_BOLLINGER, place] = np.nan
    out[_OUT_BOLLINGER + 1, place] = np.nan
    if age >= 19 and is_complete(memory[_BOLLINGER + SPREAD_COUNT], 20):
        mean, deviation = spread_mean(memory, _BOLLINGER), spread_deviation(memory, _BOLLINGER)
        out[_OUT_BOLLINGER, place] = 4.0 * deviation / mean
        if deviation > 0.0:
            out[_OUT_BOLLINGER + 1, place] = (close - mean + 2.0 * deviation) / (4.0 * deviation)


@compiled_in_place
def _write_true_range(
    memory: FloatArray, slot: int, steps: int, age: int, fields: FloatArray, place: int, out: FloatArray
) -> None:
    """Wilder's average true range over the close, and the bar's own range against it and its mean."""
    true_range = np.nan
    if steps == 1:
        earlier_close = memory[_RING + ((slot - 1) & RING_MASK) * _CHANNELS + _CLOSE]
        high, low = fields[HIGH, place], fields[LOW, place]
        true_range = max(high - low, abs(high - earlier_close), abs(low - earlier_close))
        average_in(memory, _TRUE_RANGE, _FACTOR, true_range)
    else:
        fade(memory, _TRUE_RANGE, _FACTOR, steps)
    is_settled = age >= _SETTLED and is_known(memory, _TRUE_RANGE)
    mean = memory[_TRUE_RANGE + 1]
    out[_OUT_TRUE_RANGE, place] = mean / fields[CLOSE, place] if is_settled else np.nan
    out[_OUT_TRUE_RANGE + 1, place] = true_range / mean if is_settled and mean > 0.0 else np.nan
    totals = _SUMS_24 + TOTALS
    width = memory[_RING + (slot & RING_MASK) * _CHANNELS + _RANGE]
    has_window = age >= 23 and is_complete(memory[totals + _KNOWN], 24) and memory[totals + _RANGE] > 0.0
    out[_OUT_TRUE_RANGE + 2, place] = (
        width * memory[totals + _KNOWN] / memory[totals + _RANGE] if has_window else np.nan
    )


@compiled_in_place
def _write_widths(memory: FloatArray, slot: int, age: int, place: int, out: FloatArray) -> None:
    slide_highest(memory, _WIDTH_24, 24, _EXTREMES, slot)
    slide_highest(memory, _WIDTH_96, 96, _EXTREMES, slot)
    out[_OUT_WIDTH, place] = _width(memory, _WIDTH_24, _SUMS_24, 24, age)
    out[_OUT_WIDTH + 1, place] = _width(memory, _WIDTH_96, _SUMS_96, 96, age)


@compiled_in_place
def _width(memory: FloatArray, slider: int, sums: int, window: int, age: int) -> float:
    if age < window - 1 or not is_complete(memory[sums + TOTALS + _KNOWN], window):
        return np.nan
    result: float = memory[slider + TOTALS] + memory[slider + TOTALS + 1]
    return result
