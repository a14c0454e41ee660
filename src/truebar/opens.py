"""The times of bars kept small: one start for each stretch without a gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from truebar.arrays import IntArray
from truebar.compiled import compiled

BLOCK_ROWS: Final = 256
"""Rows that are looked through for gaps only where the times of the first and the last show one."""


@dataclass(frozen=True, eq=False)
class Opens:
    """Opens of n bars; a copy of a year of minutes would cost as much as its backtest.

    Attributes:
        rows: int64[m], row of the first bar of each stretch in which every bar is one step after the last.
        starts: int64[m], open of these bars, nanoseconds since 1970 UTC.
        step: smallest step between two bars, nanoseconds; not positive where the times do not ascend.
        size: n.
    """

    rows: IntArray
    starts: IntArray
    step: int
    size: int

    @classmethod
    def of(cls, open_time: IntArray) -> Opens:
        """Return the opens int64[n] of at least two bars, kept by their stretches.

        >>> Opens.of(np.array([10, 20, 40, 50])).nanoseconds().tolist()
        [10, 20, 40, 50]
        """
        smallest, largest = _steps(open_time)
        rows = np.zeros(1, dtype=np.int64)
        if largest > smallest:
            rows = np.concatenate((rows, _rows_after_gaps(open_time, smallest)))
        return cls(rows, open_time[rows], smallest, open_time.size)

    @property
    def first(self) -> int:
        """Return the first open, nanoseconds since 1970 UTC."""
        return int(self.starts[0])

    @property
    def last(self) -> int:
        """Return the last open, nanoseconds since 1970 UTC."""
        return int(self.starts[-1] + (self.size - 1 - self.rows[-1]) * self.step)

    def latest(self, times: IntArray) -> tuple[IntArray, IntArray]:
        """Return row and open of the last bar that opened at or before each time, none before the first.

        A search among a year of minutes looks at memory all over; one among stretches does not.
        """
        stretch = np.searchsorted(self.starts, times, side="right") - 1
        lengths = np.diff(self.rows, append=self.size)[stretch]
        beyond = np.minimum((times - self.starts[stretch]) // self.step, lengths - 1)
        return self.rows[stretch] + beyond, self.starts[stretch] + beyond * self.step

    def nanoseconds(self) -> IntArray:
        """Return int64[n], nanoseconds since 1970 UTC."""
        lengths = np.diff(self.rows, append=self.size)
        return np.arange(self.size) * self.step + np.repeat(self.starts - self.rows * self.step, lengths)


@compiled
def _steps(open_time: IntArray) -> tuple[int, int]:
    """Return the smallest and the largest step between neighbours among at least two."""
    earlier, later = open_time[:-1], open_time[1:]  # an index less one might be negative, which costs a test
    smallest = largest = later[0] - earlier[0]
    for row in range(later.size):
        step = later[row] - earlier[row]
        smallest, largest = min(smallest, step), max(largest, step)
    return smallest, largest


@compiled
def _rows_after_gaps(open_time: IntArray, step: int) -> IntArray:
    """Return the rows that open later than one step, the smallest, after the row before them."""
    count, rows = 0, np.empty(16, dtype=np.int64)
    for first in range(0, open_time.size - 1, BLOCK_ROWS):
        last = min(first + BLOCK_ROWS, open_time.size - 1)
        if open_time[last] - open_time[first] == (last - first) * step:
            continue  # no step is smaller, so that none is larger
        for row in range(first + 1, last + 1):
            if open_time[row] - open_time[row - 1] != step:
                if count == rows.size:
                    rows = np.concatenate((rows, np.empty_like(rows)))
                rows[count] = row
                count += 1
    return rows[:count]
