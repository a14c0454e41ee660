from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from truebar.partitions import Partition
from truebar.units import TIMEFRAME_SECONDS
from truebar_io.warehouse import Warehouse
from truebar_io.warehouse.files import SchemaFiles

MakeBars = Callable[..., pd.DataFrame]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "home")


@pytest.fixture(scope="session")
def hourly() -> Partition:
    return Partition("BTC-USD", "1h")


@pytest.fixture(scope="session")
def by_minute() -> Partition:
    return Partition("BTCUSDT", "1m")


@pytest.fixture
def files(warehouse: Warehouse, hourly: Partition) -> SchemaFiles:
    """Where the market of `hourly` lies."""
    return SchemaFiles(warehouse.root, hourly, "market")


@pytest.fixture(scope="session")
def make_bars() -> MakeBars:
    """Bars of a wave; `level` shifts every price, so that frames of different levels differ in every row."""

    def make(n: int, start: str = "2024-01-01", timeframe: str = "1h", level: float = 100.0) -> pd.DataFrame:
        step = pd.Timedelta(seconds=TIMEFRAME_SECONDS[timeframe])
        open_time = pd.date_range(start, periods=n, freq=step, tz="UTC")
        close = level + np.sin(np.arange(n) / 5)
        return pd.DataFrame(
            {
                "open_time": open_time,
                "close_time": open_time + step,
                "open": close,
                "high": close + 1,
                "low": close - 1,
                "close": close,
                "volume": np.arange(n, dtype=float),
                "trades": pd.array([None if i % 3 == 0 else i for i in range(n)], dtype="Int64"),
                "source": "test",
            }
        )

    return make


@pytest.fixture(scope="session")
def make_family(make_bars: MakeBars) -> MakeBars:
    """Feature columns over the times of `make_bars`; the first two rows are warm-up."""

    def make(n: int, *columns: str, start: str = "2024-01-01", timeframe: str = "1h") -> pd.DataFrame:
        frame = make_bars(n, start, timeframe)[["open_time"]]
        for position, column in enumerate(columns):
            values = np.arange(n) * 0.1 + position
            values[:2] = np.nan
            frame[column] = values
        return frame

    return make
