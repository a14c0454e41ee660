"""Find what a computation knew too early: change the future of the bars and compare the past, exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from truebar.arrays import BoolArray, FloatArray, IntArray, floats
from truebar.bars import PRICES, grid_of
from truebar.errors import SchemaError, TooFewRowsError
from truebar.times import NO_TIME, nanoseconds

Tampering: TypeAlias = Literal["cut", "shock", "blank"]
TAMPERINGS: Final[tuple[Tampering, ...]] = get_args(Tampering)

Computation: TypeAlias = Callable[[pd.DataFrame], "pd.DataFrame | FloatArray"]
"""Maps n bars to n rows: a frame, or one array."""


@dataclass(frozen=True)
class Leak:
    """One column that changed although all that changed lies in its future.

    Attributes:
        column: its name; "0" for a computation that returns an array.
        tampering: what was done to the bars after `known_row`.
        known_row: last bar that was left as it was.
        changed_row: first row of the column that differs, at most `known_row`.
    """

    column: str
    tampering: Tampering
    known_row: int
    changed_row: int


def tamper(
    bars: pd.DataFrame, known_row: int, tampering: Tampering, generator: np.random.Generator
) -> pd.DataFrame:
    """Return a copy of the bars whose rows after `known_row` are changed; they stay possible bars.

    cut: they are gone. shock: each bar's prices are multiplied by one random number and every other number
    by another. blank: nothing happens any more: the last known close, no volume, and what else is numeric
    is missing.
    """
    if tampering == "cut":
        return bars.iloc[: known_row + 1].copy()
    changed = bars.copy()
    future = slice(known_row + 1, None)
    prices = [name for name in PRICES if name in bars.columns]
    factor = np.exp(generator.normal(0, 0.3, len(bars) - known_row - 1))
    for name in bars.columns:
        if not pd.api.types.is_numeric_dtype(bars[name].dtype):
            continue
        values = floats(bars[name])
        if tampering == "shock":
            values[future] *= factor if name in prices else np.exp(generator.normal(0, 2, factor.size))
        elif name in prices:
            values[future] = floats(bars["close"])[known_row]
        else:
            values[future] = 0.0 if name == "volume" else np.nan
        changed[name] = values
    return changed


def find_leaks(
    compute: Computation,
    bars: pd.DataFrame,
    *,
    generator: np.random.Generator,
    known_rows: int = 12,
    known_at: str | None = None,
) -> list[Leak]:
    """Return every column that depends on bars it could not have known, an empty list where none does.

    At random bars the future is cut, shocked and blanked; what the computation says of the rows known by
    then must stay bit for bit the same (NaN equals NaN).

    Args:
        compute: the computation; called once on the bars and once for each tampering.
        bars: closed klines, ascending, enough for values after warm-up.
        generator: chooses the bars and the shocks.
        known_rows: at how many bars the future is changed.
        known_at: name of the computed column that holds the time from which a row may be used (a label's
            label_end); by default row t is known at the close of bar t.

    Raises:
        TooFewRowsError: with fewer than 3 bars.
        SchemaError: when the computation does not return one row for each bar.
    """
    if len(bars) < 3:
        raise TooFewRowsError(f"{len(bars)} bars have no past and future to tell apart; give at least 3.")
    grid = grid_of(bars)
    whole = _table(compute(bars), len(bars))
    leaks = []
    for known_row in generator.integers(1, len(bars) - 1, known_rows).tolist():
        close_time = int(grid.open_time[known_row]) + grid.step
        for tampering in TAMPERINGS:
            tampered = tamper(bars, known_row, tampering, generator)
            part = _table(compute(tampered), len(tampered)).iloc[: known_row + 1]
            past = whole.iloc[: known_row + 1]
            known = _known(past, known_at, close_time) | _known(part, known_at, close_time)
            leaks += [
                Leak(name, tampering, known_row, row)
                for name in whole.columns
                for row in _first_change(past[name], part[name], known)
            ]
    return leaks


def _table(computed: pd.DataFrame | FloatArray, rows: int) -> pd.DataFrame:
    table = pd.DataFrame(computed)
    if len(table) != rows:
        raise SchemaError(f"the computation returned {len(table)} rows for {rows} bars; expected one each.")
    return table.rename(columns=str)


def _known(table: pd.DataFrame, known_at: str | None, close_time: int) -> BoolArray:
    """Return bool[n]: which rows may be used at `close_time`."""
    if known_at is None:
        return np.ones(len(table), dtype=np.bool_)
    times = nanoseconds(table[known_at], known_at, missing_allowed=True)
    return np.asarray((times != NO_TIME) & (times <= close_time))


def _first_change(past: pd.Series, part: pd.Series, known: BoolArray) -> list[int]:
    """Return the first known row that differs, in a list; empty where none does."""
    before, after = _exact(past), _exact(part)
    changed = known & (before != after) & ~(np.isnan(before) & np.isnan(after))
    return [int(np.argmax(changed))] if changed.any() else []


def _exact(values: pd.Series) -> FloatArray | IntArray:
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return nanoseconds(values, str(values.name), missing_allowed=True)
    return floats(values)
