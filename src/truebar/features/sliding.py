"""Sums, extremes and spreads over trailing windows of a ring, in constant time, without drift.

A window of w slots ending at slot s covers s-w+1 … s. Slots are cut into blocks of w, counted from 1970, so
every window is the end of one block and the beginning of the next. When a block begins, one sweep from right
to left gives what each end of the block before it sums to; from then on a bar adds to a running value, and
the window is running value and end together (van Herk 1992; Gil & Werman 1993, for extremes; here also for
sums). Nothing is ever subtracted: a huge bar leaves no trace after it has left, and a value depends on the
bars of its window alone, bit for bit.

A slider lies in the memory as: begin of the block, totals, running values, ends. The totals of the window
stand at `slider + TOTALS + channel` after each bar. (An index that is masked is seen to be no negative one,
which numba would otherwise test at each access.)
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.compiled import compiled_in_place
from truebar.features.memory import RING_MASK

MISSING_ONE_IN: Final = 20

TOTALS: Final = 1
"""Place of the first total within a slider."""

PIVOT: Final = 1
SPREAD_COUNT: Final = 2
SPREAD_SUM: Final = 3
SPREAD_SQUARES: Final = 4
"""Places within a spread: the value that deviations are taken from; their number, sum and sum of squares."""


def slider_size(window: int, channels: int) -> int:
    """Return how many numbers a slider of `channels` over `window` slots needs."""
    return TOTALS + 2 * channels + (window + 1) * channels


def spread_size(window: int) -> int:
    """Return how many numbers a spread over `window` slots needs."""
    return SPREAD_COUNT + 2 * 3 + (window + 1) * 3


@compiled_in_place
def slide_sums(
    memory: FloatArray, slider: int, window: int, channels: int, ring: int, stride: int, slot: int
) -> None:
    """Bring the sums of the ring's first `channels` channels over the window up to `slot`.

    Args:
        memory: holds the slider and the ring; the ring's entry of `slot` is written, those of missing bars
            are zero.
        slider: where the slider lies.
        window: slots.
        channels: how many of the ring's channels are summed.
        ring: where the ring lies.
        stride: channels of the ring.
        slot: of the bar, later than any before.
    """
    running = slider + TOTALS + channels
    ends = running + channels
    begin = int(memory[slider])
    if slot >= begin + window:
        begin = slot - slot % window
        memory[slider] = begin
        for place in range(window - 1, -1, -1):
            entry = ring + ((begin - window + place) & RING_MASK) * stride
            end = ends + place * channels
            for channel in range(channels):
                memory[end + channel] = memory[end + channels + channel] + memory[entry + channel]
        for channel in range(channels):
            memory[running + channel] = 0.0
    entry = ring + (slot & RING_MASK) * stride
    end = ends + ((slot - begin + 1) & RING_MASK) * channels
    for channel in range(channels):
        value = memory[running + channel] + memory[entry + channel]
        memory[running + channel] = value
        memory[slider + TOTALS + channel] = value + memory[end + channel]


@compiled_in_place
def slide_highest(memory: FloatArray, slider: int, window: int, ring: int, slot: int) -> None:
    """Bring the highest values of a ring of two channels over the window up to `slot`.

    The ring holds highs and negated lows, minus infinity where a bar is missing. Arguments as in
    `slide_sums`.
    """
    running = slider + TOTALS + 2
    ends = running + 2
    begin = int(memory[slider])
    if slot >= begin + window:
        begin = slot - slot % window
        memory[slider] = begin
        beyond = ends + window * 2
        memory[beyond] = memory[beyond + 1] = -np.inf
        for place in range(window - 1, -1, -1):
            entry = ring + ((begin - window + place) & RING_MASK) * 2
            end = ends + place * 2
            memory[end] = max(memory[end + 2], memory[entry])
            memory[end + 1] = max(memory[end + 3], memory[entry + 1])
        memory[running] = memory[running + 1] = -np.inf
    entry = ring + (slot & RING_MASK) * 2
    end = ends + ((slot - begin + 1) & RING_MASK) * 2
    for channel in range(2):
        value = max(memory[running + channel], memory[entry + channel])
        memory[running + channel] = value
        memory[slider + TOTALS + channel] = max(value, memory[end + channel])


@compiled_in_place
def slide_spread(
    memory: FloatArray, slider: int, window: int, ring: int, stride: int, channel: int, known: int, slot: int
) -> None:
    """Bring number, sum and squares of one channel's deviations from a pivot up to `slot`.

    The pivot is the value of the first bar of the slot's block, which lies in every window that ends in the
    block: so equal values have a spread of exactly zero, and far from zero little is lost.

    The values are those of the ring's `channel`; its channel `known` is 1 where there is one, and 0
    elsewhere. The other arguments are as in `slide_sums`.
    """
    running = slider + SPREAD_COUNT + 3
    ends = running + 3
    begin = int(memory[slider])
    entry = ring + (slot & RING_MASK) * stride
    if slot >= begin + window:
        begin = slot - slot % window
        memory[slider] = begin
        memory[slider + PIVOT] = memory[entry + channel]
        for place in range(window - 1, -1, -1):
            there = ring + ((begin - window + place) & RING_MASK) * stride
            _add_deviation(memory, ends + place * 3, ends + place * 3 + 3, slider, there, channel, known)
        for part in range(3):
            memory[running + part] = 0.0
    _add_deviation(memory, running, running, slider, entry, channel, known)
    end = ends + ((slot - begin + 1) & RING_MASK) * 3
    for part in range(3):
        memory[slider + SPREAD_COUNT + part] = memory[running + part] + memory[end + part]


@compiled_in_place
def _add_deviation(
    memory: FloatArray, target: int, source: int, slider: int, entry: int, channel: int, known: int
) -> None:
    """Set the three parts at `target` to those at `source` and the deviation of one ring entry."""
    weight = memory[entry + known]
    deviation = (memory[entry + channel] - memory[slider + PIVOT]) * weight
    memory[target] = memory[source] + weight
    memory[target + 1] = memory[source + 1] + deviation
    memory[target + 2] = memory[source + 2] + deviation * deviation


@compiled_in_place
def spread_mean(memory: FloatArray, slider: int) -> float:
    """Return the mean of the window; NaN without a value."""
    count = memory[slider + SPREAD_COUNT]
    return memory[slider + PIVOT] + memory[slider + SPREAD_SUM] / count if count > 0.0 else np.nan


@compiled_in_place
def spread_deviation(memory: FloatArray, slider: int) -> float:
    """Return the standard deviation of the window (of the population); NaN without a value."""
    count = memory[slider + SPREAD_COUNT]
    if count == 0.0:
        return np.nan
    total = memory[slider + SPREAD_SUM]
    squares = memory[slider + SPREAD_SQUARES] - total * total / count
    return math.sqrt(squares / count) if squares > 0.0 else 0.0


@compiled_in_place
def is_complete(known: float, window: int) -> bool:
    """Return whether at most one in twenty of a window's bars is missing, as for volatility (METHOD §1)."""
    return (window - known) * MISSING_ONE_IN <= window
