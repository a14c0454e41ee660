"""Metrics of an equity curve and its ledger."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from truebar import backtest
from truebar.backtest.engine import buy_and_hold, stay_flat
from truebar.backtest.metrics import bar_returns, drawdown, sharpe_ratio, worst_drawdown
from truebar.config import BacktestConfig
from truebar.units import BARS_PER_YEAR

TIMES = pd.date_range("2025-01-01", periods=6, freq="15min", tz="UTC")


def bars(closes: list[float]) -> pd.DataFrame:
    opens = [closes[0], *closes[:-1]]
    frame = pd.DataFrame({"open_time": TIMES[: len(closes)], "open": opens, "close": closes, "volume": 1.0})
    return frame.assign(high=frame[["open", "close"]].max(axis=1), low=frame[["open", "close"]].min(axis=1))


def test_sharpe_ratio_flat_account_is_null_with_reason() -> None:
    metrics = backtest.run(bars([100, 101, 102]), stay_flat(bars([100, 101, 102])), BacktestConfig()).metrics
    assert metrics["sharpe"].value is None
    assert "standard deviation 0" in metrics["sharpe"].reason
    assert metrics["hit_rate"].value is None
    assert metrics["cost_share"].reason == "nothing was traded"
    assert metrics["net_return"].value == 0
    assert metrics["max_drawdown"].value == 0


def test_sharpe_ratio_counts_flat_bars_and_uses_the_timeframes_year() -> None:
    result = backtest.run(bars([100, 110, 105, 120, 120, 120]), [1, 1, 1, 0, 0, 0], BacktestConfig())
    expected = result.returns.mean() / result.returns.std(ddof=1) * np.sqrt(BARS_PER_YEAR["15m"])
    assert result.metrics["sharpe"].value == pytest.approx(expected)
    assert result.metrics["sharpe"].n == 5


def test_sharpe_ratio_one_return_is_undefined() -> None:
    assert sharpe_ratio(np.array([0.1]), 365.0).value is None


def test_drawdown_depth_and_length_by_hand() -> None:
    equity = np.array([100.0, 120.0, 90.0, 119.0, 121.0, 120.0])
    assert drawdown(equity).max() == 0.25
    assert worst_drawdown(equity) == (0.25, 2)
    assert worst_drawdown(np.array([1.0, 2.0, 3.0])) == (0.0, 0)
    assert worst_drawdown(np.array([4.0, 2.0, 1.0])) == (0.75, 2)
    assert worst_drawdown(np.array([4.0, -1.0, -1.0])) == (1.25, 2)


def test_bar_returns_after_ruin_are_zero() -> None:
    assert bar_returns(np.array([100.0, -10.0, -10.0])).tolist() == pytest.approx([-1.1, 0.0])


def test_account_metrics_of_one_winning_trade_by_hand() -> None:
    config = BacktestConfig(initial_capital=1_000, costs={"fee_bps": 10, "slippage_bps": 0})
    result = backtest.run(bars([100, 100, 120, 120, 120, 120]), [1, 1, 0, 0, 0, 0], config)
    metrics = result.metrics
    fees = 1.0 + 1.2
    assert metrics["net_return"].value == pytest.approx((200 - fees) / 1000)
    assert metrics["cost_share"].value == pytest.approx(fees / 200)
    assert metrics["hit_rate"].value == 1
    assert metrics["exposure"].value == pytest.approx(2 / 6)
    traded = 2200 / result.equity.mean()
    assert metrics["turnover"].value == pytest.approx(traded * BARS_PER_YEAR["15m"] / 6)


def test_buy_and_hold_without_costs_follows_the_price() -> None:
    free = BacktestConfig(costs={"fee_bps": 0, "slippage_bps": 0})
    market = bars([100, 110, 120, 150])
    equity = backtest.run(market, buy_and_hold(market), free).equity
    assert equity[-1] / equity[0] == pytest.approx(150 / 100)


def test_to_frame_has_one_row_per_bar() -> None:
    result = backtest.run(bars([100, 110, 105]), [1, 1, 1], BacktestConfig())
    frame = result.to_frame()
    assert frame.columns.tolist() == ["open_time", "equity", "position", "drawdown"]
    assert str(frame["open_time"].dtype) == "datetime64[ns, UTC]"
    assert frame["equity"].tolist() == result.equity.tolist()
