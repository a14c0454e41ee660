"""Columns of a frame of closed bars as checked arrays, and the bars' places on the time grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from truebar.arrays import BoolArray, FloatArray, IntArray, readable_floats
from truebar.compiled import compiled
from truebar.errors import CorruptDataError, SchemaError, WrongTimeframeError
from truebar.times import ascending_nanoseconds, utc_index
from truebar.units import describe_length, timeframe_nanoseconds

PRICES: Final = ("open", "high", "low", "close")

ROUNDING: Final = 1e-9
"""Relative: prices that went through a logarithm and back may leave [low, high] by this much."""


MIN_STEPS: Final = 4
"""Fewer steps between bars than this do not show a timeframe: gaps could explain them."""


@dataclass(frozen=True)
class Grid:
    """Places of n bars on the grid of their timeframe.

    Attributes:
        open_time: int64[n], nanoseconds since 1970 UTC, ascending.
        step: length of one bar, nanoseconds.
        slot: int64[n], number of the grid bar since 1970; consecutive bars differ by 1, and a difference
            of 1 + g means g missing bars.
    """

    open_time: IntArray
    step: int
    slot: IntArray


def columns_of(bars: pd.DataFrame, names: Sequence[str]) -> list[FloatArray]:
    """Return the named columns as float64 arrays to read from, missing values as NaN.

    Raises:
        SchemaError: when a column is missing or not numeric.
    """
    missing = [name for name in names if name not in bars.columns]
    if missing:
        raise SchemaError(
            f"bars have no column {', '.join(missing)}; expected open_time, open, high, low, close, volume "
            f"and found {', '.join(map(str, bars.columns))}."
        )
    try:
        return [readable_floats(bars[name]) for name in names]
    except (TypeError, ValueError) as error:
        raise SchemaError(f"bars: columns {', '.join(names)} must be numbers ({error}).") from error


def prices_of(bars: pd.DataFrame, names: Sequence[str] = PRICES) -> list[FloatArray]:
    """Return the named price columns as float64 arrays after checking each price.

    Where all four are asked for, each bar must also hold open and close within [low, high].

    Raises:
        SchemaError: when a column is missing or not numeric.
        CorruptDataError: for a price that is missing, infinite, zero or negative, or outside its bar.
    """
    prices = columns_of(bars, names)
    if tuple(names) == PRICES:
        opened, high, low, close = prices
        if not are_possible(opened, high, low, close):
            _refuse_prices(bars, names, prices)
    elif not all(values.min() > 0 and values.max() < np.inf for values in prices if values.size):
        _refuse_prices(bars, names, prices)
    return prices


@compiled
def are_possible(opened: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray) -> bool:
    """Return whether no bar breaks a rule of `prices_of`; a NaN fails every comparison."""
    good = 0
    for row in range(close.size):
        lowest, highest = low[row] * (1 - ROUNDING), high[row] * (1 + ROUNDING)
        bounded = (low[row] > 0) & (high[row] < np.inf)
        around_open = (lowest <= opened[row]) & (opened[row] <= highest)
        good += bounded & around_open & (lowest <= close[row]) & (close[row] <= highest)
    return good == close.size


def _refuse_prices(bars: pd.DataFrame, names: Sequence[str], prices: list[FloatArray]) -> None:
    """Raise a CorruptDataError for the first rule of `prices_of` that a bar breaks."""
    for name, values in zip(names, prices, strict=True):
        _refuse(bars, ~(np.isfinite(values) & (values > 0)), f"{name} must be a positive number")
    if tuple(names) == PRICES:
        opened, high, low, close = prices
        outside = (np.maximum(opened, close) > high * (1 + ROUNDING)) | (
            np.minimum(opened, close) < low * (1 - ROUNDING)
        )
        _refuse(bars, outside, "open and close must lie within [low, high]")


def _refuse(bars: pd.DataFrame, bad: BoolArray, rule: str) -> None:
    """Raise a CorruptDataError that names the first bad bar and counts them all."""
    if bad.any():
        row = bars.iloc[int(np.argmax(bad))]
        raise CorruptDataError(
            f"{rule}: {np.count_nonzero(bad)} of {bad.size} bars break this, the first opens "
            f"{row.get('open_time')}. Validate the klines before computing from them."
        )


def grid_of(bars: pd.DataFrame, timeframe: str | None = None) -> Grid:
    """Return the bars' places on the grid of `timeframe`, by default of the smallest step between bars.

    Args:
        bars: n closed klines with `open_time`.
        timeframe: name of the timeframe; give it where known, since the smallest step of a few bars around
            gaps may be coarser. With fewer than two bars and no timeframe the step is 1 ns, and nothing
            that needs a step exists yet.

    Raises:
        SchemaError: when open_time is missing or no time.
        CorruptDataError: when the times do not strictly ascend, or leave the grid.
        WrongTimeframeError: when there are at least 4 steps and none is as short as `timeframe`: every
            bar would stand alone between gaps.
    """
    if "open_time" not in bars.columns:
        raise SchemaError(f"bars have no column open_time; found {', '.join(map(str, bars.columns))}.")
    open_time = ascending_nanoseconds(bars["open_time"])
    given = None if timeframe is None else timeframe_nanoseconds(timeframe)
    smallest = _smallest_step(open_time)
    step = given or smallest
    slot, off_grid = _slots(open_time, step)
    if off_grid:
        length = open_time[off_grid] - open_time[off_grid - 1]
        raise CorruptDataError(
            f"bar {utc_index(open_time[off_grid : off_grid + 1])[0]} opens {length / 1e9:g} s after the one "
            f"before it, no multiple of {step / 1e9:g} s. Give bars of one timeframe."
        )
    if open_time.size > MIN_STEPS and smallest != step:
        raise WrongTimeframeError(
            f"expected {timeframe} bars, found bars at least {describe_length(smallest)} apart "
            f"({open_time.size - 1:,} steps). Give the timeframe that the bars have."
        )
    return Grid(open_time, step, slot)


@compiled
def _smallest_step(open_time: IntArray) -> int:
    """Return the smallest difference of neighbours, 1 without any."""
    if open_time.size < 2:
        return 1
    smallest = open_time[1] - open_time[0]
    for row in range(2, open_time.size):
        smallest = min(smallest, open_time[row] - open_time[row - 1])
    return int(smallest)


@compiled
def _slots(open_time: IntArray, step: int) -> tuple[IntArray, int]:
    """Return int64[n], the number of each bar on the grid, and the first row off the grid, 0 for none.

    A division takes as long as ten other steps, so most rows, which follow the one before, do without.
    """
    slot = np.empty(open_time.size, dtype=np.int64)
    off_grid = 0
    for row in range(open_time.size):
        if row == 0:
            slot[row] = open_time[row] // step
            continue
        length = open_time[row] - open_time[row - 1]
        if length == step:
            slot[row] = slot[row - 1] + 1
        else:
            bars = length // step
            slot[row] = slot[row - 1] + bars
            if off_grid == 0 and bars * step != length:
                off_grid = row
    return slot, off_grid
