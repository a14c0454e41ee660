from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.bars import bars_of
from truebar import backtest
from truebar.config import BacktestConfig
from truebar.cost_sensitivity import COST_MULTIPLES, cost_sensitivity


def market(bars: int = 400) -> pd.DataFrame:
    generator = np.random.default_rng(1)
    return bars_of(100 * np.exp(np.cumsum(generator.normal(0, 0.01, bars))))


def test_cost_sensitivity_once_the_costs_is_the_account_itself() -> None:
    bars, config = market(), BacktestConfig()
    target = np.where(np.arange(400) // 20 % 2 == 0, 0.5, -0.5)
    account = backtest.run(bars, target, config, timeframe="1h")
    found = {point.multiple: point for point in cost_sensitivity(bars, target, config, timeframe="1h")}

    assert tuple(found) == COST_MULTIPLES
    assert found[1.0].net_return == account.metrics["net_return"]
    assert found[1.0].sharpe == account.metrics["sharpe"]
    assert found[1.0].round_trip_bps == 30.0


def test_cost_sensitivity_dearer_trading_earns_less_with_the_same_round_trips() -> None:
    target = np.where(np.arange(400) // 20 % 2 == 0, 0.5, -0.5)
    points = cost_sensitivity(market(), target, BacktestConfig(), timeframe="1h")
    earned = [point.net_return.value for point in points]

    assert earned == sorted(earned, reverse=True)
    assert len(set(earned)) == len(points)
    assert {point.n_trades.value for point in points} == {19.0}


def test_cost_sensitivity_by_hand_one_round_trip_pays_its_costs() -> None:
    bars = market(3).assign(open=100.0, high=100.0, low=100.0, close=100.0)
    config = BacktestConfig(costs={"fee_bps": 10, "slippage_bps": 0})
    free, charged = cost_sensitivity(bars, [1, 0, 0], config, timeframe="1h", multiples=(0, 2))

    assert free.net_return.value == 0.0
    assert charged.net_return.value == pytest.approx(-2 * 20e-4, abs=1e-12)
    assert charged.round_trip_bps == 40.0
