"""History in four slices, kept for comparison with cross-fitting on dev (METHOD §5, `strict`)."""

from __future__ import annotations

import math
from typing import Final

from truebar.arrays import IntArray
from truebar.errors import ConfigurationError
from truebar.validation.splits import Moments, labelled_rows, purged_slices, shares_blocks

SLICES: Final = ("fit", "calibrate", "decide", "vault")


def timeline(
    open_time: Moments,
    label_end: Moments,
    *,
    fractions: tuple[float, float, float, float] = (0.6, 0.1, 0.1, 0.2),
) -> dict[str, IntArray]:
    """Return the row indices of "fit", "calibrate", "decide" and "vault", consecutive in time.

    Of two slices only the earlier loses the rows that clash; there is no embargo (METHOD §2). Rows without
    label_end are in none.

    Args:
        open_time: [n] times, ascending.
        label_end: [n] times.
        fractions: shares of the labelled rows, positive, summing to one.

    Raises:
        ConfigurationError: when `fractions` are not four positive numbers that sum to one.
        SchemaError, CorruptDataError: as `labelled_rows`.
        TooFewRowsError: when a slice is left empty.
    """
    shares = tuple(fractions)
    if len(shares) != len(SLICES) or min(shares) <= 0 or not math.isclose(sum(shares), 1, abs_tol=1e-9):
        raise ConfigurationError(f"fractions are {shares}; expected four positive shares that sum to 1.")
    rows = labelled_rows(open_time, label_end)
    return purged_slices(rows, shares_blocks(rows.size, shares), SLICES)
