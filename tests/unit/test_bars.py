"""Bars on the grid of the timeframe that they are given as."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from truebar.bars import grid_of
from truebar.errors import CorruptDataError, WrongTimeframeError
from truebar.volatility import estimate


def bars_at(minutes: list[int]) -> pd.DataFrame:
    times = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(minutes, unit="min")
    return pd.DataFrame(
        {"open_time": times, "open": 1.0, "high": 1.1, "low": 0.9, "close": 1.0, "volume": 1.0}
    )


def test_grid_of_coarser_bars_than_claimed_raises() -> None:
    bars = bars_at([0, 15, 30, 45, 60])
    with pytest.raises(WrongTimeframeError, match=r"expected 5m bars.* 15m"):
        grid_of(bars, "5m")
    with pytest.raises(WrongTimeframeError):
        estimate(bars, estimator="realized", window=2, timeframe="5m")


def test_grid_of_finer_bars_than_claimed_raises() -> None:
    with pytest.raises(CorruptDataError, match="multiple"):
        grid_of(bars_at([0, 15, 30, 45, 60]), "1h")


@pytest.mark.parametrize("minutes", [[], [0], [0, 15, 30, 45], [0, 15, 30, 45, 50, 65]])
def test_grid_of_few_bars_or_one_step_of_the_timeframe_is_accepted(minutes: list[int]) -> None:
    grid = grid_of(bars_at(minutes), "5m")
    assert (np.diff(grid.slot) * 5).tolist() == np.diff(minutes).tolist()
