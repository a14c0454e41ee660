"""Numbers of one equity curve and its ledger."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from truebar.arrays import FloatArray
from truebar.scores.metric import Metric
from truebar.units import BARS_PER_YEAR

NO_TRADE: Final = "no round trip was completed"
OPEN: Final = "open"


def bar_returns(equity: FloatArray) -> FloatArray:
    """Return float64[n-1], equity_t / equity_{t-1} - 1; 0 once equity has been zero or less."""
    before = equity[:-1]
    alive = before > 0
    return np.where(alive, equity[1:] / np.where(alive, before, 1.0) - 1.0, 0.0)


def drawdown(equity: FloatArray) -> FloatArray:
    """Return float64[n], share below the highest equity so far; 0 at a new high, above 1 with debt.

    >>> drawdown(np.array([100.0, 120.0, 90.0])).tolist()
    [0.0, 0.0, 0.25]
    """
    return np.asarray(1.0 - equity / np.maximum.accumulate(equity))


def drawdown_bars(equity: FloatArray) -> int:
    """Return the most bars in a row that equity stayed below an earlier high."""
    under = drawdown(equity) > 0
    edges = np.flatnonzero(np.diff(np.concatenate(([0], under.astype(np.int8), [0]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def sharpe_ratio(returns: FloatArray, bars_per_year: float) -> Metric:
    """Return mean / sd · √bars_per_year of per-bar returns (sample sd); undefined when sd is 0."""
    if returns.size < 2:
        return Metric.undefined(f"{returns.size} returns have no standard deviation", no_skill=0.0)
    deviation = float(returns.std(ddof=1))
    if deviation == 0 or np.ptp(returns) == 0:
        reason = "returns do not vary: standard deviation 0"
        return Metric.undefined(reason, no_skill=0.0, n=returns.size)
    annual = float(returns.mean()) / deviation * np.sqrt(bars_per_year)
    return Metric(annual, no_skill=0.0, n=returns.size)


def _cost_share(trades: pd.DataFrame) -> Metric:
    """Return fees and slippage as a share of what was gained before them."""
    costs = float(trades["fees"].sum() + trades["slippage"].sum())
    before = float(trades["net_pnl"].sum()) + costs
    if trades.empty:
        return Metric.undefined("nothing was traded", n=0)
    if before <= 0:
        return Metric.undefined("nothing was gained before costs", n=len(trades))
    return Metric(costs / before, n=len(trades))


def account_metrics(
    equity: FloatArray, position: FloatArray, trades: pd.DataFrame, *, timeframe: str, initial_capital: float
) -> dict[str, Metric]:
    """Return the metrics of one account by name.

    net_return: last equity over initial capital, less 1. sharpe: yearly. max_drawdown: deepest share below
    an earlier high; max_drawdown_bars: the longest. n_trades: completed round trips. exposure: share of
    bars that close with a position. turnover: traded notional over mean equity, per year. hit_rate: share
    of completed round trips that earned after costs. cost_share: fees and slippage over the gain before
    them. funding_share: funding paid over initial capital. no_skill is what staying flat gives.
    """
    done = trades.loc[trades["reason"] != OPEN]
    bars, per_year = equity.size, BARS_PER_YEAR[timeframe]
    mean_equity = float(equity.mean())
    turnover = float(trades["notional"].sum()) / mean_equity * per_year / bars if mean_equity > 0 else None
    hits = int((done["net_pnl"] > 0).sum())
    return {
        "net_return": Metric(equity[-1] / initial_capital - 1, no_skill=0.0, n=bars),
        "sharpe": sharpe_ratio(bar_returns(equity), per_year),
        "max_drawdown": Metric(drawdown(equity).max(), no_skill=0.0, n=bars),
        "max_drawdown_bars": Metric(drawdown_bars(equity), no_skill=0.0, n=bars),
        "n_trades": Metric(len(done), no_skill=0.0, n=len(done)),
        "exposure": Metric(np.count_nonzero(position) / bars, no_skill=0.0, n=bars),
        "turnover": Metric(turnover, no_skill=0.0, n=bars, reason="mean equity is not positive"),
        "hit_rate": Metric(hits / len(done), n=len(done)) if len(done) else Metric.undefined(NO_TRADE, n=0),
        "cost_share": _cost_share(trades),
        "funding_share": Metric(float(trades["funding"].sum()) / initial_capital, no_skill=0.0, n=bars),
    }
