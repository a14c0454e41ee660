"""The kernels of several families side by side, their memories in one flat array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from truebar.arrays import FloatArray
from truebar.features.family import Family


class Folding:
    """Kernels that take in the same bars, one after the other.

    Args:
        families: in the order of their columns.

    Attributes:
        columns: names, in order.
        memory: float64[size], all that the kernels know; the parts of the families one after the other.
    """

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = tuple(families)
        self.columns = tuple(name for family in families for name in family.columns)
        self.memory = np.concatenate([family.blank() for family in families])
        self._row = np.empty((len(self.columns), 1))
        parts = np.split(self.memory, np.cumsum([family.blank().size for family in families])[:-1])
        self._rows = np.cumsum([0, *(len(family.columns) for family in families)]).tolist()
        outs = [self._row[begin:end] for begin, end in zip(self._rows[:-1], self._rows[1:], strict=True)]
        # The views are made once: making them costs as much as folding a bar.
        self._folds = [
            (family.fold, part, out) for family, part, out in zip(families, parts, outs, strict=True)
        ]

    def fold_bar(self, bar: FloatArray) -> FloatArray:
        """Take one bar in, float64[FIELDS, 1], and return its columns, float64[columns]."""
        for fold, part, out in self._folds:
            fold(part, bar, out)
        return self._row[:, 0].copy()

    def fold_bars(self, fields: FloatArray) -> FloatArray:
        """Take n bars in, float64[FIELDS, n], and return their columns, float64[columns, n]."""
        matrix = np.empty((len(self.columns), fields.shape[1]))
        for (fold, part, _), begin, end in zip(self._folds, self._rows[:-1], self._rows[1:], strict=True):
            fold(part, fields, matrix[begin:end])
        return matrix

    def forget(self) -> None:
        """Make the kernels as they were before the first bar."""
        self.memory[:] = np.concatenate([family.blank() for family in self._families])
