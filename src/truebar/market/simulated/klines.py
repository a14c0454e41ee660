"""Bars of a synthetic market, from its states and shocks (METHOD §8)."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from truebar.arrays import FloatArray, IntArray
from truebar.market.schema import KLINE_COLUMNS
from truebar.market.simulated import parameters as given
from truebar.market.simulated.states import Shocks, States
from truebar.times import utc_index
from truebar.units import timeframe_nanoseconds

SOURCE: Final = "synthetic"
"""What the bars say about where they come from."""


def klines(
    states: States,
    shocks: Shocks,
    sigma: FloatArray,
    log_return: FloatArray,
    *,
    open_time: IntArray,
    timeframe: str,
    inside: np.random.Generator,
) -> pd.DataFrame:
    """Return n bars with `KLINE_COLUMNS`.

    Args:
        states: float64[n + 1] each.
        shocks: float64[n] each.
        sigma: float64[n], of each bar's log return.
        log_return: float64[n], close to close.
        open_time: int64[n], nanoseconds since 1970 UTC.
        timeframe: length of a bar.
        inside: draws what happens inside a bar, and its volume.

    Quote volume is volume at the mean of open, high, low and close.
    """
    opened, high, low, close = _prices(sigma, log_return, inside)
    spread = np.exp(inside.normal(0.0, given.VOLUME_SPREAD, sigma.size))
    volume = (
        given.MEAN_VOLUME * spread * (given.QUIET_VOLUME + sigma / np.sqrt(given.base_variance(timeframe)))
    )
    quote_volume = volume * (opened + high + low + close) / 4
    share = _taker_share(shocks)
    columns = {
        "open_time": utc_index(open_time),
        "close_time": utc_index(open_time + timeframe_nanoseconds(timeframe)),
        "open": opened,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "quote_volume": quote_volume,
        "trades": np.round(volume / np.exp(given.TRADES_SPREAD * states.trades[1:])),
        "taker_buy_volume": share * volume,
        "taker_buy_quote_volume": share * quote_volume,
        "source": np.full(sigma.size, SOURCE, dtype=object),
    }
    return pd.DataFrame(columns, columns=list(KLINE_COLUMNS))


def _taker_share(shocks: Shocks) -> FloatArray:
    """Return the share of each bar's volume that takers bought; it names both shocks of the bar."""
    seen = np.clip(shocks.price, -given.SHOCK_LIMIT, given.SHOCK_LIMIT)
    return np.asarray(
        0.5 * (1 + np.tanh(given.SHARE_OF_SHOCK * seen + given.SHARE_OF_FLOW * shocks.flow)),
        dtype=np.float64,
    )


def _prices(
    sigma: FloatArray, log_return: FloatArray, inside: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return open, high, low and close.

    High and low are those of a Gaussian bridge from open to close in 8 steps, each of sigma / √8.
    """
    closed = np.log(given.FIRST_PRICE) + np.cumsum(log_return)
    before = np.concatenate(([np.log(given.FIRST_PRICE)], closed[:-1]))
    opened = before + inside.normal(0.0, given.OPEN_SPREAD, sigma.size) * sigma
    steps = inside.normal(0.0, np.sqrt(1 / given.BRIDGE_STEPS), (given.BRIDGE_STEPS, sigma.size)) * sigma
    walk = np.cumsum(steps, axis=0)
    elapsed = np.arange(1, given.BRIDGE_STEPS)[:, None] / given.BRIDGE_STEPS
    path = opened + walk[:-1] - elapsed * walk[-1] + elapsed * (closed - opened)
    first, last, between = np.exp(opened), np.exp(closed), np.exp(path)
    high = np.maximum(np.maximum(first, last), between.max(axis=0))
    low = np.minimum(np.minimum(first, last), between.min(axis=0))
    return first, high, low, last
