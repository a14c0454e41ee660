"""Up, flat or down: the sign of the return over the horizon where it exceeds k volatilities."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import FloatArray, floats
from truebar.bars import grid_of, prices_of
from truebar.errors import ConfigurationError, CorruptDataError, SchemaError
from truebar.times import NO_TIME, utc_index


def vol_scaled(
    bars: pd.DataFrame,
    sigma: npt.ArrayLike,
    *,
    k: float,
    horizon_bars: int,
    neutral_zone: bool = True,
    timeframe: str,
) -> pd.DataFrame:
    """Return the label of each bar: whether its return over the horizon goes beyond k volatilities.

    tau = k * sigma * √h; future_return = ln(close[t+h] / close[t]); label = its sign where |future_return|
    > tau, else 0 (METHOD §1).

    Args:
        bars: n closed klines, ascending; reads open_time and close.
        sigma: float[n], volatility per bar of the same rows (`truebar.volatility.estimate`); NaN where
            there is none.
        k: threshold in volatilities of the horizon, positive.
        horizon_bars: h, bars from the decision to the label's end.
        neutral_zone: False labels every return by its sign; 0 then means a return of exactly zero.
        timeframe: length of a bar.

    Returns:
        A frame of n rows in the order of the bars, fresh index: sigma and tau (known at close_time of bar
        t), future_return, label (float64: -1, 0, 1) and label_end (datetime64[ns, UTC], close_time of bar
        t+h). future_return, label and label_end may be used from label_end on. future_return is NaN unless
        all bars of (t, t+h] exist. tau is NaN where sigma is missing or zero: a market that did not move
        shows no volatility to scale by. label is NaN and label_end NaT where future_return or tau is NaN:
        such a row belongs to no split.

    Raises:
        ConfigurationError: when k is not positive, horizon_bars not a whole number of at least 1, or the
            timeframe unknown.
        SchemaError: when sigma has another length, or a column is missing.
        CorruptDataError: for impossible prices, times that do not ascend or leave the grid, and for a
            sigma that is negative or infinite.

    >>> bars = pd.DataFrame({"open_time": pd.date_range("2025-01-01", periods=3, freq="1h", tz="UTC"),
    ...     "close": [100.0, 102.0, 101.0]})
    >>> vol_scaled(bars, [0.01] * 3, k=1.0, horizon_bars=1, timeframe="1h")["label"].tolist()
    [1.0, 0.0, nan]
    """
    _check_arguments(k, horizon_bars)
    grid = grid_of(bars, timeframe)
    (close,) = prices_of(bars, ["close"])
    volatility = _checked_sigma(sigma, close.size)
    end = np.arange(horizon_bars, close.size)
    start = end - horizon_bars
    whole = grid.follows(horizon_bars)[horizon_bars:]
    future_return = np.full(close.size, np.nan)
    future_return[start] = np.where(whole, np.log(close[end] / close[start]), np.nan)
    width = k * volatility * math.sqrt(horizon_bars)
    tau = np.where(width > 0, width, np.nan)  # a threshold of zero would call every tick a move
    labelled = np.isfinite(future_return) & np.isfinite(tau)
    beyond = np.abs(future_return) > tau if neutral_zone else labelled
    label = np.where(beyond, np.sign(future_return), 0.0)
    label_end = grid.open_time + (horizon_bars + 1) * grid.step
    return pd.DataFrame(
        {
            "sigma": volatility,
            "tau": tau,
            "future_return": future_return,
            "label": np.where(labelled, label, np.nan),
            "label_end": utc_index(np.where(labelled, label_end, NO_TIME)),
        }
    )


def _check_arguments(k: float, horizon_bars: int) -> None:
    if not (math.isfinite(k) and k > 0):
        raise ConfigurationError(f"k is {k}; expected a positive number of volatilities.")
    if horizon_bars != int(horizon_bars) or horizon_bars < 1:
        raise ConfigurationError(
            f"horizon_bars is {horizon_bars}; expected a whole number of at least 1 bar."
        )


def _checked_sigma(sigma: npt.ArrayLike, rows: int) -> FloatArray:
    volatility = floats(sigma)
    if volatility.shape != (rows,):
        raise SchemaError(f"sigma has shape {volatility.shape}; expected one value for each of {rows} bars.")
    bad = np.isinf(volatility) | (volatility < 0)
    if bad.any():
        raise CorruptDataError(
            f"sigma is negative or infinite in {np.count_nonzero(bad)} of {rows} rows, first in row "
            f"{int(np.argmax(bad))}. Estimate it with truebar.volatility.estimate."
        )
    return volatility
