"""Formulas of columns as tables: sums, roots and ratios of rows, slot by slot, each with where it is known.

A family says in a table what its columns are made of, and one compiled function works all tables out: a
formula more is a line more, and no more code to compile.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_part, compiled_within
from truebar.features.memory import AGE, SIZE, Size, SizeArray
from truebar.features.slots import ONES

MISSING_ONE_IN: Final = 20

_SUM, _ROOT, _RATIO = (Size(kind) for kind in range(3))

_KIND, _FIRST, _SECOND, _THIRD, _FOURTH, _COUNTS, _TARGET = range(7)
"""Columns of a table: what is computed; of which rows; the row that must reach `_LEAST`; and the result's."""

_FACTOR, _PLUS, _LEAST, _WARMUP = range(4)
"""Columns of its numbers; the last is in slots since the first bar."""


class Known(NamedTuple):
    """Where a value is known; it is NaN elsewhere.

    Attributes:
        row: of the work.
        least: what it must reach.
        warmup: slots from the first bar to the first that can have a value.
    """

    row: int
    least: float
    warmup: int


_ALWAYS: Final = Known(ONES, 1.0, 0)


class Formula(NamedTuple):
    """One row of the work, made of up to four; see `total`, `root` and `ratio`."""

    kind: Size
    rows: tuple[int, int, int, int]
    target: int
    factor: float
    plus: float
    known: Known


@dataclass(frozen=True)
class Formulas:
    """Formulas in the order in which they are worked out.

    Attributes:
        table: uint64[k, 7], for `work_out`.
        numbers: float64[k, 4].
    """

    table: SizeArray
    numbers: FloatArray


def formulas(taken: Iterable[Formula]) -> Formulas:
    """Return formulas that may read what those before them give."""
    taken = list(taken)
    table = [(each.kind, *each.rows, each.known.row, each.target) for each in taken]
    numbers = [(each.factor, each.plus, each.known.least, each.known.warmup) for each in taken]
    return Formulas(np.array(table, dtype=np.uint64), np.array(numbers, dtype=np.float64))


def window(counts: int, bars: int, *, warmup: int) -> Known:
    """Return where at most one in twenty of a window's bars is missing (METHOD §1).

    Args:
        counts: row of how many bars are there.
        bars: of the window.
        warmup: slots from the first bar.
    """
    return Known(counts, float(bars - bars // MISSING_ONE_IN), warmup)


def settled(known: int, warmup: int) -> Known:
    """Return where an average is known, by its row of 1 or NaN, after its warm-up."""
    return Known(known, 1.0, warmup)


def total(target: int, first: int, second: int, *, factor: float = 1.0) -> Formula:
    """Return first + factor * second."""
    return Formula(_SUM, (first, second, ONES, ONES), target, factor, 0.0, _ALWAYS)


def difference(target: int, first: int, second: int, *, over: int = ONES) -> Formula:
    """Return first - second / over."""
    return Formula(_SUM, (first, second, over, ONES), target, -1.0, 0.0, _ALWAYS)


def root(
    target: int, value: int, *, over: int = ONES, factor: float = 1.0, known: Known = _ALWAYS
) -> Formula:
    """Return the root of factor * value / over; a value below 0 counts as 0."""
    return Formula(_ROOT, (value, ONES, over, ONES), target, factor, 0.0, known)


def ratio(
    target: int,
    above: int | tuple[int, int],
    below: int | tuple[int, int] = ONES,
    *,
    factor: float = 1.0,
    plus: float = 0.0,
    known: Known = _ALWAYS,
) -> Formula:
    """Return factor * above / below + plus where `below` is above 0; two rows are multiplied."""
    first, second = above if isinstance(above, tuple) else (above, ONES)
    third, fourth = below if isinstance(below, tuple) else (below, ONES)
    return Formula(_RATIO, (first, second, third, fourth), target, factor, plus, known)


@compiled_part
def work_out(table: SizeArray, numbers: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Work formulas out over a piece, one after the other."""
    if work.shape[1] == 1:
        _work_out_slot(table, numbers, work, piece)
        return
    flat, width, slots = work.ravel(), Size(work.shape[1]), Size(piece[SIZE])
    for k in range(table.shape[0]):
        first, second = table[k, _FIRST] * width, table[k, _SECOND] * width
        third, fourth = table[k, _THIRD] * width, table[k, _FOURTH] * width
        counts, target = table[k, _COUNTS] * width, table[k, _TARGET] * width
        factor, plus, least = numbers[k, _FACTOR], numbers[k, _PLUS], numbers[k, _LEAST]
        begin = min(Size(max(int(numbers[k, _WARMUP]) - piece[AGE], 0)), slots)
        for slot in range(begin):
            flat[target + slot] = np.nan
        if table[k, _KIND] == _SUM:
            for slot in range(slots):
                flat[target + slot] = flat[first + slot] + factor * flat[second + slot] / flat[third + slot]
        elif table[k, _KIND] == _ROOT:
            for slot in range(begin, slots):
                value = math.sqrt(max(flat[first + slot], 0.0) * factor / flat[third + slot])
                flat[target + slot] = value if flat[counts + slot] >= least else np.nan
        else:
            for slot in range(begin, slots):
                below = flat[third + slot] * flat[fourth + slot]
                value = factor * (flat[first + slot] * flat[second + slot]) / below + plus
                is_known = flat[counts + slot] >= least and below > 0.0
                flat[target + slot] = value if is_known else np.nan


@compiled_within
def _work_out_slot(table: SizeArray, numbers: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Work formulas out for a single slot: `work_out` without what it takes to begin a loop."""
    age = float(piece[AGE])
    for k in range(table.shape[0]):
        first, third, factor = work[table[k, _FIRST], 0], work[table[k, _THIRD], 0], numbers[k, _FACTOR]
        if table[k, _KIND] == _SUM:
            value = first + factor * work[table[k, _SECOND], 0] / third
        else:
            is_known = work[table[k, _COUNTS], 0] >= numbers[k, _LEAST] and age >= numbers[k, _WARMUP]
            if table[k, _KIND] == _ROOT:
                value = math.sqrt(max(first, 0.0) * factor / third)
            else:
                below = third * work[table[k, _FOURTH], 0]
                value = factor * (first * work[table[k, _SECOND], 0]) / below + numbers[k, _PLUS]
                is_known = is_known and below > 0.0
            value = value if is_known else np.nan
        work[table[k, _TARGET], 0] = value
