"""Totals over trailing windows, each joined from two shorter ones side by side: no drift, nothing subtracted.

The window of 24 slots that ends now is the one of 12 that ends now and the one of 12 that ended 12 slots ago;
each of these is joined in turn, down to single slots. A join is one addition (or one maximum) for each slot,
and what ended some slots ago comes from a delay line, so a bar costs the same alone and in a long row. A huge
bar leaves no trace after it has left, a value depends on the slots of its window alone, bit for bit, and the
error grows with the logarithm of the window.

A missing slot has an entry that changes nothing: 0 in a sum, minus infinity in a maximum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_in_place, compiled_part
from truebar.features.memory import SIZE, Layout, Size, SizeArray

MISSING_ONE_IN: Final = 20

Chain = Sequence[tuple[int, int]]
"""Joins in order, each the length of the later window and that of the earlier one right before it."""

SUM: Final = 1
"""Kind of join: the sum."""

HIGHEST: Final = 2
"""Kind of join: the highest value."""

LATEST: Final = 3
"""Kind of join: the highest value and how many slots ago it last was; rows come in pairs of these."""

SPREAD: Final = 4
"""Kind of join: number, mean and summed squared deviations, one row each (Chan et al. 1979)."""

_KIND, _SOURCE, _DELAYED, _LAG, _PLACE, _ROWS, _LATER, _TARGET = range(8)
"""Columns of steps: kind of join, 0 for none; first of the rows that are delayed, and of those to write them
to; by how many slots; where the delay line lies; how many rows; first of those joined to them, and of the
joined ones."""

_NONE, _ONE = Size(0), Size(1)


@dataclass(frozen=True)
class Steps:
    """Steps over some rows of the work.

    Attributes:
        table: uint64[steps, 8], for `walk`.
        first_row: of what each window, or each lag, gives; the others follow in the order of the source.
    """

    table: SizeArray
    first_row: Mapping[int, int]


def joined(layout: Layout, kind: int, source: int, blanks: Sequence[float], chain: Chain) -> Steps:
    """Return the steps to the windows of a chain.

    Args:
        layout: gives the rows and places.
        kind: of join.
        source: first row of the entries.
        blanks: the entry of a missing slot, for each row.
        chain: the joins.
    """
    rows, table = {1: source}, []
    scratch = layout.row(len(blanks))
    for later, earlier in chain:
        target = rows[later + earlier] = layout.row(len(blanks))
        place = _delay_line(layout, later, blanks)
        table.append((kind, rows[earlier], scratch, later, place, len(blanks), rows[later], target))
    return Steps(np.array(table, dtype=np.uint64), rows)


def earlier(layout: Layout, source: int, lags: Sequence[int], rows: int = 1) -> Steps:
    """Return the steps to rows as they were some slots ago, NaN where there was no bar."""
    first_row, table = {}, []
    for lag in lags:
        first_row[lag] = layout.row(rows)
        place = _delay_line(layout, lag, [np.nan] * rows)
        table.append((0, source, first_row[lag], lag, place, rows, source, source))
    return Steps(np.array(table, dtype=np.uint64), first_row)


def _delay_line(layout: Layout, lag: int, blanks: Sequence[float]) -> int:
    """Return where a position begins, which the last `lag` entries of each row follow."""
    place = layout.place(1)
    for blank in blanks:
        layout.place(lag, blank)
    return place


@compiled_part
def walk(steps: SizeArray, memory: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Take the steps through a piece."""
    flat, width, slots = work.ravel(), Size(work.shape[1]), Size(piece[SIZE])
    if width == _ONE:
        _walk_slot(steps, memory, flat)
        return
    for k in range(steps.shape[0]):
        step = steps[k]
        _delay(step, memory, flat, width, slots)
        kind, count = step[_KIND], step[_ROWS] * width
        old, new, target = step[_DELAYED] * width, step[_LATER] * width, step[_TARGET] * width
        if kind == SUM:
            for place in range(count):
                flat[target + place] = flat[new + place] + flat[old + place]
        elif kind == HIGHEST:
            for place in range(count):
                flat[target + place] = max(flat[new + place], flat[old + place])
        elif kind == LATEST:
            for _ in range(step[_ROWS] >> _ONE):
                for place in range(slots):
                    _join_latest(flat, width, old + place, new + place, target + place, float(step[_LAG]))
                old, new, target = old + width + width, new + width + width, target + width + width
        elif kind == SPREAD:
            for place in range(slots):
                _join_spread(flat, width, old + place, new + place, target + place)


@compiled_part
def _walk_slot(steps: SizeArray, memory: FloatArray, flat: FloatArray) -> None:
    """Take the steps through a single slot: what `walk` does, without what it takes to begin a loop."""
    for k in range(steps.shape[0]):
        place, lag = steps[k, _PLACE], steps[k, _LAG]
        position = Size(np.int64(memory[place])) + _ONE
        memory[place] = float(np.int64(position)) if position < lag else 0.0
        kind, rows, line = steps[k, _KIND], steps[k, _ROWS], place + position
        source, new, target = steps[k, _SOURCE], steps[k, _LATER], steps[k, _TARGET]
        old = steps[k, _DELAYED]
        for row in range(rows):
            before = memory[line]
            memory[line] = flat[source + row]
            line += lag
            if kind == SUM:
                flat[target + row] = flat[new + row] + before
            elif kind == HIGHEST:
                flat[target + row] = max(flat[new + row], before)
            else:
                flat[old + row] = before
        if kind == LATEST:
            for row in range(rows >> _ONE):
                pair = row + row
                _join_latest(flat, _ONE, old + pair, new + pair, target + pair, float(lag))
        elif kind == SPREAD:
            _join_spread(flat, _ONE, old, new, target)


@compiled_in_place
def _delay(step: SizeArray, memory: FloatArray, flat: FloatArray, width: Size, size: Size) -> None:
    """Write one step's rows as they were `lag` slots ago, and keep the last entries for the next piece."""
    lag, line = step[_LAG], step[_PLACE] + _ONE
    position = Size(np.int64(memory[step[_PLACE]]))
    source, target = step[_SOURCE] * width, step[_DELAYED] * width
    head = min(size, lag)
    straight = min(head, lag - position)
    at, after = (position, position + size) if size < lag else (_NONE, _NONE)
    room = min(head, lag - at)
    for _ in range(step[_ROWS]):
        _copy(memory, line + position, flat, target, straight)
        _copy(memory, line, flat, target + straight, head - straight)
        _copy(flat, source, flat, target + head, size - head)
        tail = source + size - head
        _copy(flat, tail, memory, line + at, room)
        _copy(flat, tail + room, memory, line, head - room)
        line, source, target = line + lag, source + width, target + width
    memory[step[_PLACE]] = float(np.int64(after - lag if after >= lag else after))


@compiled_in_place
def _copy(source: FloatArray, begin: Size, target: FloatArray, to: Size, count: Size) -> None:
    for place in range(count):
        target[to + place] = source[begin + place]


@compiled_in_place
def _join_latest(flat: FloatArray, width: Size, old: Size, new: Size, target: Size, lag: float) -> None:
    """Join one slot of a pair of rows; of equal values the later one counts."""
    is_later = flat[new] >= flat[old]
    since, before = flat[new + width], flat[old + width] + lag
    flat[target] = flat[new] if is_later else flat[old]
    flat[target + width] = since if is_later else before


@compiled_in_place
def _join_spread(flat: FloatArray, width: Size, old: Size, new: Size, target: Size) -> None:
    """Join one slot of three rows. Equal values have a spread of exactly zero."""
    mean, squares = width, width + width
    count, others = flat[old], flat[new]
    total = count + others
    share = others / total if total > 0.0 else 0.0
    distance = flat[new + mean] - flat[old + mean]
    flat[target] = total
    flat[target + mean] = flat[old + mean] + distance * share
    within = flat[old + squares] + flat[new + squares]
    flat[target + squares] = within + distance * distance * (count * share)


@compiled_in_place
def whole(known: float, window: float, age: int, warmup: float) -> float:
    """Return 1 where at most one in twenty of a window's bars is missing (METHOD §1) after the warm-up.

    It is NaN elsewhere: what is multiplied by it is not known.
    """
    is_complete = (window - known) * MISSING_ONE_IN <= window
    return 1.0 if is_complete and age >= warmup else np.nan
