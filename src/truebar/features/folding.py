"""The kernels of several families side by side, their memories in one flat array."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import bound
from truebar.features import kernels
from truebar.features.family import Family
from truebar.features.fields import FIELDS, SLOT, refuse_broken
from truebar.features.memory import MEMBERS
from truebar.features.slots import blank


class Folding:
    """Kernels that take in the same bars, one after the other.

    Args:
        families: in any order.

    Attributes:
        columns: names, family after family in the order of their numbers.
        memory: float64[size], all that the kernels know: what they share, then the part of each.
        bar: float64[FIELDS, 1], where a bar is put to be folded by `fold_bar`.
    """

    def __init__(self, families: Iterable[Family]) -> None:
        families = sorted(families, key=lambda family: family.kernel)
        self.columns = tuple(name for family in families for name in family.columns)
        self.memory = np.concatenate([blank(), *(family.blank() for family in families)])
        self.memory[MEMBERS] = sum(1 << family.kernel for family in families)
        self._work = work = np.empty((kernels.ROWS, 1))
        self.bar = work[:FIELDS]
        self._bar = memoryview(self.bar[:, 0])  # type: ignore[arg-type]
        self._fold_next = self._fold_first
        rows = [family.row + k for family in families for k in range(len(family.columns))]
        # Rows that follow each other are copied in half the time of rows that are picked.
        in_a_row = rows == list(range(rows[0], rows[0] + len(rows)))
        self._values = work[rows[0] : rows[-1] + 1, 0].copy if in_a_row else partial(work[:, 0].take, rows)

    def fold_bar(self, slot: int, open_time: int) -> FloatArray:
        """Take the bar in that lies in `bar`, but for its slot, and return its columns, float64[columns].

        Raises:
            CorruptDataError: as `refuse_broken`; the memory is as it was before.
        """
        self._bar[SLOT] = slot
        broken = self._fold_next()
        if broken:
            if broken == kernels.NOT_NEXT:
                return self.fold_bars(self.bar, np.array([open_time]))[:, 0]
            refuse_broken(self.bar, [open_time])
        return self._values()

    def _fold_first(self) -> int:
        """Compile, which a stream that is only made need not wait for, and fold as from then on."""
        self._fold_next = bound(kernels.fold, self.memory, self._work, self._work)
        return self._fold_next()

    def fold_bars(self, fields: FloatArray, open_time: IntArray) -> FloatArray:
        """Take n bars in, float64[FIELDS, n], and return their columns, float64[columns, n].

        Raises:
            CorruptDataError: as `refuse_broken`; the memory is as it was before.
        """
        matrix = np.empty((len(self.columns), fields.shape[1]))
        if kernels.fold(self.memory, fields, matrix):
            refuse_broken(fields, open_time)
        return matrix
