"""One volatility per bar from a trailing window, by any of five estimators."""

from __future__ import annotations

import math
from typing import Final, get_args

import numpy as np
import pandas as pd

from truebar.arrays import FloatArray
from truebar.bars import columns_of, grid_of, prices_of
from truebar.config import Estimator
from truebar.counts import whole_number
from truebar.errors import ConfigurationError
from truebar.volatility.windowed import five_estimators

ESTIMATORS: Final[tuple[str, ...]] = get_args(Estimator)

_COLUMNS: Final = pd.Index(ESTIMATORS)


def estimate(
    bars: pd.DataFrame,
    estimator: str,
    *,
    window: int,
    timeframe: str | None = None,
    tick_size: float | None = None,
) -> FloatArray:
    """Return the volatility of each bar's log return by one estimator: a column of `estimate_all`.

    Args:
        bars: n closed klines, ascending; reads open_time, open, high, low, close, volume.
        estimator: one of `ESTIMATORS`.
        window: bars the estimator looks back, at least 2.
        timeframe: length of a bar; the smallest step between bars by default.
        tick_size: smallest price step, quote currency; without it there is no tick rule.

    Returns:
        float64[n], row t known at close_time of bar t; NaN and 0 as in `estimate_all`.

    Raises:
        ConfigurationError: for an unknown estimator, and as `estimate_all`.
        SchemaError, CorruptDataError, WrongTimeframeError: as `estimate_all`.

    >>> from pandas import DataFrame, date_range
    >>> prices = [100.0, 101.0, 100.0, 101.0]
    >>> bars = DataFrame({"open_time": date_range("2025-01-01", periods=4, freq="1h", tz="UTC"),
    ...     "open": prices, "high": prices, "low": prices, "close": prices, "volume": 1.0})
    >>> estimate(bars, "realized", window=2).round(5).tolist()
    [nan, nan, 0.00995, 0.00995]
    """
    if estimator not in ESTIMATORS:
        raise ConfigurationError(
            f"volatility estimator {estimator!r} is unknown; expected one of {', '.join(ESTIMATORS)}."
        )
    row = ESTIMATORS.index(estimator)
    return np.array(_sigma(bars, window, timeframe, tick_size)[row], dtype=np.float64)


def estimate_all(
    bars: pd.DataFrame, *, window: int, timeframe: str | None = None, tick_size: float | None = None
) -> pd.DataFrame:
    """Return the volatility of each bar's log return, estimated from the `window` bars that end with it.

    Formulas: METHOD §1; Parkinson (1980), Garman & Klass (1980), Yang & Zhang (2000), Wilder (1978). All
    five are on one scale: per bar, standard deviation of the log return.

    Args:
        bars: n closed klines, ascending; reads open_time, open, high, low, close, volume.
        window: bars the estimators look back, at least 2.
        timeframe: length of a bar; the smallest step between bars by default.
        tick_size: smallest price step, quote currency; without it there is no tick rule.

    Returns:
        A frame of n rows in the order of the bars, fresh index, one float64 column for each of
        `ESTIMATORS`; row t is known at close_time of bar t. NaN until the window is full (`window` bars, and
        one more before them where the estimator reads the previous close); where more than 5 % of the
        window's grid bars are missing; where more than half of its bars have zero volume; and where the
        value is below a tenth of a tick over close. The return across a gap is left out, the bars beside
        it are not. 0 where no price in the window moved. The four windowed estimators depend on the bars
        of the window alone, bit for bit; Wilder's ATR remembers all bars since the first.

    Raises:
        ConfigurationError: for an unknown timeframe, a window below 2, or a tick that is not a positive
            number.
        SchemaError: when a column is missing or of another type.
        CorruptDataError: for times that do not ascend or leave the grid, and for prices that are missing,
            not positive, or outside their bar.
        WrongTimeframeError: when the bars are not of `timeframe`.
    """
    return pd.DataFrame(_sigma(bars, window, timeframe, tick_size).T, columns=_COLUMNS, copy=False)


def _sigma(bars: pd.DataFrame, window: int, timeframe: str | None, tick_size: float | None) -> FloatArray:
    """Return float64[5, n], the estimators in the order of `ESTIMATORS`."""
    bars_back = whole_number("window", window, 2)
    _check_tick(tick_size)
    grid = grid_of(bars, timeframe)
    opened, high, low, close = prices_of(bars)
    prices = (opened, high, low, close)
    (volume,) = columns_of(bars, ["volume"])
    return five_estimators(grid.slot, prices, volume, bars_back, tick_size or 0.0)


def _check_tick(tick_size: float | None) -> None:
    if tick_size is not None and not (math.isfinite(tick_size) and tick_size > 0):
        raise ConfigurationError(f"tick_size is {tick_size}; expected a positive price step, or None.")
