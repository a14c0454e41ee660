"""Walk-forward splits: every test block is later than all that trains for it (METHOD §2)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from truebar.arrays import IntArray
from truebar.counts import whole_number
from truebar.errors import TooFewRowsError
from truebar.validation.purged import Split
from truebar.validation.splits import Block, LabelledRows, Moments, equal_blocks, labelled_rows


class PurgedWalkForward:
    """Consecutive test blocks, each after the rows that train for it.

    There is no embargo to give: it drops training rows after a test block, and here there are none. Before
    a test block the purge alone is right (METHOD §2).

    Args:
        n_splits: number of test blocks, at least 1. History is cut into one block more; the first of them
            is only trained on.
        max_train_rows: None trains on all earlier rows (an expanding window); a number on the latest so
            many of them that do not clash (a rolling window).

    Raises:
        ConfigurationError: for counts that are not whole numbers of at least 1.
    """

    def __init__(self, n_splits: int, *, max_train_rows: int | None = None) -> None:
        self.n_splits = whole_number("n_splits", n_splits, 1)
        self.max_train_rows = max_train_rows
        if max_train_rows is not None:
            self.max_train_rows = whole_number("max_train_rows", max_train_rows, 1)

    def split(self, open_time: Moments, label_end: Moments) -> Iterator[Split]:
        """Return (train, test) row indices of each test block, in time order.

        Blocks hold equal numbers of labelled rows, the first ones one more where they do not divide. Rows
        whose label_end is NaT are in neither side. All splits are checked before the first is given.

        Args:
            open_time: [n] times, ascending.
            label_end: [n] times; the information of a row covers [open_time, label_end).

        Raises:
            SchemaError, CorruptDataError: as `labelled_rows`.
            TooFewRowsError: when there are fewer rows than blocks, or nothing is left to train on.

        >>> import pandas as pd
        >>> times = pd.date_range("2025-01-01", periods=6, freq="1h", tz="UTC")
        >>> splits = PurgedWalkForward(2).split(times, times.shift(2))
        >>> [(train.tolist(), test.tolist()) for train, test in splits]
        [([0], [2, 3]), ([0, 1, 2], [4, 5])]
        """
        rows = labelled_rows(open_time, label_end)
        blocks = equal_blocks(rows.size, self.n_splits + 1)[1:]
        training = [self._training(rows, block) for block in blocks]
        return (
            (np.concatenate(parts), rows.index[start:end].copy())
            for (start, end), parts in zip(blocks, training, strict=True)
        )

    def _training(self, rows: LabelledRows, block: Block) -> list[IntArray]:
        early, near = rows.free_before(block)
        if early.size + near.size == 0:
            raise TooFewRowsError(
                f"no row before test rows {block[0]} to {block[1] - 1} of {rows.size} labelled ones "
                "ends before it opens; use more rows, fewer splits or a shorter horizon."
            )
        if self.max_train_rows is None:
            return [early, near]
        from_near = min(near.size, self.max_train_rows)
        from_early = min(early.size, self.max_train_rows - from_near)
        return [early[early.size - from_early :], near[near.size - from_near :]]
