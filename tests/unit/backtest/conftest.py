"""Markets to run accounts on, and the plain reference engine."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from truebar.config import BacktestConfig


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The engine in plain Python."""
    spec = importlib.util.spec_from_file_location(
        "reference_engine", Path(__file__).with_name("reference.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def free() -> BacktestConfig:
    """An account without any costs."""
    return BacktestConfig(initial_capital=1_000, costs={"fee_bps": 0, "slippage_bps": 0})


@pytest.fixture
def path() -> Callable[..., pd.DataFrame]:
    """Bars from opens and closes; high and low are the larger and smaller unless given."""

    def build(opens: list[float], closes: list[float], **columns: list[float]) -> pd.DataFrame:
        times = pd.date_range("2025-01-01", periods=len(opens), freq="1h", tz="UTC")
        frame = pd.DataFrame({"open_time": times, "open": opens, "close": closes, "volume": 1.0})
        frame["high"], frame["low"] = (
            frame[["open", "close"]].max(axis=1),
            frame[["open", "close"]].min(axis=1),
        )
        return frame.assign(**columns)

    return build


@pytest.fixture
def random_market() -> Callable[[int], pd.DataFrame]:
    """Wild bars with gaps and halts, so that every rule of the engine has something to do."""

    def build(seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        rows = int(rng.integers(2, 60))
        steps = rng.normal(0, rng.choice([0.01, 0.1, 0.4]), rows).cumsum()
        close = 100 * np.exp(steps)
        opened = np.concatenate(([100.0], close[:-1])) * np.exp(rng.normal(0, 0.02, rows))
        spread = np.exp(np.abs(rng.normal(0, 0.05, (2, rows))))
        frame = pd.DataFrame(
            {
                "open_time": pd.date_range("2025-01-01", periods=rows, freq="1h", tz="UTC"),
                "open": opened,
                "high": np.maximum(opened, close) * spread[0],
                "low": np.minimum(opened, close) / spread[1],
                "close": close,
                "volume": 1.0,
            }
        )
        still = rng.random(rows) < 0.15
        for name in ("open", "high", "low"):
            frame.loc[still, name] = frame.loc[still, "close"]
        frame.loc[still, "volume"] = 0.0
        keep = (rng.random(rows) > 0.1) | (np.arange(rows) < 2)
        return frame.loc[keep].reset_index(drop=True)

    return build
