"""Find what a computation knew too early: change the future and compare the past, exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
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

Context: TypeAlias = Mapping[str, pd.DataFrame]
"""Other tables by name (funding, other symbols, revised bars, listings), each with an `available_at`."""

ContextComputation: TypeAlias = Callable[[pd.DataFrame, Context], "pd.DataFrame | FloatArray"]
"""Maps n bars and other tables to n rows."""

NO_CONTEXT: Final[Context] = MappingProxyType({})


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


def tamper_table(
    table: pd.DataFrame, known_until: int, tampering: Tampering, generator: np.random.Generator
) -> pd.DataFrame:
    """Return a copy of a table whose rows that are available after `known_until` are changed.

    cut: they are gone. shock: each of their numbers is multiplied by a random one of its own. blank: their
    numbers are missing. Times stay as they are.

    Args:
        table: with `available_at`, and any other columns.
        known_until: nanoseconds since 1970; what is available then stays.
        tampering: what is done.
        generator: source of the shocks.
    """
    later = nanoseconds(table["available_at"], "available_at") > known_until
    if tampering == "cut":
        return table[~later].copy()
    changed = table.copy()
    for name in table.columns:
        if pd.api.types.is_numeric_dtype(table[name].dtype):
            values = floats(table[name])
            shocks = np.exp(generator.normal(0, 0.3, np.count_nonzero(later)))
            values[later] *= shocks if tampering == "shock" else np.nan
            changed[name] = values
    return changed


def find_leaks(
    compute: Computation,
    bars: pd.DataFrame,
    *,
    generator: np.random.Generator,
    known_rows: int = 12,
    known_from: int = 1,
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
        known_from: first bar at which it may be: before the warm-up has passed there is nothing to change.
        known_at: name of the computed column that holds the time from which a row may be used (a label's
            label_end); by default row t is known at the close of bar t.

    Raises:
        TooFewRowsError: with fewer than 3 bars, or none to choose from after `known_from`.
        SchemaError: when the computation does not return one row for each bar.
    """
    return find_leaks_in_context(
        lambda given, _: compute(given),
        bars,
        NO_CONTEXT,
        generator=generator,
        known_rows=known_rows,
        known_from=known_from,
        known_at=known_at,
    )


def find_leaks_in_context(
    compute: ContextComputation,
    bars: pd.DataFrame,
    context: Context,
    *,
    generator: np.random.Generator,
    known_rows: int = 12,
    known_from: int = 1,
    known_at: str | None = None,
) -> list[Leak]:
    """Return every column that depends on bars or on rows of other tables that it could not have known.

    As `find_leaks`; in the other tables the rows whose `available_at` is later than the close of the known
    bar are cut, shocked and blanked along with the bars.

    Raises:
        TooFewRowsError: with fewer than 3 bars, or none to choose from after `known_from`.
        SchemaError: when the computation does not return one row for each bar, or a table of the context has
            no available_at.
    """
    if len(bars) < 3 or not 1 <= known_from < len(bars) - 1:
        raise TooFewRowsError(
            f"{len(bars)} bars have no past and future to tell apart from bar {known_from} on; give at least "
            "3, and more than the warm-up."
        )
    for name, table in context.items():
        if "available_at" not in table.columns:
            raise SchemaError(
                f"{name} has no available_at, so that nobody can say what of it was known when."
            )
    grid = grid_of(bars)
    whole = _table(compute(bars, context), len(bars))
    leaks = []
    for known_row in generator.integers(known_from, len(bars) - 1, known_rows).tolist():
        close_time = int(grid.open_time[known_row]) + grid.step
        for tampering in TAMPERINGS:
            tampered = tamper(bars, known_row, tampering, generator)
            others = {
                name: tamper_table(table, close_time, tampering, generator) for name, table in context.items()
            }
            part = _table(compute(tampered, others), len(tampered)).iloc[: known_row + 1]
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
