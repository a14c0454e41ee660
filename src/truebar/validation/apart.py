"""Whether rows that were fitted on and rows that were judged are apart, read from METHOD §2 alone.

Nothing here uses the code that makes splits: a fault there must show here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from truebar.arrays import BoolArray, IntArray, Times
from truebar.errors import CorruptDataError
from truebar.times import NO_TIME, nanoseconds

Fold: TypeAlias = tuple[IntArray, IntArray]
"""Rows that something was fitted on, and rows that it is judged on."""


def slices_are_apart(open_time: Times, label_end: Times, slices: Sequence[IntArray]) -> bool:
    """Return whether slices keep METHOD §2: each after the one before, no row shared, none clashing.

    Args:
        open_time: [n] times of all rows.
        label_end: [n] times.
        slices: row indices, the earlier slice first (dev, vault).

    A slice without rows, or with a row that has no label, is not apart: nothing can be said of it.

    Raises:
        CorruptDataError: when an index is none of the rows.
    """
    opens, ends = _intervals(open_time, label_end, slices)
    if any(part.size == 0 or (ends[part] == NO_TIME).any() for part in slices):
        return False
    return all(
        opens[earlier].max() < opens[later].min() and not _clash(opens, ends, earlier, later).any()
        for earlier, later in pairwise(slices)
    )


def folds_are_apart(
    open_time: Times, label_end: Times, folds: Sequence[Fold], *, embargo_bars: int
) -> bool | None:
    """Return whether every fold keeps METHOD §2: no row shared, none clashing, the embargo kept.

    Anything that is fitted on some rows and judged on others is a fold here: a model, an early stop, a
    calibrator, thresholds.

    Args:
        open_time: [n] times of the rows that the folds were made of, ascending.
        label_end: [n] times.
        folds: (fitted on, judged on) row indices among these rows.
        embargo_bars: rows that may not be fitted on after each judged block: the first so many whose
            open_time is at or after the block's largest label_end.

    None without folds. A fold with an empty side, or a row without a label, is not apart.

    Raises:
        CorruptDataError: when an index is none of the rows.
    """
    if not folds:
        return None
    opens, ends = _intervals(open_time, label_end, [side for fold in folds for side in fold])
    labelled = np.flatnonzero(ends != NO_TIME)
    for fitted_on, judged_on in folds:
        if min(fitted_on.size, judged_on.size) == 0:
            return False
        if (ends[fitted_on] == NO_TIME).any() or (ends[judged_on] == NO_TIME).any():
            return False
        if np.intersect1d(fitted_on, judged_on).size or _clash(opens, ends, fitted_on, judged_on).any():
            return False
        embargoed = [_embargoed(opens, ends, block, embargo_bars) for block in _blocks(labelled, judged_on)]
        if np.isin(fitted_on, np.concatenate(embargoed)).any():
            return False
    return True


def _intervals(open_time: Times, label_end: Times, sides: Iterable[IntArray]) -> tuple[IntArray, IntArray]:
    opens = nanoseconds(open_time)
    ends = nanoseconds(label_end, "label_end", missing_allowed=True)
    for side in sides:
        if side.size and not (side.min() >= 0 and side.max() < opens.size):
            raise CorruptDataError(
                f"a slice has rows {side.min()} to {side.max()}, but there are {opens.size} rows. Give the "
                "times of the rows that the slices were made of."
            )
    return opens, ends


def _clash(opens: IntArray, ends: IntArray, rows: IntArray, others: IntArray) -> BoolArray:
    """Return bool[rows]: whether open_i < end_j and open_j < end_i for one of the others."""
    order = others[np.argsort(opens[others], kind="stable")]
    latest_end = np.maximum.accumulate(ends[order])
    opened_before = np.searchsorted(opens[order], ends[rows], side="left")
    return np.asarray((opened_before > 0) & (latest_end[np.maximum(opened_before - 1, 0)] > opens[rows]))


def _blocks(labelled: IntArray, judged_on: IntArray) -> list[IntArray]:
    """Return the judged rows in runs that no other labelled row interrupts."""
    places = np.searchsorted(labelled, np.sort(judged_on))
    return [labelled[run] for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)]


def _embargoed(opens: IntArray, ends: IntArray, block: IntArray, embargo_bars: int) -> IntArray:
    first = int(np.searchsorted(opens, ends[block].max(), side="left"))
    return np.arange(first, min(first + embargo_bars, opens.size))
