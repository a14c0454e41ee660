"""The features of a whole history at once: the stream, folded over its bars."""

from __future__ import annotations

import pandas as pd

from truebar.errors import TooFewRowsError
from truebar.features.stream import FeatureStream


def batch(bars: pd.DataFrame, feature_set: str = "core", *, timeframe: str | None = None) -> pd.DataFrame:
    """Return the features of every bar of a history.

    Args:
        bars: n closed klines, ascending: open_time, open, high, low, close, volume, and where the source
            gives them trades and taker_buy_volume.
        feature_set: which families: "core", or the name of one family; see `FEATURE_SETS`.
        timeframe: length of a bar; the smallest step between bars by default.

    Returns:
        A frame of n rows, fresh index: open_time, available_at (the bar's close_time: no value of the row
        may be used earlier), and the columns, float64, in registry order. NaN during each column's warm-up,
        where more than 5 % of its window or weight is missing, and where an input is. Each row equals, bit
        for bit, what `FeatureStream.update` gives for the bar after those before it.

    Raises:
        ConfigurationError: for an unknown feature set or timeframe.
        SchemaError: when a required column is missing or one is not numeric.
        CorruptDataError: for times that do not ascend or leave the grid, and for impossible prices.
        WrongTimeframeError: when the bars are of a coarser timeframe.
        TooFewRowsError: for a single bar without a timeframe: when it closes is unknown.

    >>> bars = pd.DataFrame({"open_time": pd.date_range("2025-01-01", periods=2, freq="1h", tz="UTC"),
    ...     "open": 100.0, "high": 103.0, "low": 99.0, "close": [100.0, 102.0], "volume": 1.0})
    >>> batch(bars)[["available_at", "return_1"]].round(6)
                   available_at  return_1
    0 2025-01-01 01:00:00+00:00       NaN
    1 2025-01-01 02:00:00+00:00  0.019803
    """
    if len(bars) == 1 and timeframe is None:
        raise TooFewRowsError("one bar does not show when it closes; give its timeframe.")
    return FeatureStream(feature_set, timeframe=timeframe).extend(bars)
