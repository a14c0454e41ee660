"""The metrics of one account by name: of its equity curve, and of its ledger of round trips."""

from __future__ import annotations

from typing import Final

from truebar.arrays import FloatArray
from truebar.backtest.curve import Curve
from truebar.backtest.metrics import calmar_ratio, expected_shortfall, return_ratios
from truebar.backtest.trips import Ledger, Totals, totals_of
from truebar.scores.metric import Metric
from truebar.units import BARS_PER_YEAR

NO_TRADE: Final = "no round trip was completed"


def account_metrics(
    equity: FloatArray, curve: Curve, ledger: Ledger, timeframe: str, initial_capital: float
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
    totals = totals_of(ledger)
    bars, per_year = equity.size, BARS_PER_YEAR[timeframe]
    sharpe, sortino = return_ratios(curve.moments, per_year)
    growth = float(equity[-1]) / initial_capital
    mean = curve.mean_equity
    turnover = totals.notional / mean * per_year / bars if mean > 0 else None
    return {
        "net_return": Metric(growth - 1, no_skill=0.0, n=bars),
        "sharpe": sharpe,
        "sortino": sortino,
        "calmar": calmar_ratio(growth, curve.deepest, curve.returns.size / per_year),
        "max_drawdown": Metric(curve.deepest, no_skill=0.0, n=bars),
        "max_drawdown_bars": Metric(curve.longest, no_skill=0.0, n=bars),
        "cvar": expected_shortfall(curve.returns),
        "exposure": Metric(ledger.bars_held / bars, no_skill=0.0, n=bars),
        "turnover": Metric(turnover, no_skill=0.0, n=bars, reason="mean equity is not positive"),
        **_ledger_metrics(totals, ledger.n_completed, len(ledger.trips)),
        "funding_share": Metric(totals.funding / initial_capital, no_skill=0.0, n=bars),
    }


def _ledger_metrics(totals: Totals, n_completed: int, n_begun: int) -> dict[str, Metric]:
    """Return n_trades, hit_rate, profit_factor and cost_share."""
    hits = Metric(totals.n_won / n_completed, n=n_completed) if n_completed else None
    return {
        "n_trades": Metric(n_completed, no_skill=0.0, n=n_completed),
        "hit_rate": hits or Metric.undefined(NO_TRADE, n=0),
        "profit_factor": _profit_factor(totals.gained, totals.lost, n_completed),
        "cost_share": _cost_share(totals, n_begun),
    }


def _profit_factor(gained: float, lost: float, n_trades: int) -> Metric:
    """Return what the winning round trips earned over what the others lost, after all costs."""
    if n_trades == 0:
        return Metric.undefined(NO_TRADE, n=0)
    if lost == 0:
        return Metric.undefined("no round trip lost", n=n_trades)
    return Metric(gained / lost, n=n_trades)


def _cost_share(totals: Totals, n_begun: int) -> Metric:
    """Return fees and slippage as a share of what was gained before them."""
    if not n_begun:
        return Metric.undefined("nothing was traded", n=0)
    costs = totals.fees + totals.slippage
    before = totals.net + costs
    if before <= 0:
        return Metric.undefined("nothing was gained before costs", n=n_begun)
    return Metric(costs / before, n=n_begun)
