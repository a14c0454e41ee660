"""Training rows beside a block of test rows that is given, not cut."""

from __future__ import annotations

import numpy as np

from truebar.arrays import IntArray, Times
from truebar.errors import SchemaError, TooFewRowsError
from truebar.validation.splits import labelled_rows, training_parts


def training_beside(open_time: Times, label_end: Times, test: IntArray, *, embargo_bars: int) -> IntArray:
    """Return the rows that may train beside a block of consecutive test rows: purged and embargoed.

    Args:
        open_time: [n] times, ascending.
        label_end: [n] times; rows without are on neither side.
        test: int64[m], consecutive labelled rows.
        embargo_bars: rows dropped after the block, as in `PurgedKFold`.

    Raises:
        SchemaError: when the test rows are not one run of labelled rows.
        TooFewRowsError: when no training row is left.
    """
    rows = labelled_rows(open_time, label_end)
    places = np.searchsorted(rows.index, test)
    inside = places.size > 0 and bool((places < rows.size).all())
    if not inside or not np.array_equal(rows.index[places], test) or (np.diff(places) != 1).any():
        raise SchemaError(f"{len(test)} test rows are not one run of labelled rows; give a block.")
    block = (int(places[0]), int(places[-1]) + 1)
    training = np.concatenate(training_parts(rows, [block], embargo_bars))
    if training.size == 0:
        raise TooFewRowsError(
            f"no training row is left beside {len(test)} test rows of {rows.size}; use more rows, a shorter "
            "horizon or a smaller embargo."
        )
    return training
