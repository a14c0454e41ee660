"""The memory of a family's kernel: one flat float64 array, so that it can be copied, saved and restored.

It begins with a header. Then come rings, which hold the last `RING_SLOTS` grid bars by slot, sliders
(`truebar.features.sliding`) and averages (`truebar.features.decaying`); each kernel's module says where.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.compiled import compiled_in_place

RING_SLOTS: Final = 256
"""Slots that a ring keeps: a power of two, and at least twice the longest window, as sliders need it."""

RING_MASK: Final = RING_SLOTS - 1

FIRST: Final = 0
"""Header: slot of the first bar."""

LAST: Final = 1
"""Header: slot of the latest bar."""

STARTED: Final = 2
"""Header: 1 as soon as there is a bar."""

HEADER_SIZE: Final = 3

NEVER: Final = 1 << 40
"""Steps since a bar that never was."""

Region = tuple[int, int, float]
"""Where a part of the memory begins, how long it is, and what it holds before the first bar."""


def blank_memory(size: int, filled: Sequence[Region] = ()) -> FloatArray:
    """Return a memory of `size` numbers that has seen no bar: zeros, but for the regions of `filled`."""
    memory = np.zeros(size)
    for begin, length, value in filled:
        memory[begin : begin + length] = value
    return memory


@compiled_in_place
def step_to(memory: FloatArray, slot: int) -> int:
    """Return how many grid bars after the latest bar `slot` lies (1: it follows), and make it the latest."""
    steps = NEVER
    if memory[STARTED] == 0.0:
        memory[STARTED] = 1.0
        memory[FIRST] = slot
    else:
        steps = slot - int(memory[LAST])
    memory[LAST] = slot
    return steps


@compiled_in_place
def clear_missing(memory: FloatArray, ring: int, channels: int, slot: int, steps: int, blank: float) -> None:
    """Set the ring's entries of the missing bars before `slot` to `blank`, which stands for no bar."""
    for back in range(1, min(steps, RING_SLOTS)):
        entry = ring + ((slot - back) & RING_MASK) * channels
        for channel in range(channels):
            memory[entry + channel] = blank
