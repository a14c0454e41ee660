"""Metrics of an equity curve and its ledger."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar import backtest
from truebar.arrays import FloatArray
from truebar.backtest.curve import curve, moments_of
from truebar.backtest.metrics import (
    calmar_ratio,
    drawdown,
    expected_shortfall,
    return_ratios,
    sharpe_ratio,
)
from truebar.config import BacktestConfig
from truebar.opens import Opens
from truebar.units import BARS_PER_YEAR

TIMES = pd.date_range("2025-01-01", periods=6, freq="15min", tz="UTC")


def bars(closes: list[float]) -> pd.DataFrame:
    opens = [closes[0], *closes[:-1]]
    frame = pd.DataFrame({"open_time": TIMES[: len(closes)], "open": opens, "close": closes, "volume": 1.0})
    return frame.assign(high=frame[["open", "close"]].max(axis=1), low=frame[["open", "close"]].min(axis=1))


def test_sharpe_ratio_flat_account_is_null_with_reason() -> None:
    metrics = backtest.run(bars([100, 101, 102]), [0, 0, 0], BacktestConfig()).metrics
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


def depth_and_length(equity: FloatArray) -> tuple[float, int]:
    found = curve(equity)
    return found.deepest, found.longest


def test_drawdown_depth_and_length_by_hand() -> None:
    equity = np.array([100.0, 120.0, 90.0, 119.0, 121.0, 120.0])
    assert drawdown(equity).max() == 0.25
    assert depth_and_length(equity) == (0.25, 2)
    assert depth_and_length(np.array([1.0, 2.0, 3.0])) == (0.0, 0)
    assert depth_and_length(np.array([4.0, 2.0, 1.0])) == (0.75, 2)
    assert depth_and_length(np.array([4.0, -1.0, -1.0])) == (1.25, 2)


def test_curve_returns_after_ruin_are_zero() -> None:
    assert curve(np.array([100.0, -10.0, -10.0])).returns.tolist() == pytest.approx([-1.1, 0.0])


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


def test_run_always_long_without_costs_follows_the_price() -> None:
    free = BacktestConfig(costs={"fee_bps": 0, "slippage_bps": 0})
    market = bars([100, 110, 120, 150])
    equity = backtest.run(market, [1, 1, 1, 1], free).equity
    assert equity[-1] / equity[0] == pytest.approx(150 / 100)


def test_to_frame_has_one_row_per_bar() -> None:
    result = backtest.run(bars([100, 110, 105]), [1, 1, 1], BacktestConfig())
    frame = result.to_frame()
    assert frame.columns.tolist() == ["open_time", "equity", "position", "drawdown"]
    assert str(frame["open_time"].dtype) == "datetime64[ns, UTC]"
    assert frame["equity"].tolist() == result.equity.tolist()


@given(seed=st.integers(0, 10**6), rows=st.integers(2, 400))
@settings(max_examples=60, deadline=None)
def test_return_ratios_equal_the_formulas_written_out(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    returns = rng.normal(rng.choice([-0.01, 0.0, 5.0]), rng.choice([1e-4, 0.02]), rows)
    sharpe, sortino = return_ratios(moments_of(returns), 365.0)
    assert sharpe.value == pytest.approx(returns.mean() / returns.std(ddof=1) * np.sqrt(365), rel=1e-9)
    downside = np.sqrt(np.mean(np.minimum(returns, 0) ** 2))
    if downside == 0:
        assert (sortino.value, sortino.reason) == (None, "no bar lost: downside deviation 0")
    else:
        assert sortino.value == pytest.approx(returns.mean() / downside * np.sqrt(365), rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.01, -0.013, 1 / 3])
@pytest.mark.parametrize("rows", [2, 8, 65, 1_000])
def test_sharpe_ratio_equal_returns_have_none(value: float, rows: int) -> None:
    assert sharpe_ratio(np.full(rows, value), 365.0).value is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.parametrize("rows", [3, 5_000])
def test_return_ratios_of_a_return_that_is_no_number_say_so(bad: float, rows: int) -> None:
    returns = np.linspace(-0.02, 0.03, rows)
    returns[1] = bad
    for ratio in (sharpe_ratio(returns, 365.0), *return_ratios(moments_of(returns), 365.0)):
        assert ratio.value is None
        assert ratio.reason == f"one of {rows} returns is not a finite number, or too large to square"
        assert (ratio.no_skill, ratio.n) == (0.0, rows)


def test_return_ratios_sortino_by_hand() -> None:
    # Mean 0.005; downside sqrt((0.02^2 + 0.04^2) / 4) = 0.02236...
    _, sortino = return_ratios(moments_of(np.array([0.05, -0.02, -0.04, 0.03])), 4.0)
    assert sortino.value == pytest.approx(0.005 / np.sqrt(0.002 / 4) * 2)
    assert sortino.no_skill == 0


def test_calmar_ratio_by_hand_and_where_it_is_undefined() -> None:
    assert calmar_ratio(1.44, 0.1, 2.0).value == pytest.approx(2.0)
    assert calmar_ratio(0.81, 0.2, 2.0).value == pytest.approx(-0.5)
    assert calmar_ratio(1.1, 0.0, 1.0).reason == "equity never fell below an earlier high"
    assert calmar_ratio(-0.2, 1.2, 1.0).reason.startswith("equity was lost")
    assert calmar_ratio(1.5, 0.1, 1e-4).reason.startswith("the record is too short")


def test_expected_shortfall_by_hand() -> None:
    # 30 bars: 5 % is 1.5 of them, the worst one and half of the next.
    returns = np.array([-0.06, -0.03, -0.01] + [0.02] * 27)
    assert expected_shortfall(returns).value == pytest.approx((0.06 + 0.5 * 0.03) / 1.5)
    assert expected_shortfall(np.array([0.02])).value == pytest.approx(-0.02)
    assert expected_shortfall(np.empty(0)).value is None


@given(seed=st.integers(0, 10**6), rows=st.integers(1, 3_000), share_flat=st.sampled_from([0.0, 0.5, 0.99]))
@settings(max_examples=60, deadline=None)
def test_expected_shortfall_equals_that_of_the_sorted_returns(
    seed: int, rows: int, share_flat: float
) -> None:
    rng = np.random.default_rng(seed)
    returns = np.where(rng.random(rows) < share_flat, 0.0, rng.standard_t(3, rows) * 0.01)
    if seed % 3 == 0:
        returns.sort()  # the sample that guides the sort then says nothing about the rest
    weights = np.clip(0.05 * rows - np.arange(rows), 0, 1)
    expected = -(np.sort(returns) * weights).sum() / (0.05 * rows)
    assert expected_shortfall(returns).value == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_account_metrics_profit_factor_is_gains_over_losses() -> None:
    free = BacktestConfig(initial_capital=1_000, costs={"fee_bps": 0, "slippage_bps": 0})
    # Two round trips: 10 units from 100 to 120, then 10 units from 120 to 110.
    market = bars([100, 100, 120, 120, 110, 110])
    result = backtest.run(market, [1, 1, 0, 1, 0, 0], free)
    assert result.trades["net_pnl"].tolist() == pytest.approx([200, -100])
    assert result.metrics["profit_factor"].value == pytest.approx(2.0)
    assert result.metrics["profit_factor"].n == 2
    only_gain = backtest.run(market, [1, 1, 0, 0, 0, 0], free)
    assert only_gain.metrics["profit_factor"].reason == "no round trip lost"


def test_account_metrics_ruin_says_what_has_no_value() -> None:
    free = BacktestConfig(initial_capital=1_000, costs={"fee_bps": 0, "slippage_bps": 0})
    market = bars([100, 100, 300, 100]).assign(high=[100, 100, 300, 300], open=[100, 100, 100, 300])
    metrics = backtest.run(market, [-1, -1, -1, -1], free).metrics
    assert metrics["max_drawdown"].value >= 1
    assert metrics["calmar"].reason.startswith("equity was lost")
    assert metrics["cvar"].value > 0


@pytest.mark.parametrize("gaps", [[], [3], [1, 2, 7, 8]])
def test_opens_kept_small_come_back_whole(gaps: list[int]) -> None:
    times = np.delete(np.arange(12) * 60 + 7, gaps)
    opens = Opens.of(times)
    assert opens.nanoseconds().tolist() == times.tolist()
    asked = np.arange(times[0], times[-1] + 200, 7)
    row, opened = opens.latest(asked)
    assert row.tolist() == (np.searchsorted(times, asked, side="right") - 1).tolist()
    assert opened.tolist() == times[row].tolist()
    assert (opens.first, opens.last) == (times[0], times[-1])


def test_run_result_does_not_change_with_the_callers_bars() -> None:
    market = bars([100, 110, 105, 120, 120, 120])
    result = backtest.run(market, [1, 1, 1, 1, 1, 1], BacktestConfig())
    first = backtest.run(market.copy(), [1, 1, 1, 1, 1, 1], BacktestConfig())
    market.loc[:, ["open", "high", "low", "close"]] = 1.0
    market["open_time"] = TIMES + pd.Timedelta("1h")
    pd.testing.assert_frame_equal(result.to_frame(), first.to_frame())
    pd.testing.assert_frame_equal(result.trades, first.trades)
