"""What a feature family is: declared columns and one function that computes them from bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from truebar.arrays import FloatArray
from truebar.bars import Grid, grid_of
from truebar.errors import SchemaError
from truebar.times import utc_index


@dataclass(frozen=True)
class Column:
    """One feature column.

    Attributes:
        name: unique over all families.
        inputs: columns of the klines that it reads, besides open_time.
        warmup_bars: grid bars from the first bar to the first row that can have a value: the row reads
            `warmup_bars` bars before its own.
        description: what the value is, with its unit.
    """

    name: str
    inputs: tuple[str, ...]
    warmup_bars: int
    description: str


@dataclass(frozen=True)
class Family:
    """Columns that are computed together and published as the table `features.<name>`.

    Attributes:
        name: name of the family and its table.
        declared: the columns in their order.
        kernel: maps (grid, bars) to one float64[n] for each declared column.
    """

    name: str
    declared: tuple[Column, ...]
    kernel: Callable[[Grid, pd.DataFrame], dict[str, FloatArray]]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.declared)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns of the klines that the family reads, each once."""
        return tuple(dict.fromkeys(name for column in self.declared for name in column.inputs))

    @property
    def warmup_bars(self) -> int:
        """Bars before the first row on which every column can have a value."""
        return max(column.warmup_bars for column in self.declared)

    def compute(self, bars: pd.DataFrame, *, timeframe: str | None = None) -> pd.DataFrame:
        """Return open_time and the columns of every bar, float64, known at the bar's close_time.

        Args:
            bars: n closed klines, ascending.
            timeframe: length of a bar; the smallest step between bars by default.

        Each row depends on the bars of its own window alone, so the last rows may be recomputed from the
        last `warmup_bars` + 1 bars and come out bit for bit the same. NaN during warm-up, and where bars
        that the value stands on are missing.

        Raises:
            SchemaError: when an input column is missing or not numeric.
            CorruptDataError: for times that do not ascend or leave the grid, and for impossible prices.
        """
        grid = grid_of(bars, timeframe)
        computed = self.kernel(grid, bars)
        if tuple(computed) != self.columns:
            raise SchemaError(
                f"family {self.name} declares {', '.join(self.columns)} and computed {', '.join(computed)}."
            )
        return pd.DataFrame({"open_time": utc_index(grid.open_time), **computed})
