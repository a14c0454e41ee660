"""The kernels of several families side by side, their memories in one flat array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.features import kernels
from truebar.features.family import Family
from truebar.features.fields import refuse_broken
from truebar.features.slots import SHARED_SIZE
from truebar.features.slots import blank as shared_blank


class Folding:
    """Kernels that take in the same bars, one after the other.

    Args:
        families: in the order of their columns.

    Attributes:
        columns: names, in order.
        memory: float64[size], all that the kernels know: what they share, then the part of each.
    """

    def __init__(self, families: Sequence[Family]) -> None:
        self.columns = tuple(name for family in families for name in family.columns)
        blanks = [family.blank() for family in families]
        self.memory = np.concatenate([shared_blank(), *blanks])
        self._table = np.empty((len(families), kernels.TABLE_COLUMNS), dtype=np.int64)
        begin, top = SHARED_SIZE, 0
        for place, (family, blank) in enumerate(zip(families, blanks, strict=True)):
            end, bottom = begin + blank.size, top + len(family.columns)
            self._table[place] = family.kernel, begin, end, top, bottom, family.row
            begin, top = end, bottom
        self._row = np.empty((len(self.columns), 1))
        self._values = self._row[:, 0]

    def fold_bar(self, bar: FloatArray, open_time: int) -> FloatArray:
        """Take one bar in, float64[FIELDS, 1], and return its columns, float64[columns].

        Raises:
            CorruptDataError: as `refuse_broken`; the memory is as it was before.
        """
        if kernels.fold(self._table, self.memory, bar, self._row):
            refuse_broken(bar, [open_time])
        return self._values.copy()

    def fold_bars(self, fields: FloatArray, open_time: IntArray) -> FloatArray:
        """Take n bars in, float64[FIELDS, n], and return their columns, float64[columns, n].

        Raises:
            CorruptDataError: as `refuse_broken`; the memory is as it was before.
        """
        matrix = np.empty((len(self.columns), fields.shape[1]))
        if kernels.fold(self._table, self.memory, fields, matrix):
            refuse_broken(fields, open_time)
        return matrix
