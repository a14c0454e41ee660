"""Up, flat or down: the sign of the return over the horizon where it exceeds k volatilities."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import FloatArray, IntArray, floats
from truebar.bars import Grid, grid_of, prices_of
from truebar.compiled import compiled_as_numpy
from truebar.counts import whole_number
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
    frames = vol_scaled_all(
        bars, sigma, k=[k], horizon_bars=[horizon_bars], neutral_zone=neutral_zone, timeframe=timeframe
    )
    return frames[horizon_bars, k]


def vol_scaled_all(
    bars: pd.DataFrame,
    sigma: npt.ArrayLike,
    *,
    k: Sequence[float],
    horizon_bars: Sequence[int],
    neutral_zone: bool = True,
    timeframe: str,
) -> dict[tuple[int, float], pd.DataFrame]:
    """Return the labels of `vol_scaled` for each (horizon_bars, k) over one sigma.

    Bars and sigma are checked once, and each horizon's returns serve all k.

    Args:
        bars: n closed klines, ascending; reads open_time and close.
        sigma: float[n], volatility per bar of the same rows; NaN where there is none.
        k: thresholds in volatilities of the horizon, each positive; at least one.
        horizon_bars: bars from the decision to the label's end; at least one horizon.
        neutral_zone: as in `vol_scaled`.
        timeframe: length of a bar.

    Returns:
        Each frame as `vol_scaled` returns it for that horizon and k, in the order given, horizons first.

    Raises:
        ConfigurationError: when no k or no horizon is given, and as `vol_scaled`.
        SchemaError, CorruptDataError, WrongTimeframeError: as `vol_scaled`.

    >>> bars = pd.DataFrame({"open_time": pd.date_range("2025-01-01", periods=3, freq="1h", tz="UTC"),
    ...     "close": [100.0, 102.0, 101.0]})
    >>> frames = vol_scaled_all(bars, [0.01] * 3, k=[0.5, 2.0], horizon_bars=[1, 2], timeframe="1h")
    >>> {key: frame["label"].tolist()[0] for key, frame in frames.items()}
    {(1, 0.5): 1.0, (1, 2.0): 0.0, (2, 0.5): 1.0, (2, 2.0): 0.0}
    """
    horizons = _checked_horizons(k, horizon_bars)
    grid = grid_of(bars, timeframe)
    (close,) = prices_of(bars, ["close"])
    volatility = _checked_sigma(sigma, close.size)
    frames = {}
    for horizon in horizons:
        future_return = _future_returns(grid.slot, close, horizon)
        for threshold in k:
            frames[horizon, threshold] = _frame(
                grid, horizon, volatility, future_return, threshold, neutral_zone=neutral_zone
            )
    return frames


def _frame(
    grid: Grid,
    horizon_bars: int,
    sigma: FloatArray,
    future_return: FloatArray,
    k: float,
    *,
    neutral_zone: bool,
) -> pd.DataFrame:
    reach = (min(horizon_bars, sigma.size) + 1) * grid.step  # beyond the data there is no label to end
    root = math.sqrt(horizon_bars)
    tau, label, label_end = _labels(grid.open_time, reach, sigma, future_return, k, root, neutral_zone)
    columns = {"sigma": sigma, "tau": tau, "future_return": future_return, "label": label}
    return pd.DataFrame(columns | {"label_end": utc_index(label_end)})


@compiled_as_numpy
def _future_returns(slot: IntArray, close: FloatArray, horizon_bars: int) -> FloatArray:
    """Return ln(close[t+h] / close[t]), float64[n]; NaN unless all bars of (t, t+h] exist."""
    found = np.full(close.size, np.nan)
    for row in range(close.size - horizon_bars):
        if slot[row + horizon_bars] - slot[row] == horizon_bars:
            found[row] = math.log(close[row + horizon_bars] / close[row])
    return found


@compiled_as_numpy
def _labels(
    open_time: IntArray,
    reach: int,
    sigma: FloatArray,
    future_return: FloatArray,
    k: float,
    root: float,
    neutral_zone: bool,
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return tau, label and label_end of each row; `reach` is the time from open_time to label_end."""
    rows = sigma.size
    tau, label = np.full(rows, np.nan), np.full(rows, np.nan)
    label_end = np.full(rows, NO_TIME)
    for row in range(rows):
        threshold = k * sigma[row] * root
        if not threshold > 0:  # NaN, or a threshold of zero, which would call every tick a move
            continue
        tau[row] = threshold
        change = future_return[row]
        if np.isnan(change):
            continue
        label_end[row] = open_time[row] + reach
        beyond = abs(change) > threshold or not neutral_zone
        label[row] = np.sign(change) if beyond else 0.0
    return tau, label, label_end


def _checked_horizons(k: Sequence[float], horizon_bars: Sequence[int]) -> list[int]:
    """Return the horizons as whole numbers, after checking them and k."""
    if len(k) == 0 or len(horizon_bars) == 0:
        raise ConfigurationError(
            f"{len(k)} k and {len(horizon_bars)} horizons are given; at least one of each."
        )
    for threshold in k:
        if not (math.isfinite(threshold) and threshold > 0):
            raise ConfigurationError(f"k is {threshold}; expected a positive number of volatilities.")
    return [whole_number("horizon_bars", horizon, 1) for horizon in horizon_bars]


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
