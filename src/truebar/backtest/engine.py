"""Run the simulated account over bars (METHOD §3, Engine)."""

from __future__ import annotations

import numpy.typing as npt
import pandas as pd

from truebar.backtest.inputs import (
    bounds_of,
    checked_prices,
    checked_target,
    cost_rates,
    market_of,
    prices_at,
    target_at,
)
from truebar.backtest.result import BacktestResult
from truebar.backtest.simulation import simulate_unchecked
from truebar.config import BacktestConfig


def run(
    bars: pd.DataFrame,
    target_position: npt.ArrayLike,
    config: BacktestConfig,
    *,
    funding: pd.DataFrame | None = None,
    mark: pd.DataFrame | None = None,
    timeframe: str | None = None,
) -> BacktestResult:
    """Return the account that follows `target_position` over `bars`.

    target_position[t] fills at open t+1: units = target · equity at that open before fees / that open, fixed
    until the target changes. Slippage moves the fill against the side traded; the fee is on traded units
    at the fill price. Funding due at the instant of a fill is paid by who held until then. Leverage above
    `rebalance_leverage` at a close restores the target size at the next open. Equity at or below the
    maintenance margin at the bar's worst price liquidates there; equity at or below zero ends the run.
    Nothing fills in a missing or halted bar: the order fills at the next tradable open. Within a bar
    funding comes before liquidation.

    Args:
        bars: closed klines, ascending: open_time, open, high, low, close, volume.
        target_position: float[n] in [-1, 1], share of equity decided at close t. The last one never fills.
        config: capital, sides, costs and limits.
        funding: `market.funding`: funding_time, rate, and where known mark_price.
        mark: `market.mark_klines`: open_time, open, high, low; used for funding and liquidation where there.
        timeframe: of the bars; by default their smallest step, which must then be a known timeframe.

    Equity at row t is known at the close of bar t. No value may be missing.

    Raises:
        SchemaError: when a column is missing or lengths differ.
        CorruptDataError: for unsorted times, prices that are missing or not positive, or bad funding rows.
        ConfigurationError: for a target that is NaN, outside [-1, 1] or on a side that may not be held.
        UnknownTimeframeError: when the timeframe, or without one the smallest step, is not known.
        WrongTimeframeError: when no two bars are one `timeframe` apart.
        TooFewRowsError: with fewer than two bars.

    >>> from truebar.config import BacktestConfig
    >>> times = pd.date_range("2025-01-01", periods=3, freq="1h", tz="UTC")
    >>> prices = {"open": [100.0, 100.0, 110.0], "high": 120.0, "low": 90.0, "close": [100.0, 110.0, 110.0]}
    >>> free = BacktestConfig(costs={"fee_bps": 0, "slippage_bps": 0})
    >>> run(pd.DataFrame({"open_time": times, **prices, "volume": 1.0}), [1, 1, 1], free).equity.tolist()
    [100000.0, 110000.0, 110000.0]
    """
    prices, target = prices_at(bars, timeframe), target_at(target_position, len(bars))
    market, bounds = market_of(prices, funding, mark), bounds_of(config.position_mode)
    account = simulate_unchecked(market, target, cost_rates(config), config.initial_capital, bounds)
    if account is None:
        checked_target(target, len(bars), config.position_mode)
        checked_prices(bars, timeframe)
        raise AssertionError("a value was refused that no check refuses")
    return BacktestResult(
        equity=account.equity,
        journal=account.journal,
        opens=prices.opens,
        timeframe=prices.timeframe,
        initial_capital=config.initial_capital,
        last_close=float(prices.close[-1]),
    )
