"""What a family's kernel remembers and works on, and the pieces of time that it takes its bars in.

The memory is one flat float64 array, so that it can be copied, saved and restored: what all families share
(`truebar.features.slots`), a header first, then for each family delay lines (`truebar.features.windows`),
averages (`truebar.features.averaging`) and rings (`truebar.features.lags`). The work is float64[rows, slots],
scratch for one piece: consecutive slots of the grid, a missing bar being a slot of its own. Where the pieces
are cut changes no bit: every value of a slot comes from the slots before it, whichever piece they were in.
"""

from __future__ import annotations

from array import array
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_part
from truebar.features.fields import SLOT

Size: TypeAlias = np.uint64
"""A whole number that is seen to be no negative index, for which numba would test each."""

SizeArray: TypeAlias = npt.NDArray[np.uint64]

ONE: Final = Size(1)

FIRST: Final = 0
"""Header: slot of the first bar."""

LAST: Final = 1
"""Header: the latest slot."""

STARTED: Final = 2
"""Header: 1 as soon as there is a bar."""

MEMBERS: Final = 3
"""Header: which families have a part, a bit for the number of each, in the order of their numbers."""

HEADER_SIZE: Final = 4

PIECE_SLOTS: Final = 232
"""Most slots of a piece. Its rows stay in the processor's cache, and 29 lines each spread over all of it."""

WALKED_SLOTS: Final = 240
"""Missing slots that are walked through before a bar, at least those of a piece; what lies before them is out
of every window."""


BAR, END, BEGIN, SIZE, LEFT_OUT, AGE, PIECE_PARTS = range(7)
"""What a piece is: its first bar, the first bar after it, its first slot, how many slots it has, how many
were left out before it, and how many lie between the first bar of all and its first slot."""


class Layout:
    """Gives a family's kernel its rows of the work and its places in the memory.

    Args:
        row: the first that it may give.

    Attributes:
        rows: the first that it has not given.
    """

    def __init__(self, row: int) -> None:
        self.rows = row
        self._blank = array("d")

    def row(self, count: int = 1) -> int:
        """Return the first of `count` rows of the work."""
        self.rows += count
        return self.rows - count

    def place(self, count: int, blank: float = 0.0) -> int:
        """Return the first of `count` places of the memory, which hold `blank` before the first bar."""
        self._blank.extend([blank] * count)
        return len(self._blank) - count

    def blank(self) -> FloatArray:
        """Return the memory of a kernel that has seen no bar."""
        return np.frombuffer(self._blank).copy()


@compiled_part
def widest_piece(memory: FloatArray, fields: FloatArray) -> int:
    """Return how many slots the widest piece of these bars can have; there must be one."""
    begin = int(memory[LAST]) + 1 if memory[STARTED] == 1.0 else int(fields[SLOT, 0])
    return min(int(fields[SLOT, fields.shape[1] - 1]) - begin + 1, PIECE_SLOTS)


@compiled_part
def next_piece(memory: FloatArray, fields: FloatArray, piece: IntArray, work: FloatArray) -> bool:
    """Make `piece` the next one, and return whether there is one. One of missing slots alone has no bar."""
    bar, width = piece[END], work.shape[1]
    if bar == fields.shape[1]:
        return False
    slot = int(fields[SLOT, bar])
    begin, left_out = slot, 0
    if memory[STARTED] == 0.0:
        memory[STARTED] = 1.0
        memory[FIRST] = slot
    else:
        after = int(memory[LAST]) + 1
        begin = max(after, slot - WALKED_SLOTS)
        left_out = begin - after
    end, size = bar, width
    while end < fields.shape[1] and fields[SLOT, end] < begin + width:
        end += 1
    if end > bar:
        size = int(fields[SLOT, end - 1]) - begin + 1
    memory[LAST] = begin + size - 1
    piece[BAR], piece[END], piece[BEGIN], piece[SIZE], piece[LEFT_OUT] = bar, end, begin, size, left_out
    piece[AGE] = begin - int(memory[FIRST])
    return True
