"""The price family must equal a plain reading of its declarations, gaps included."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from truebar.errors import CorruptDataError, SchemaError
from truebar.features.price import PRICE

STEP = pd.Timedelta("5min")
WINDOW = 96


def random_bars(seed: int, rows: int, missing: tuple[int, ...] = ()) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.004, rows)))
    bars = pd.DataFrame(
        {
            "open_time": pd.date_range("2025-03-01", periods=rows, freq=STEP, tz="UTC"),
            "open": close,
            "high": close * np.exp(rng.exponential(0.003, rows)),
            "low": close * np.exp(-rng.exponential(0.003, rows)),
            "close": close,
            "volume": 1.0,
        }
    )
    return bars.drop(index=list(missing)).reset_index(drop=True)


def reference(bars: pd.DataFrame) -> pd.DataFrame:
    by_time = {row["open_time"]: row for row in bars.to_dict("records")}
    start = bars["open_time"][0]
    rows = []
    for time, bar in by_time.items():
        row = {}
        for back in (1, 4, 24):
            earlier = by_time.get(time - STEP * back)
            row[f"return_{back}"] = math.log(bar["close"] / earlier["close"]) if earlier else math.nan
        times = [time - STEP * back for back in range(WINDOW) if time - STEP * back in by_time]
        inside = [by_time[moment] for moment in times]
        row |= {"range_position_96": math.nan, "mean_distance_96": math.nan}
        if time - STEP * WINDOW >= start and len(inside) >= 0.95 * WINDOW:
            lowest, highest = min(b["low"] for b in inside), max(b["high"] for b in inside)
            row["range_position_96"] = (bar["close"] - lowest) / (highest - lowest)
            pairs = [(by_time[m]["close"], by_time[m - STEP]["close"]) for m in times if m - STEP in by_time]
            sigma = math.sqrt(np.mean([math.log(now / last) ** 2 for now, last in pairs]))
            mean = np.mean([math.log(b["close"]) for b in inside])
            row["mean_distance_96"] = (math.log(bar["close"]) - mean) / (sigma * math.sqrt(WINDOW))
        rows.append(row)
    return pd.DataFrame(rows)


@pytest.mark.parametrize("missing", [(), (40, 150, 151, 152), tuple(range(200, 206))])
def test_price_equals_the_plain_reference(missing):
    bars = random_bars(1, 420, missing)
    found = PRICE.compute(bars, timeframe="5m")
    assert tuple(found.columns) == ("open_time", *PRICE.columns)
    expected = reference(bars)[list(PRICE.columns)]
    np.testing.assert_allclose(found[list(PRICE.columns)], expected, rtol=1e-8, atol=1e-13)


def test_price_of_a_window_without_movement_is_missing_not_infinite():
    bars = random_bars(2, 200).assign(open=7.0, high=7.0, low=7.0, close=7.0)
    found = PRICE.compute(bars)
    assert (found["return_24"][24:] == 0).all()
    assert found[["range_position_96", "mean_distance_96"]].isna().all(axis=None)


def test_price_of_impossible_or_missing_input_raises():
    bars = random_bars(3, 30)
    with pytest.raises(CorruptDataError):
        PRICE.compute(bars.assign(low=0.0))
    with pytest.raises(SchemaError):
        PRICE.compute(bars.drop(columns="high"))
