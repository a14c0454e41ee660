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
        fold: (memory, work, fields, piece, out): brings the memory through a piece of the n bars of `fields`
            (float64[FIELDS, n], see `truebar.features.fields`) and writes the columns of its bars into `out`,
            float64[columns, n]; see `truebar.features.memory`. For compiled callers.
    """

    declaration: ColumnFamily
    kernel: int
    blank: Callable[[], FloatArray]
    fold: Callable[[FloatArray, FloatArray, FloatArray, IntArray, FloatArray], None]

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
