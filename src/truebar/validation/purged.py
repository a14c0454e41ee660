"""Cross-validation on contiguous blocks, purged and embargoed from the labels' own ends (METHOD §2)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb
from typing import TypeAlias

import numpy as np

from truebar.arrays import IntArray
from truebar.counts import whole_number
from truebar.errors import ConfigurationError, TooFewRowsError
from truebar.validation.splits import (
    Block,
    LabelledRows,
    Moments,
    equal_blocks,
    labelled_rows,
    training_parts,
)

Split: TypeAlias = tuple[IntArray, IntArray]
"""Row indices of the training and of the test side, each ascending."""


def _training(rows: LabelledRows, blocks: list[Block], embargo_bars: int) -> list[IntArray]:
    """Return the training rows beside test blocks in pieces, at least one of which holds a row."""
    parts = training_parts(rows, blocks, embargo_bars)
    if not any(part.size for part in parts):
        tested = sum(end - start for start, end in blocks)
        raise TooFewRowsError(
            f"no training row is left beside {tested} test rows of {rows.size} after purging and an "
            f"embargo of {embargo_bars} bars; use more rows, a shorter horizon or a smaller embargo."
        )
    return parts


def _split(rows: LabelledRows, blocks: list[Block], training: list[IntArray]) -> Split:
    """Return training and test rows as arrays of the caller's own."""
    test = [rows.index[start:end] for start, end in blocks]
    return np.concatenate(training), np.concatenate(test)


class PurgedKFold:
    """K contiguous test blocks; each trains on all other rows that do not clash with it.

    Args:
        n_splits: number of blocks, at least 2.
        embargo_bars: training rows dropped after each test block: the first `embargo_bars` rows whose
            open_time is at or after the block's largest label_end (their features look back into it).
            There is no default: the honest value depends on horizon and history
            (`default_embargo_bars`).

    Raises:
        ConfigurationError: for counts that are not whole numbers or too small.
    """

    def __init__(self, n_splits: int, *, embargo_bars: int) -> None:
        self.n_splits = whole_number("n_splits", n_splits, 2)
        self.embargo_bars = whole_number("embargo_bars", embargo_bars, 0)

    def split(self, open_time: Moments, label_end: Moments) -> Iterator[Split]:
        """Return (train, test) row indices of each fold, in time order of the test blocks.

        Blocks hold equal numbers of labelled rows, the first ones one more where they do not divide. Rows
        whose label_end is NaT are in neither side. All folds are checked before the first is given.

        Args:
            open_time: [n] times, ascending.
            label_end: [n] times; the information of a row covers [open_time, label_end).

        Raises:
            SchemaError, CorruptDataError: as `labelled_rows`.
            TooFewRowsError: when a side of a fold would be empty.
        """
        rows = labelled_rows(open_time, label_end)
        blocks = equal_blocks(rows.size, self.n_splits)
        # Pieces are views of one array: checking all folds ahead costs no memory.
        training = [_training(rows, [block], self.embargo_bars) for block in blocks]
        return (_split(rows, [block], parts) for block, parts in zip(blocks, training, strict=True))


class CombinatorialPurgedKFold:
    """Every choice of test blocks among K contiguous ones (López de Prado 2018, chapter 12).

    Args:
        n_splits: number of blocks, at least 2.
        n_test_splits: blocks tested at once, at least 1 and fewer than n_splits.
        embargo_bars: as in `PurgedKFold`, after each run of neighbouring test blocks.

    Raises:
        ConfigurationError: for counts that are not whole numbers or out of bounds.
    """

    def __init__(self, n_splits: int, n_test_splits: int, *, embargo_bars: int) -> None:
        self.n_splits = whole_number("n_splits", n_splits, 2)
        self.n_test_splits = whole_number("n_test_splits", n_test_splits, 1)
        self.embargo_bars = whole_number("embargo_bars", embargo_bars, 0)
        if self.n_test_splits >= self.n_splits:
            raise ConfigurationError(
                f"n_test_splits is {n_test_splits} of n_splits {n_splits}; at least one block must train."
            )

    @property
    def n_combinations(self) -> int:
        """How many splits there are."""
        return comb(self.n_splits, self.n_test_splits)

    def split(self, open_time: Moments, label_end: Moments) -> Iterator[Split]:
        """Return (train, test) row indices of each combination, in lexical order of the test blocks.

        As `PurgedKFold.split`, but a split is made when it is asked for: all of them may not fit in memory.
        """
        rows = labelled_rows(open_time, label_end)
        blocks = equal_blocks(rows.size, self.n_splits)
        chosen = (_joined(list(test)) for test in combinations(blocks, self.n_test_splits))
        return (_split(rows, test, _training(rows, test, self.embargo_bars)) for test in chosen)


def _joined(blocks: list[Block]) -> list[Block]:
    """Return ascending blocks with neighbours joined into one.

    >>> _joined([(0, 2), (2, 4), (6, 8)])
    [(0, 4), (6, 8)]
    """
    joined: list[Block] = []
    for start, end in blocks:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
