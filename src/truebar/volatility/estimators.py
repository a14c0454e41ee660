"""One volatility per bar from a trailing window: which windows count, and the choice of estimator."""

from __future__ import annotations

import math
from typing import Final, get_args

import numpy as np
import pandas as pd

from truebar.arrays import BoolArray, FloatArray
from truebar.bars import Grid, columns_of, grid_of, prices_of
from truebar.config import Estimator
from truebar.errors import ConfigurationError
from truebar.volatility import formulas, wilder
from truebar.windows import count_in, rows_in

ESTIMATORS: Final[tuple[str, ...]] = get_args(Estimator)

MAX_MISSING_SHARE: Final = (1, 20)
"""At most one in twenty bars of a window may be missing."""

MIN_SIGMA_TICKS: Final = 0.1
"""Below a tenth of a tick over price, a volatility measures the price grid and nothing else."""

_USES_PREVIOUS_CLOSE: Final = frozenset({"realized", "yang_zhang", "atr"})


def estimate(
    bars: pd.DataFrame,
    estimator: str,
    *,
    window: int,
    timeframe: str | None = None,
    tick_size: float | None = None,
) -> FloatArray:
    """Return the volatility of each bar's log return, estimated from the `window` bars that end with it.

    Formulas: METHOD §1; Parkinson (1980), Garman & Klass (1980), Yang & Zhang (2000), Wilder (1978). All
    five are on one scale: per bar, standard deviation of the log return.

    Args:
        bars: n closed klines, ascending; reads open_time, open, high, low, close, volume.
        estimator: one of `ESTIMATORS`.
        window: bars the estimator looks back, at least 2.
        timeframe: length of a bar; the smallest step between bars by default.
        tick_size: smallest price step, quote currency; without it there is no tick rule.

    Returns:
        float64[n], row t known at close_time of bar t. NaN until the window is full (`window` bars, and
        one more before them where the estimator reads the previous close); where more than 5 % of the
        window's grid bars are missing; where more than half of its bars have zero volume; and where the
        value is below a tenth of a tick over close. The return across a gap is left out, the bars beside
        it are not. 0 where no price in the window moved.

    Raises:
        ConfigurationError: for an unknown estimator or timeframe, a window below 2, or a tick that is not
            a positive number.
        SchemaError: when a column is missing or of another type.
        CorruptDataError: for times that do not ascend or leave the grid, and for prices that are missing,
            not positive, or outside their bar.

    >>> from pandas import DataFrame, date_range
    >>> prices = [100.0, 101.0, 100.0, 101.0]
    >>> bars = DataFrame({"open_time": date_range("2025-01-01", periods=4, freq="1h", tz="UTC"),
    ...     "open": prices, "high": prices, "low": prices, "close": prices, "volume": 1.0})
    >>> estimate(bars, "realized", window=2).round(5).tolist()
    [nan, nan, 0.00995, 0.00995]
    """
    _check_arguments(estimator, window, tick_size)
    grid = grid_of(bars, timeframe)
    opened, high, low, close = prices_of(bars)
    (volume,) = columns_of(bars, ["volume"])
    if estimator == "atr":
        sigma = wilder.average_true_range(grid, high, low, close, window) / close / wilder.RANGE_PER_SIGMA
    else:
        logs = (np.log(opened), np.log(high), np.log(low), np.log(close))
        sigma = formulas.BY_NAME[estimator](grid, logs, window)
    known = _has_volatility(grid, volume, window, needs_previous=estimator in _USES_PREVIOUS_CLOSE)
    if tick_size is not None:
        known &= ~(sigma < MIN_SIGMA_TICKS * tick_size / close)
    return np.where(known, sigma, np.nan)


def _check_arguments(estimator: str, window: int, tick_size: float | None) -> None:
    if estimator not in ESTIMATORS:
        raise ConfigurationError(
            f"volatility estimator {estimator!r} is unknown; expected one of {', '.join(ESTIMATORS)}."
        )
    if window != int(window) or window < 2:
        raise ConfigurationError(f"window is {window}; a volatility needs a whole number of at least 2 bars.")
    if tick_size is not None and not (math.isfinite(tick_size) and tick_size > 0):
        raise ConfigurationError(f"tick_size is {tick_size}; expected a positive price step, or None.")


def _has_volatility(grid: Grid, volume: FloatArray, window: int, *, needs_previous: bool) -> BoolArray:
    """Return bool[n]: whether each row's window is full, nearly complete, and mostly traded."""
    slot = grid.slot
    if slot.size == 0:
        return np.zeros(0, dtype=np.bool_)
    full = slot - slot[0] >= (window if needs_previous else window - 1)
    present = rows_in(slot, window)
    numerator, denominator = MAX_MISSING_SHARE
    complete = (window - present) * denominator <= window * numerator
    traded = count_in(slot, window, volume == 0) * 2 <= present
    return np.asarray(full & complete & traded)
