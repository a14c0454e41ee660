from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from truebar.units import timeframe_nanoseconds

MakeBars = Callable[..., pd.DataFrame]

REAL_DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "klines"


@pytest.fixture(scope="session")
def make_bars() -> MakeBars:
    """Return a maker of valid bars with every measure: random prices, whole trades, taker share below one."""

    def make(n: int = 8, timeframe: str = "15m", start: str = "2025-01-01", seed: int = 0) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        close = 100 + random.normal(0, 1, n).cumsum().clip(-50, 50)
        opened = np.r_[100.0, close[:-1]]
        volume = random.uniform(1, 9, n)
        step = pd.Timedelta(timeframe_nanoseconds(timeframe), "ns")
        return pd.DataFrame(
            {
                "open_time": pd.date_range(start, periods=n, freq=step, tz="UTC"),
                "open": opened,
                "high": np.maximum(opened, close) + random.uniform(0, 1, n),
                "low": np.minimum(opened, close) - random.uniform(0, 1, n),
                "close": close,
                "volume": volume,
                "quote_volume": volume * 100,
                "trades": random.integers(1, 50, n),
                "taker_buy_volume": volume * 0.4,
                "taker_buy_quote_volume": volume * 40,
            }
        )

    return make


@pytest.fixture(scope="session")
def real() -> Callable[[str], pd.DataFrame]:
    """Return a reader of real klines by path; the test is skipped where they are not at hand."""

    def read(name: str) -> pd.DataFrame:
        path = REAL_DATA / f"{name}.parquet"
        if not path.is_file():
            pytest.skip(f"../shared/data is not there: {name}")
        return pd.read_parquet(path)

    return read
