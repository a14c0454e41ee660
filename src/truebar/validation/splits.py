"""What every split is made from: labelled rows, the time each row's information covers, blocks of rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import BoolArray, IntArray, Times
from truebar.counts import whole_number
from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError
from truebar.times import NO_TIME, nanoseconds, utc_index
from truebar.units import bars_per_day

Block: TypeAlias = tuple[int, int]
"""Half-open range of positions among the labelled rows."""

Moments: TypeAlias = Times | npt.NDArray[np.int64]
"""Times, or whole numbers: a split needs their order alone, so open_time and label_end may share any unit."""


@dataclass(frozen=True)
class LabelledRows:
    """The rows that have a label, in time order.

    The information of a row covers the half-open interval [open_time, label_end). Two rows clash if
    open_i < label_end_j and open_j < label_end_i (METHOD §2).

    Attributes:
        all_open: int64[n], open_time of every row given, labelled or not.
        index: int64[m], which of the n rows are labelled.
        open: int64[m], their open_time.
        end: int64[m], their label_end.
    """

    all_open: IntArray
    index: IntArray
    open: IntArray
    end: IntArray

    @cached_property
    def latest_end(self) -> IntArray:
        """int64[m], the largest label_end of each row and those before it."""
        return np.maximum.accumulate(self.end)

    @property
    def size(self) -> int:
        """Number of labelled rows."""
        return self.index.size

    def clash_before(self, block: Block) -> BoolArray:
        """Return bool[start of block]: which of the rows before a block clash with one of its rows.

        Rows are in time order, so such a row clashes exactly when it ends after the block's first opens.
        """
        return np.asarray(self.end[: block[0]] > self.open[block[0]])

    def free_before(self, block: Block, start: int = 0) -> list[IntArray]:
        """Return the rows from position `start` to a block that clash with none of its rows, in two parts.

        Up to the first position whose latest end lies within the block nothing needs to be looked at.
        """
        opens = self.open[block[0]]
        reach = max(int(np.searchsorted(self.latest_end, opens, side="right")), start)
        near = slice(reach, block[0])
        return [self.index[start : min(reach, block[0])], self.index[near][self.end[near] <= opens]]

    def last_end(self, block: Block) -> int:
        """Return the largest label_end of a block's rows."""
        return int(self.end[block[0] : block[1]].max())


def labelled_rows(open_time: Moments, label_end: Moments) -> LabelledRows:
    """Return the labelled rows of n rows; a row whose label_end is NaT is in neither side of any split.

    Args:
        open_time: [n] times, ascending (equal times may follow each other).
        label_end: [n] times, NaT where there is no label (`NO_TIME` in whole numbers).

    Raises:
        SchemaError: when the two differ in length, hold no times, or one is numbers and the other is not.
        CorruptDataError: when open_time does not ascend, or a label ends at or before its row opens.
        TooFewRowsError: when no row has a label.
    """
    opens, ends, numbers = _comparable(open_time, label_end)
    if opens.shape != ends.shape:
        raise SchemaError(f"open_time has {opens.size} rows and label_end {ends.size}; expected as many.")
    if (opens[1:] < opens[:-1]).any():
        row = int(np.argmax(opens[1:] < opens[:-1])) + 1
        raise CorruptDataError(
            f"open_time does not ascend at row {row}, {_shown(opens[row], numbers)}. Sort the rows."
        )
    known = ends != NO_TIME
    if not known.any():
        raise TooFewRowsError(f"none of {opens.size} rows has a label_end, so there is nothing to split.")
    if known.all():
        rows = LabelledRows(opens, np.arange(opens.size), opens, ends)
    else:
        index = np.flatnonzero(known)
        rows = LabelledRows(opens, index, opens[index], ends[index])
    if (rows.end <= rows.open).any():
        row = int(rows.index[np.argmax(rows.end <= rows.open)])
        raise CorruptDataError(
            f"row {row} opens {_shown(opens[row], numbers)} and its label ends {_shown(ends[row], numbers)}; "
            "a label ends after its bar opens."
        )
    return rows


def _comparable(open_time: Moments, label_end: Moments) -> tuple[IntArray, IntArray, bool]:
    """Return both as int64[n], and whether they came as whole numbers."""
    if _are_numbers(open_time) and _are_numbers(label_end):
        opens, ends = np.asarray(open_time, dtype=np.int64), np.asarray(label_end, dtype=np.int64)
        if opens.size and opens.min() == NO_TIME:
            raise CorruptDataError(f"open_time is missing in {np.count_nonzero(opens == NO_TIME)} rows.")
        return opens, ends, True
    opens = nanoseconds(cast("Times", open_time))  # which refuses whole numbers beside times
    return opens, nanoseconds(cast("Times", label_end), "label_end", missing_allowed=True), False


def _are_numbers(times: Moments) -> bool:
    if not isinstance(times, (np.ndarray, pd.Series, pd.Index)) or times.ndim != 1:
        return False
    return isinstance(times.dtype, np.dtype) and times.dtype.kind == "i"


def _shown(value: np.int64, number: bool) -> str:
    return str(value) if number else str(utc_index(np.array([value]))[0])


def training_parts(rows: LabelledRows, blocks: list[Block], embargo_bars: int) -> list[IntArray]:
    """Return the rows that may train when the given blocks (ascending, not touching) are tested, in pieces.

    Rows are sorted by open_time and a label ends after its row opens, so everything between a block and its
    largest label_end clashes with it, and nothing later does. A row before an earlier block that reaches
    into a later one has already clashed with the earlier.
    """
    parts, start = [], 0
    for block in blocks:
        parts += rows.free_before(block, start)
        embargo_from = int(np.searchsorted(rows.all_open, rows.last_end(block), side="left"))
        # Embargoed bars are counted over all rows given: a bar without a label is a bar.
        allowed_from = int(np.searchsorted(rows.index, embargo_from + embargo_bars, side="left"))
        start = max(start, block[1], allowed_from)
    return [*parts, rows.index[start:]]


def equal_blocks(size: int, count: int) -> list[Block]:
    """Return `count` contiguous blocks of `size` rows whose lengths differ by at most one, longer ones first.

    Raises:
        TooFewRowsError: when there are fewer rows than blocks.

    >>> equal_blocks(10, 3)
    [(0, 4), (4, 7), (7, 10)]
    """
    if size < count:
        raise TooFewRowsError(
            f"{size} labelled rows cannot make {count} folds; use more rows or fewer folds."
        )
    lengths = [size // count + (number < size % count) for number in range(count)]
    ends = np.cumsum(lengths).tolist()
    return [(end - length, end) for end, length in zip(ends, lengths, strict=True)]


def shares_blocks(size: int, fractions: tuple[float, ...]) -> list[Block]:
    """Return contiguous blocks of `size` rows in the given shares; each cut is rounded to the nearest row."""
    cuts = [0, *(round(size * share) for share in np.cumsum(fractions)[:-1]), size]
    return list(pairwise(cuts))


def purged_slices(rows: LabelledRows, blocks: list[Block], names: tuple[str, ...]) -> dict[str, IntArray]:
    """Return the row indices of consecutive blocks, each without the rows that clash with a later block.

    There is no embargo: the later slice is never trained on by the earlier.

    Raises:
        TooFewRowsError: when a slice is left empty; the message names it.
    """
    slices = {}
    for position, (name, block) in enumerate(zip(names, blocks, strict=True)):
        kept = np.arange(*block)
        later = next((other for other in blocks[position + 1 :] if other[0] < other[1]), None)
        if later is not None:
            kept = kept[~rows.clash_before(later)[block[0] : block[1]]]
        slices[name] = rows.index[kept]
    empty = [name for name, kept in slices.items() if kept.size == 0]
    if empty:
        raise TooFewRowsError(
            f"{rows.size} labelled rows leave nothing for {', '.join(empty)} after purging; use more history "
            "or a shorter horizon."
        )
    return slices


def default_embargo_bars(horizon_bars: int, timeframe: str, n_dev: int) -> int:
    """Return max(horizon, one day of bars, 1 % of dev rounded up), METHOD §2.

    Args:
        horizon_bars: bars from a decision to its label's end.
        timeframe: length of a bar.
        n_dev: rows of dev.

    Raises:
        UnknownTimeframeError: for an unknown timeframe.
        ConfigurationError: when horizon_bars is no whole number of at least 1, or n_dev none of at least 0.

    >>> default_embargo_bars(4, "15m", 28_000)
    280
    """
    horizon, rows = whole_number("horizon_bars", horizon_bars, 1), whole_number("n_dev", n_dev, 0)
    return max(horizon, bars_per_day(timeframe), -(-rows // 100))
