"""The engine against vectorbt and Nautilus Trader, whose answers `benchmarks/oracles/make.sh` wrote down."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from truebar import backtest
from truebar.config import BacktestConfig

SAID = json.loads(Path(__file__).with_name("oracles.json").read_text(encoding="utf-8"))
ACCOUNTS = [(engine, name) for engine in ("vectorbt", "nautilus_trader") for name in SAID[engine]["cases"]]
RELATIVE = 1e-6


@pytest.fixture(scope="module")
def oracle_market() -> ModuleType:
    """The seeded markets and targets, from the file that the engines' environment reads too."""
    path = Path(__file__).parents[3] / "benchmarks" / "oracles" / "oracle_market.py"
    spec = importlib.util.spec_from_file_location("oracle_market", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["oracle_market"] = module  # a frozen dataclass looks its module up
    spec.loader.exec_module(module)
    return module


def ours(case: object, capital: float) -> backtest.BacktestResult:
    bars = pd.DataFrame(
        {
            "open_time": pd.to_datetime(case.open_time_ms, unit="ms", utc=True),
            "open": case.open,
            "high": case.high,
            "low": case.low,
            "close": case.close,
            "volume": 1.0,
        }
    )
    costs = {"fee_bps": case.fee_bps, "slippage_bps": case.slippage_bps}
    return backtest.run(bars, case.target, BacktestConfig(initial_capital=capital, costs=costs))


@pytest.mark.parametrize(("engine", "name"), ACCOUNTS)
def test_run_equals_the_other_engine(engine: str, name: str, oracle_market: ModuleType) -> None:
    said, capital = SAID[engine]["cases"][name], oracle_market.CAPITAL
    result = ours(oracle_market.CASES[name], capital)
    assert result.fills["bar"].tolist() == said["bar"]
    # Nautilus keeps units to 8 digits and money to 8, which over 60 fills stays below the 1e-6 asked for.
    assert result.fills["units"].tolist() == pytest.approx(said["units"], rel=RELATIVE)
    assert result.fills["price"].tolist() == pytest.approx(said["price"], rel=RELATIVE)
    assert result.equity[:: SAID["every"]].tolist() == pytest.approx(said["equity"], rel=RELATIVE)
    profit = said["final_equity"] - capital
    assert result.equity[-1] - capital == pytest.approx(profit, rel=RELATIVE)


def test_oracles_trade_enough_to_say_something(oracle_market: ModuleType) -> None:
    assert len(ACCOUNTS) == 8
    for engine, name in ACCOUNTS:
        said = SAID[engine]["cases"][name]
        assert len(said["bar"]) >= 30
        assert np.abs(said["final_equity"] / oracle_market.CAPITAL - 1) > 0.001
        assert {True, False} == {units > 0 for units in said["units"]}
