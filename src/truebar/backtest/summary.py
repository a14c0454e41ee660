"""The metrics of one account by name: of its equity curve, and of its ledger of round trips."""

from __future__ import annotations

from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.backtest.account import Run
from truebar.backtest.metrics import (
    calmar_ratio,
    expected_shortfall,
    return_ratios,
    worst_drawdown,
)
from truebar.backtest.trips import (
    TRIP_FEES,
    TRIP_FLOW,
    TRIP_FUNDING,
    TRIP_NOTIONAL,
    TRIP_SLIPPAGE,
    bars_held,
    completed,
)
from truebar.scores.metric import Metric
from truebar.units import BARS_PER_YEAR

NO_TRADE: Final = "no round trip was completed"


def account_metrics(
    account: Run, returns: FloatArray, trips: FloatArray, timeframe: str, initial_capital: float
) -> dict[str, Metric]:
    """Return the metrics of one account by name.

    net_return: last equity over initial capital, less 1. sharpe, sortino: yearly. calmar: yearly return over
    the deepest drawdown. max_drawdown: deepest share below an earlier high; max_drawdown_bars: the longest.
    cvar: mean loss of the worst 5 % of bars. n_trades: completed round trips. exposure: share of bars that
    close with a position. turnover: traded notional over mean equity, per year. hit_rate: share of completed
    round trips that earned after costs. profit_factor: what those earned over what the others lost.
    cost_share: fees and slippage over the gain before them. funding_share: funding paid over initial
    capital. no_skill is what staying flat gives.
    """
    equity = account.equity
    bars, per_year = equity.size, BARS_PER_YEAR[timeframe]
    deepest, longest = worst_drawdown(equity)
    sharpe, sortino = return_ratios(returns, per_year)
    growth = float(equity[-1]) / initial_capital
    mean_equity = float(equity.mean())
    traded = float(trips[:, TRIP_NOTIONAL].sum())
    turnover = traded / mean_equity * per_year / bars if mean_equity > 0 else None
    return {
        "net_return": Metric(growth - 1, no_skill=0.0, n=bars),
        "sharpe": sharpe,
        "sortino": sortino,
        "calmar": calmar_ratio(growth, deepest, returns.size / per_year),
        "max_drawdown": Metric(deepest, no_skill=0.0, n=bars),
        "max_drawdown_bars": Metric(longest, no_skill=0.0, n=bars),
        "cvar": expected_shortfall(returns),
        "exposure": Metric(bars_held(account) / bars, no_skill=0.0, n=bars),
        "turnover": Metric(turnover, no_skill=0.0, n=bars, reason="mean equity is not positive"),
        **_ledger_metrics(trips),
        "funding_share": Metric(trips[:, TRIP_FUNDING].sum() / initial_capital, no_skill=0.0, n=bars),
    }


def _ledger_metrics(trips: FloatArray) -> dict[str, Metric]:
    """Return n_trades, hit_rate, profit_factor and cost_share."""
    ended = completed(trips)
    done = ended[:, TRIP_FLOW] - ended[:, TRIP_FUNDING]
    won = done > 0
    hits = Metric(np.count_nonzero(won) / done.size, n=done.size) if done.size else None
    return {
        "n_trades": Metric(done.size, no_skill=0.0, n=done.size),
        "hit_rate": hits or Metric.undefined(NO_TRADE, n=0),
        "profit_factor": _profit_factor(float(done[won].sum()), -float(done[~won].sum()), done.size),
        "cost_share": _cost_share(trips),
    }


def _profit_factor(gained: float, lost: float, n_trades: int) -> Metric:
    """Return what the winning round trips earned over what the others lost, after all costs."""
    if n_trades == 0:
        return Metric.undefined(NO_TRADE, n=0)
    if lost == 0:
        return Metric.undefined("no round trip lost", n=n_trades)
    return Metric(gained / lost, n=n_trades)


def _cost_share(trips: FloatArray) -> Metric:
    """Return fees and slippage as a share of what was gained before them."""
    if not len(trips):
        return Metric.undefined("nothing was traded", n=0)
    costs = float(trips[:, TRIP_FEES].sum() + trips[:, TRIP_SLIPPAGE].sum())
    before = float((trips[:, TRIP_FLOW] - trips[:, TRIP_FUNDING]).sum()) + costs
    if before <= 0:
        return Metric.undefined("nothing was gained before costs", n=len(trips))
    return Metric(costs / before, n=len(trips))
