"""Bars with gaps, dead spells and every optional column, for tests that change the future."""

from __future__ import annotations

import numpy as np
import pandas as pd


def causality_bars(seed: int = 0, rows: int = 700) -> pd.DataFrame:
    """Return klines of one hour with two gaps and one spell of zero volume."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, rows)))
    opened = np.r_[100.0, close[:-1]] * np.exp(rng.normal(0, 0.001, rows))
    volume = rng.exponential(10, rows)
    volume[300:330] = 0.0
    bars = pd.DataFrame(
        {
            "open_time": pd.date_range("2025-01-01", periods=rows, freq="1h", tz="UTC"),
            "open": opened,
            "high": np.maximum(opened, close) * np.exp(rng.exponential(0.003, rows)),
            "low": np.minimum(opened, close) * np.exp(-rng.exponential(0.003, rows)),
            "close": close,
            "volume": volume,
            "quote_volume": volume * close,
            "trades": rng.integers(0, 50, rows),
            "taker_buy_volume": volume * rng.uniform(0, 1, rows),
            "taker_buy_quote_volume": volume * close / 2,
        }
    )
    return bars.drop(index=[200, 401, 402]).reset_index(drop=True)
