"""Kernel of the family `price`: where the price comes from and where it stands in its own recent past."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.compiled import compiled_as_numpy, compiled_in_place
from truebar.feature_columns import MOMENTUM_BARS, RANGE_BARS, RETURN_BARS
from truebar.features.fields import CLOSE, HIGH, LOG_CLOSE, LOG_HIGH, LOG_LOW, LOG_OPEN, LOW, OPEN, SLOT
from truebar.features.memory import (
    FIRST,
    HEADER_SIZE,
    RING_MASK,
    RING_SLOTS,
    blank_memory,
    clear_missing,
    step_to,
)
from truebar.features.sliding import TOTALS, is_complete, slide_highest, slide_sums, slider_size

# Channels of the ring, in an order in which every slider takes the first ones.
_KNOWN: Final = 0
_MOVED: Final = 1  # 1 where the bar before is there, so that there is a return
_RETURN: Final = 2
_SQUARE: Final = 3
_LOG_CLOSE: Final = 4
_ROSE: Final = 5
_CHANNELS: Final = 6

_RING: Final = HEADER_SIZE
_EXTREMES: Final = _RING + RING_SLOTS * _CHANNELS
_SUMS_12: Final = _EXTREMES + RING_SLOTS * 2
_SUMS_24: Final = _SUMS_12 + slider_size(12, 4)
_SUMS_48: Final = _SUMS_24 + slider_size(24, 6)
_SUMS_96: Final = _SUMS_48 + slider_size(48, 4)
_RANGE_12: Final = _SUMS_96 + slider_size(96, 6)
_RANGE_24: Final = _RANGE_12 + slider_size(12, 2)
_RANGE_96: Final = _RANGE_24 + slider_size(24, 2)
_SIZE: Final = _RANGE_96 + slider_size(96, 2)

# First row of each group of columns, in the declared order.
_OUT_RETURN: Final = 0
_OUT_MOMENTUM: Final = len(RETURN_BARS)
_OUT_RANGE: Final = _OUT_MOMENTUM + len(MOMENTUM_BARS)
_OUT_MEAN: Final = _OUT_RANGE + len(RANGE_BARS)
_OUT_ROSE: Final = _OUT_MEAN + 2
_OUT_SHAPE: Final = _OUT_ROSE + 2


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
    close = fields[LOG_CLOSE, place]
    entry = _RING + (slot & RING_MASK) * _CHANNELS
    before = _RING + ((slot - 1) & RING_MASK) * _CHANNELS
    follows = memory[before + _KNOWN]
    moved = (close - memory[before + _LOG_CLOSE]) * follows
    memory[entry + _KNOWN] = 1.0
    memory[entry + _MOVED] = follows
    memory[entry + _RETURN] = moved
    memory[entry + _SQUARE] = moved * moved
    memory[entry + _LOG_CLOSE] = close
    memory[entry + _ROSE] = 1.0 if moved > 0.0 else 0.0
    extreme = _EXTREMES + (slot & RING_MASK) * 2
    memory[extreme] = fields[HIGH, place]
    memory[extreme + 1] = -fields[LOW, place]
    age = slot - int(memory[FIRST])
    for k in range(len(RETURN_BARS)):
        earlier = _RING + ((slot - RETURN_BARS[k]) & RING_MASK) * _CHANNELS
        known = memory[earlier + _KNOWN] == 1.0
        out[_OUT_RETURN + k, place] = close - memory[earlier + _LOG_CLOSE] if known else np.nan
    _write_sums(memory, slot, age, close, place, out)
    _write_ranges(memory, slot, age, fields[CLOSE, place], place, out)
    _write_shape(memory, before, fields, place, out)


@compiled_in_place
def _write_sums(memory: FloatArray, slot: int, age: int, close: float, place: int, out: FloatArray) -> None:
    slide_sums(memory, _SUMS_12, 12, 4, _RING, _CHANNELS, slot)
    slide_sums(memory, _SUMS_24, 24, 6, _RING, _CHANNELS, slot)
    slide_sums(memory, _SUMS_48, 48, 4, _RING, _CHANNELS, slot)
    slide_sums(memory, _SUMS_96, 96, 6, _RING, _CHANNELS, slot)
    out[_OUT_MOMENTUM, place] = _momentum(memory, _SUMS_12, 12, age)
    out[_OUT_MOMENTUM + 1, place] = _momentum(memory, _SUMS_24, 24, age)
    out[_OUT_MOMENTUM + 2, place] = _momentum(memory, _SUMS_48, 48, age)
    out[_OUT_MOMENTUM + 3, place] = _momentum(memory, _SUMS_96, 96, age)
    out[_OUT_MEAN, place] = _mean_distance(memory, _SUMS_24, 24, age, close)
    out[_OUT_MEAN + 1, place] = _mean_distance(memory, _SUMS_96, 96, age, close)
    out[_OUT_ROSE, place] = _share_of_rises(memory, _SUMS_24, 24, age)
    out[_OUT_ROSE + 1, place] = _share_of_rises(memory, _SUMS_96, 96, age)


@compiled_in_place
def _momentum(memory: FloatArray, slider: int, window: int, age: int) -> float:
    totals = slider + TOTALS
    squares = memory[totals + _SQUARE]
    if age < window or not is_complete(memory[totals + _KNOWN], window) or not squares > 0.0:
        return np.nan
    result: float = memory[totals + _RETURN] / math.sqrt(squares)
    return result


@compiled_in_place
def _mean_distance(memory: FloatArray, slider: int, window: int, age: int, close: float) -> float:
    totals = slider + TOTALS
    known, squares = memory[totals + _KNOWN], memory[totals + _SQUARE]
    if age < window or not is_complete(known, window) or not squares > 0.0:
        return np.nan
    spread = math.sqrt(squares / memory[totals + _MOVED] * window)
    result: float = (close - memory[totals + _LOG_CLOSE] / known) / spread
    return result


@compiled_in_place
def _share_of_rises(memory: FloatArray, slider: int, window: int, age: int) -> float:
    totals = slider + TOTALS
    if age < window or not is_complete(memory[totals + _KNOWN], window):
        return np.nan
    result: float = memory[totals + _ROSE] / memory[totals + _MOVED]
    return result


@compiled_in_place
def _write_ranges(memory: FloatArray, slot: int, age: int, close: float, place: int, out: FloatArray) -> None:
    slide_highest(memory, _RANGE_12, 12, _EXTREMES, slot)
    slide_highest(memory, _RANGE_24, 24, _EXTREMES, slot)
    slide_highest(memory, _RANGE_96, 96, _EXTREMES, slot)
    out[_OUT_RANGE, place] = _range_position(memory, _RANGE_12, _SUMS_12, 12, age, close)
    out[_OUT_RANGE + 1, place] = _range_position(memory, _RANGE_24, _SUMS_24, 24, age, close)
    out[_OUT_RANGE + 2, place] = _range_position(memory, _RANGE_96, _SUMS_96, 96, age, close)


@compiled_in_place
def _range_position(memory: FloatArray, slider: int, sums: int, window: int, age: int, close: float) -> float:
    highest, lowest = memory[slider + TOTALS], -memory[slider + TOTALS + 1]
    known = memory[sums + TOTALS + _KNOWN]
    if age < window - 1 or not is_complete(known, window) or not highest > lowest:
        return np.nan
    result: float = (close - lowest) / (highest - lowest)
    return result


@compiled_in_place
def _write_shape(memory: FloatArray, before: int, fields: FloatArray, place: int, out: FloatArray) -> None:
    opened, closed = fields[OPEN, place], fields[CLOSE, place]
    high, low = fields[HIGH, place], fields[LOW, place]
    share = 1.0 / (high - low) if high > low else np.nan
    out[_OUT_SHAPE, place] = (closed - opened) * share
    out[_OUT_SHAPE + 1, place] = (high - max(opened, closed)) * share
    out[_OUT_SHAPE + 2, place] = (min(opened, closed) - low) * share
    out[_OUT_SHAPE + 3, place] = fields[LOG_HIGH, place] - fields[LOG_LOW, place]
    jumped = fields[LOG_OPEN, place] - memory[before + _LOG_CLOSE]
    out[_OUT_SHAPE + 4, place] = jumped if memory[before + _KNOWN] == 1.0 else np.nan
