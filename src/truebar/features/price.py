"""Family `price`: where the price comes from and where it stands in its own recent past."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from truebar.arrays import BoolArray, FloatArray
from truebar.bars import Grid, prices_of
from truebar.features.family import Column, Family
from truebar.windows import extremes, moments, rows_in

RETURN_BARS: Final = (1, 4, 24)
WINDOW_BARS: Final = 96
MAX_MISSING_SHARE: Final = (1, 20)
"""At most one in twenty bars of a window may be missing, as for volatility (METHOD §1)."""


def compute(grid: Grid, bars: pd.DataFrame) -> dict[str, FloatArray]:
    """Return the five columns; a return whose earlier bar is missing is NaN, as is a flat window's."""
    high, low, close = prices_of(bars, ["high", "low", "close"])
    log_close = np.log(close)
    known = _has_window(grid)
    columns = {f"return_{back}": _return_over(grid, log_close, back) for back in RETURN_BARS}
    columns["range_position_96"] = np.where(known, _range_position(grid, high, low, close), np.nan)
    columns["mean_distance_96"] = np.where(known, _mean_distance(grid, log_close), np.nan)
    return columns


def _has_window(grid: Grid) -> BoolArray:
    """Return bool[n]: whether the window and the bar before it lie in the history and are nearly complete."""
    if grid.slot.size == 0:
        return np.zeros(0, dtype=np.bool_)
    numerator, denominator = MAX_MISSING_SHARE
    missing = WINDOW_BARS - rows_in(grid.slot, WINDOW_BARS)
    full = grid.slot - grid.slot[0] >= WINDOW_BARS
    return np.asarray(full & (missing * denominator <= WINDOW_BARS * numerator))


def _return_over(grid: Grid, log_close: FloatArray, back: int) -> FloatArray:
    """Return the log return from the grid bar `back` before each bar; NaN where that bar is missing."""
    slot = grid.slot
    earlier = np.searchsorted(slot, slot - back)
    found = slot[np.minimum(earlier, slot.size - 1)] == slot - back
    return np.where(found, log_close - log_close[np.minimum(earlier, slot.size - 1)], np.nan)


def _range_position(grid: Grid, high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    lowest, highest = extremes(grid.slot, low, high, WINDOW_BARS)
    width = highest - lowest
    return np.where(width > 0, (close - lowest) / np.where(width > 0, width, 1), np.nan)


def _mean_distance(grid: Grid, log_close: FloatArray) -> FloatArray:
    mean = moments(grid.slot, log_close, WINDOW_BARS).mean
    squares = moments(grid.slot, _return_over(grid, log_close, 1) ** 2, WINDOW_BARS).mean
    spread = np.sqrt(squares * WINDOW_BARS)
    return np.where(spread > 0, (log_close - mean) / np.where(spread > 0, spread, 1), np.nan)


PRICE: Final = Family(
    name="price",
    declared=(
        *(
            Column(f"return_{back}", ("close",), back, f"log return of the last {back} bars")
            for back in RETURN_BARS
        ),
        Column(
            "range_position_96",
            ("high", "low", "close"),
            WINDOW_BARS,
            "close within the lowest low and highest high of 96 bars: 0 at the bottom, 1 at the top",
        ),
        Column(
            "mean_distance_96",
            ("close",),
            WINDOW_BARS,
            "log close minus its mean over 96 bars, in realized volatilities of 96 bars",
        ),
    ),
    kernel=compute,
)
