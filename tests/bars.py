"""Bars of a path, for tests that are about something else than the bars."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd


def bars_of(close: npt.ArrayLike, *, start: str = "2025-01-01", step: str = "1h") -> pd.DataFrame:
    """Return bars without wicks that close at `close`; each opens at the close before, the first at 100."""
    closes = np.asarray(close, dtype=np.float64)
    opened = np.concatenate(([100.0], closes[:-1]))
    return pd.DataFrame(
        {
            "open_time": pd.date_range(start, periods=closes.size, freq=step, tz="UTC"),
            "open": opened,
            "high": np.maximum(opened, closes),
            "low": np.minimum(opened, closes),
            "close": closes,
            "volume": 1.0,
        }
    )
