"""What a feature family is: declared columns, and a kernel that folds bars into its memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from truebar.arrays import FloatArray
from truebar.feature_columns import Column, ColumnFamily


@dataclass(frozen=True)
class Family:
    """Declared columns with the kernel that computes them.

    Attributes:
        declaration: name, columns, inputs, warm-up.
        blank: returns the memory of a kernel that has seen no bar, one flat float64 array.
        fold: (memory, fields, out): brings the memory through the n bars of `fields` (float64[FIELDS, n],
            see `truebar.features.fields`) and writes each bar's columns into `out`, float64[columns, n].
    """

    declaration: ColumnFamily
    blank: Callable[[], FloatArray]
    fold: Callable[[FloatArray, FloatArray, FloatArray], None]

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
