"""History as dev | vault: all work happens on the first, the verdict comes from the second."""

from __future__ import annotations

from truebar.arrays import IntArray
from truebar.errors import ConfigurationError
from truebar.validation.splits import Moments, labelled_rows, purged_slices, shares_blocks


def dev_vault(open_time: Moments, label_end: Moments, *, vault: float = 0.2) -> dict[str, IntArray]:
    """Return the row indices of "dev" and "vault": the last `vault` of the labelled rows, and those before.

    Rows of dev that clash with a vault row are dropped; the vault loses none, and there is no embargo
    (METHOD §2). Rows without label_end are in neither.

    Args:
        open_time: [n] times, ascending.
        label_end: [n] times.
        vault: share of the labelled rows, between 0 and 1.

    Raises:
        ConfigurationError: when `vault` is not between 0 and 1.
        SchemaError, CorruptDataError: as `labelled_rows`.
        TooFewRowsError: when a side is left empty.

    >>> import pandas as pd
    >>> times = pd.date_range("2025-01-01", periods=6, freq="1h")
    >>> {name: rows.tolist() for name, rows in dev_vault(times[:5], times[1:].shift(1), vault=0.4).items()}
    {'dev': [0, 1], 'vault': [3, 4]}
    """
    if not 0 < vault < 1:
        raise ConfigurationError(f"vault is {vault}; expected a share between 0 and 1, both excluded.")
    rows = labelled_rows(open_time, label_end)
    return purged_slices(rows, shares_blocks(rows.size, (1 - vault, vault)), ("dev", "vault"))
