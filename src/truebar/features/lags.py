"""Rows as they were some slots ago, NaN where there was no bar.

A ring remembers as many slots as the longest lag asks for. What lies in the piece comes from the row itself,
what lies before it from the ring, so a bar costs the same alone and in a long row.

Right after slots that were left out, the ring still gives what lay before them; the slots that it gives it to
are missing themselves, and none of them is handed out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_part
from truebar.features.memory import BEGIN, ONE, SIZE, WALKED_SLOTS, Layout, Size, SizeArray

_SOURCE, _RING, _MASK, _TARGET, _LAG = range(5)
"""Columns of lags: row of the values, place of its ring, one less than its length; row of the values as they
were, and how many slots ago. What is remembered has the first three."""


@dataclass(frozen=True)
class Lags:
    """Lags of some rows of the work.

    Attributes:
        table: uint64[k, 5], for `look_back`.
        kept: uint64[j, 3], one for each source.
        first_row: of what the first lag of the first source gives; the others follow.
    """

    table: SizeArray
    kept: SizeArray
    first_row: int


def earlier(layout: Layout, lags: Mapping[int, Sequence[int]]) -> Lags:
    """Return the lags of each source row."""
    table, kept = [], []
    first_row = layout.rows
    if any(lag > WALKED_SLOTS for asked in lags.values() for lag in asked):
        raise ValueError(f"lags of {lags} reach beyond the {WALKED_SLOTS} slots that are walked through")
    for source, asked in lags.items():
        length = 1 << (max(asked) - 1).bit_length()
        ring = layout.place(length, np.nan)
        kept.append((source, ring, length - 1))
        table += [(source, ring, length - 1, layout.row(), lag) for lag in asked]
    return Lags(np.array(table, dtype=np.uint64), np.array(kept, dtype=np.uint64), first_row)


@compiled_part
def look_back(
    table: SizeArray, kept: SizeArray, memory: FloatArray, work: FloatArray, piece: IntArray
) -> None:
    """Write rows as they were, then remember the latest of each source."""
    begin, slots = Size(piece[BEGIN]), Size(piece[SIZE])
    if slots == ONE:  # the same, without what it takes to begin a loop
        for k in range(table.shape[0]):
            before = begin - table[k, _LAG]
            work[table[k, _TARGET], 0] = memory[table[k, _RING] + (before & table[k, _MASK])]
        for k in range(kept.shape[0]):
            memory[kept[k, _RING] + (begin & kept[k, _MASK])] = work[kept[k, _SOURCE], 0]
        return
    for k in range(table.shape[0]):
        ring, mask, lag = table[k, _RING], table[k, _MASK], table[k, _LAG]
        source, target = work[table[k, _SOURCE]], work[table[k, _TARGET]]
        head = min(slots, lag)
        for slot in range(head):
            target[slot] = memory[ring + ((begin + slot - lag) & mask)]
        for slot in range(slots - head):
            target[head + slot] = source[slot]
    for k in range(kept.shape[0]):
        source, ring, mask = work[kept[k, _SOURCE]], kept[k, _RING], kept[k, _MASK]
        for slot in range(slots - min(slots, mask + ONE), slots):
            memory[ring + ((begin + slot) & mask)] = source[slot]
