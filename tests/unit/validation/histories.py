"""Random rows with gaps, missing labels and labels of any length, and the definitions read literally."""

from __future__ import annotations

import numpy as np
import pandas as pd

HOUR = 3_600_000_000_000


def random_history(rng: np.random.Generator, rows: int) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """Return open_time and label_end of random rows: one of three kinds of label lengths, some without."""
    steps = np.where(rng.random(rows) < rng.choice([0.0, 0.2]), rng.integers(2, 30, rows), 1)
    opens = np.cumsum(steps)
    kind = rng.integers(3)
    if kind == 0:
        lengths = np.full(rows, rng.integers(1, 12))
    elif kind == 1:
        lengths = rng.integers(1, 40, rows)
    else:  # most are short, a few reach over everything
        lengths = np.where(rng.random(rows) < 0.03, rng.integers(50, 400, rows), rng.integers(1, 4, rows))
    ends = pd.DatetimeIndex(((opens + lengths) * HOUR).astype("datetime64[ns]"), tz="UTC")
    missing = rng.random(rows) < rng.choice([0.0, 0.15])
    return pd.DatetimeIndex((opens * HOUR).astype("datetime64[ns]"), tz="UTC"), ends.where(~missing)


def clash(open_time: pd.DatetimeIndex, label_end: pd.DatetimeIndex, one: int, other: int) -> bool:
    """METHOD §2, word for word."""
    return bool(open_time[one] < label_end[other] and open_time[other] < label_end[one])


def labelled(label_end: pd.DatetimeIndex) -> list[int]:
    """Rows that have a label."""
    return [row for row, end in enumerate(label_end) if not pd.isna(end)]


def allowed_training(
    open_time: pd.DatetimeIndex, label_end: pd.DatetimeIndex, blocks: list[list[int]], embargo_bars: int
) -> list[int]:
    """Rows that may train when the given blocks of rows are tested, one pair of rows at a time."""
    test = {row for block in blocks for row in block}
    embargoed = set()
    for block in blocks:
        last_end = max(label_end[row] for row in block)
        after = [row for row, time in enumerate(open_time) if time >= last_end]
        embargoed |= set(after[:embargo_bars])
    return [
        row
        for row in labelled(label_end)
        if row not in test
        and row not in embargoed
        and not any(clash(open_time, label_end, row, other) for other in test)
    ]
