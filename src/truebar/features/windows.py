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

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_in_place, compiled_part, compiled_within
from truebar.features.memory import ONE, SIZE, Layout, Size, SizeArray

Chain = Sequence[tuple[int, int] | tuple[int, int, int]]
"""Joins in order, each the length of the later window and that of the earlier one right before it. A third
number says how many of the sums are joined, the first ones; then nothing else is."""

_SOURCE, _DELAYED, _LAG, _PLACE, _ROWS, _LATER, _TARGET, _SUMS, _HIGHEST, _LATEST, _SPREADS = range(11)
"""Columns of steps: first of the rows that are delayed, and of those to write them to; by how many slots;
where the delay line lies; how many rows; first of those joined to them, and of the joined ones; how many of
these are sums, maxima, pairs of a maximum and the slots since it, and triples of number, mean and squares."""

_NONE, _TWO, _THREE = Size(0), Size(2), Size(3)


@dataclass(frozen=True)
class Steps:
    """Steps over some rows of the work.

    Attributes:
        table: uint64[steps, 11], for `walk`.
        first_row: of what each window gives; the others follow in the order of the source.
    """

    table: SizeArray
    first_row: Mapping[int, int]


def joined(
    layout: Layout,
    source: int,
    chain: Chain,
    *,
    sums: int = 0,
    highest: int = 0,
    latest: int = 0,
    spreads: int = 0,
) -> Steps:
    """Return the steps to the windows of a chain.

    Args:
        layout: gives the rows and places.
        source: first row of the entries, which come in the order of what is made of them.
        chain: the joins.
        sums: how many rows are summed; the entry of a missing slot is 0.
        highest: of how many rows the maximum is taken; minus infinity.
        latest: of how many pairs of rows the maximum is taken, and how many slots ago it last was, which is
            0 in a single slot; minus infinity and 0.
        spreads: of how many triples of rows, which are 1, the value and 0, number, mean and summed squared
            deviations are taken (Chan et al. 1979); 0, 0 and 0.
    """
    blanks = [0.0] * sums + [-np.inf] * highest + [-np.inf, 0.0] * latest + [0.0] * (3 * spreads)
    rows, counts, table = {1: source}, {1: len(blanks)}, []
    scratch = layout.row(len(blanks))
    for later, before, *only in chain:
        kinds = (*only, 0, 0, 0) if only else (sums, highest, latest, spreads)
        taken = blanks[: only[0]] if only else blanks
        counts[later + before] = len(taken)
        if len(taken) > min(counts[later], counts[before]):
            raise ValueError(f"windows of {later} and {before} slots do not have {len(taken)} rows to join")
        target = rows[later + before] = layout.row(len(taken))
        place = _delay_line(layout, later, taken)
        table.append((rows[before], scratch, later, place, len(taken), rows[later], target, *kinds))
    return Steps(np.array(table, dtype=np.uint64), rows)


def _delay_line(layout: Layout, lag: int, blanks: Sequence[float]) -> int:
    """Return where a position begins, which the last `lag` entries of each row follow."""
    place = layout.place(1)
    for blank in blanks:
        layout.place(lag, blank)
    return place


@compiled_part
def walk(steps: SizeArray, memory: FloatArray, work: FloatArray, piece: IntArray) -> None:
    """Take the steps through a piece."""
    if work.shape[1] == 1:
        _walk_slot(steps, memory, work)
        return
    flat, width, slots = work.ravel(), Size(work.shape[1]), Size(piece[SIZE])
    for k in range(steps.shape[0]):
        step = steps[k]
        lag, sums = step[_LAG], step[_SUMS]
        head = min(slots, lag)
        position = Size(np.int64(memory[step[_PLACE]]))
        straight = min(head, lag - position)
        line, source = step[_PLACE] + ONE, step[_SOURCE] * width
        old, new, target = step[_DELAYED] * width, step[_LATER] * width, step[_TARGET] * width
        for _ in range(sums):
            late, rest = line + position, slots - head
            for place in range(straight):
                flat[target + place] = flat[new + place] + memory[late + place]
            for place in range(head - straight):
                flat[target + straight + place] = flat[new + straight + place] + memory[line + place]
            for place in range(rest):
                flat[target + head + place] = flat[new + head + place] + flat[source + place]
            _keep(memory, line, position, lag, flat, source, slots)
            line, source, old = line + lag, source + width, old + width
            new, target = new + width, target + width
        delayed = old
        for _ in range(step[_ROWS] - sums):
            _copy(memory, line + position, flat, delayed, straight)
            _copy(memory, line, flat, delayed + straight, head - straight)
            _copy(flat, source, flat, delayed + head, slots - head)
            _keep(memory, line, position, lag, flat, source, slots)
            line, source, delayed = line + lag, source + width, delayed + width
        after = position + slots if slots < lag else _NONE
        memory[step[_PLACE]] = float(np.int64(after - lag if after >= lag else after))
        count = step[_HIGHEST] * width
        for place in range(count):
            flat[target + place] = max(flat[new + place], flat[old + place])
        old, new, target = old + count, new + count, target + count
        for _ in range(step[_LATEST]):
            for place in range(slots):
                _join_latest(flat, width, old + place, new + place, target + place, float(step[_LAG]))
            old, new, target = old + _TWO * width, new + _TWO * width, target + _TWO * width
        for _ in range(step[_SPREADS]):
            for place in range(slots):
                _join_spread(flat, width, old + place, new + place, target + place)
            old, new, target = old + _THREE * width, new + _THREE * width, target + _THREE * width


@compiled_within
def _walk_slot(steps: SizeArray, memory: FloatArray, work: FloatArray) -> None:
    """Take the steps through a single slot: `walk` without what it takes to begin a loop."""
    flat = work.ravel()
    for k in range(steps.shape[0]):
        place, lag = steps[k, _PLACE], steps[k, _LAG]
        position = Size(np.int64(memory[place])) + ONE
        memory[place] = float(np.int64(position)) if position < lag else 0.0
        line, source, old = place + position, steps[k, _SOURCE], steps[k, _DELAYED]
        new, target = steps[k, _LATER], steps[k, _TARGET]
        for _ in range(steps[k, _SUMS]):
            before = memory[line]
            memory[line] = flat[source]
            flat[target] = flat[new] + before
            line, source, new, target = line + lag, source + ONE, new + ONE, target + ONE
        for _ in range(steps[k, _HIGHEST]):
            before = memory[line]
            memory[line] = flat[source]
            flat[target] = max(flat[new], before)
            line, source, new, target = line + lag, source + ONE, new + ONE, target + ONE
        for _ in range(steps[k, _LATEST]):
            for row in range(_TWO):
                flat[old + row] = memory[line]
                memory[line] = flat[source + row]
                line += lag
            _join_latest(flat, ONE, old, new, target, float(lag))
            source, new, target = source + _TWO, new + _TWO, target + _TWO
        for _ in range(steps[k, _SPREADS]):
            for row in range(_THREE):
                flat[old + row] = memory[line]
                memory[line] = flat[source + row]
                line += lag
            _join_spread(flat, ONE, old, new, target)
            source, new, target = source + _THREE, new + _THREE, target + _THREE


@compiled_in_place
def _keep(
    memory: FloatArray, line: Size, position: Size, lag: Size, flat: FloatArray, source: Size, size: Size
) -> None:
    """Keep the last entries of a row for the next piece, from the position on, or from the line's begin."""
    if size < lag:
        room = min(size, lag - position)
        _copy(flat, source, memory, line + position, room)
        _copy(flat, source + room, memory, line, size - room)
    else:
        _copy(flat, source + size - lag, memory, line, lag)


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
