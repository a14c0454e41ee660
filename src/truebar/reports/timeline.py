"""How history was used, as spans in time: folds of dev, purged gaps, vault, and what may trade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from truebar.arrays import IntArray
from truebar.models.bundle import Slice
from truebar.validation.apart import Fold

Use = Literal["fitted", "left out", "vault"]


@dataclass(frozen=True)
class Span:
    """Rows next to each other in time that one step used in one way.

    Attributes:
        step: who used them, such as `Fold 1`.
        use: fitted on, left out and predicted, or judged as the vault.
        start: open_time of the first row, UTC.
        end: end of the last label, UTC.
        rows: labelled rows.
    """

    step: str
    use: Use
    start: pd.Timestamp
    end: pd.Timestamp
    rows: int


def fold_spans(open_time: pd.DatetimeIndex, label_end: pd.Series, folds: Sequence[Fold]) -> tuple[Span, ...]:
    """Return the spans of dev's folds as they were used: fitted before, left out, fitted after.

    Args:
        open_time: [n] times of the rows that the folds are places of, ascending.
        label_end: [n] times at which their labels end.
        folds: rows that each fold's model was fitted on, and those it left out; first in time first.

    What lies between two spans of a fold was purged or embargoed, or has no label.
    """
    ends = pd.DatetimeIndex(label_end)
    found = []
    for number, (fitted, left_out) in enumerate(folds, start=1):
        before, after = fitted[fitted < left_out[0]], fitted[fitted > left_out[-1]]
        parts: tuple[tuple[Use, IntArray], ...] = (
            ("fitted", before),
            ("left out", left_out),
            ("fitted", after),
        )
        found += [_span(f"Fold {number}", use, rows, open_time, ends) for use, rows in parts if rows.size]
    return tuple(found)


def _span(
    step: str, use: Use, rows: IntArray, open_time: pd.DatetimeIndex, label_end: pd.DatetimeIndex
) -> Span:
    return Span(step, use, open_time[rows[0]], label_end[rows].max(), int(np.size(rows)))


def slice_span(step: str, use: Use, rows: Slice) -> Span:
    """Return the span of a slice that a manifest names."""
    return Span(step, use, pd.Timestamp(rows.start), pd.Timestamp(rows.end), rows.rows)
