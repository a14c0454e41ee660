"""What a feature family is: declared columns, and a kernel that folds bars into its memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from truebar.arrays import FloatArray, IntArray
from truebar.feature_columns import Column, ColumnFamily


@dataclass(frozen=True)
class Family:
    """Declared columns with the kernel that computes them.

    Attributes:
        declaration: name, columns, inputs, warm-up.
        kernel: its number in `truebar.features.kernels`, which calls `fold`.
        blank: returns the memory of a kernel that has seen no bar, one flat float64 array.
        fold: (memory, work, piece): brings the memory through a piece whose bars lie in the first rows of the
            work and writes its columns into the rows from `row` on; see `truebar.features.memory`. For
            compiled callers.
        row: of the work, where its columns begin; see `truebar.features.slots`.
    """

    declaration: ColumnFamily
    kernel: int
    blank: Callable[[], FloatArray]
    fold: Callable[[FloatArray, FloatArray, IntArray], None]
    row: int

    @property
    def name(self) -> str:
        """Name of the family and its table."""
        return self.declaration.name

    @property
    def declared(self) -> tuple[Column, ...]:
        """The columns in their order."""
        return self.declaration.declared

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return self.declaration.columns
