"""Bars for tests of features: with gaps, dead spells, and every column that a source may give."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

STEP = pd.Timedelta("5min")


def random_bars(seed: int, rows: int, missing: Iterable[int] = ()) -> pd.DataFrame:
    """Return `rows` five-minute bars less the missing ones."""
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.004, rows)))
    opened = np.r_[50.0, close[:-1]] * np.exp(rng.normal(0, 0.0005, rows))
    volume = rng.lognormal(3, 0.6, rows)
    bars = pd.DataFrame(
        {
            "open_time": pd.date_range("2025-03-01", periods=rows, freq=STEP, tz="UTC"),
            "open": opened,
            "high": np.maximum(opened, close) * np.exp(rng.exponential(0.002, rows)),
            "low": np.minimum(opened, close) * np.exp(-rng.exponential(0.002, rows)),
            "close": close,
            "volume": volume,
            "trades": rng.integers(1, 500, rows),
            "taker_buy_volume": volume * rng.uniform(0.2, 0.8, rows),
        }
    )
    return bars.drop(index=list(missing)).reset_index(drop=True)
