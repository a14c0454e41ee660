"""Labels must equal a plain reading of METHOD §1, on whole history and beside gaps."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar.errors import ConfigurationError, CorruptDataError, SchemaError
from truebar.labels import vol_scaled, vol_scaled_all

STEP = pd.Timedelta("15min")


def random_bars(rng: np.random.Generator, rows: int, gaps: int) -> pd.DataFrame:
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, rows + gaps)))
    times = pd.date_range("2025-01-01", periods=rows + gaps, freq=STEP, tz="UTC")
    kept = np.sort(rng.choice(rows + gaps, rows, replace=False))
    return pd.DataFrame({"open_time": times[kept], "close": close[kept]})


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    gaps=st.integers(0, 8),
    horizon=st.integers(1, 12),
    k=st.floats(0.2, 3),
    zone=st.booleans(),
)
def test_vol_scaled_with_gaps_equals_the_plain_reference(seed, gaps, horizon, k, zone):
    rng = np.random.default_rng(seed)
    bars = random_bars(rng, 60, gaps)
    sigma = np.where(rng.random(60) < 0.1, np.nan, rng.uniform(0.002, 0.02, 60))
    found = vol_scaled(bars, sigma, k=k, horizon_bars=horizon, neutral_zone=zone, timeframe="15m")
    assert list(found.columns) == ["sigma", "tau", "future_return", "label", "label_end"]
    close = dict(zip(bars["open_time"], bars["close"], strict=True))
    for row, time in enumerate(bars["open_time"]):
        needed = [time + STEP * ahead for ahead in range(1, horizon + 1)]
        tau = k * sigma[row] * math.sqrt(horizon)
        whole = all(moment in close for moment in needed)
        change = math.log(close[needed[-1]] / close[time]) if whole else math.nan
        label, end = math.nan, pd.NaT
        if whole and not math.isnan(tau):
            label = float(np.sign(change)) if abs(change) > tau or not zone else 0.0
            end = needed[-1] + STEP
        np.testing.assert_allclose(
            found.iloc[row, :4].astype(float), [sigma[row], tau, change, label], rtol=1e-12, atol=0
        )
        assert (found["label_end"][row] == end) or (pd.isna(end) and pd.isna(found["label_end"][row]))


def test_vol_scaled_by_hand():
    times = pd.DatetimeIndex(["2025-01-01 00:00", "2025-01-01 01:00", "2025-01-01 02:00", "2025-01-01 04:00"])
    bars = pd.DataFrame({"open_time": times, "close": [100.0, 100.0, 90.0, 91.0]}, index=[9, 8, 7, 6])
    found = vol_scaled(
        bars, pd.Series([0.1, 0.01, 0.01, None], dtype="Float64"), k=2.0, horizon_bars=1, timeframe="1h"
    )
    assert found["tau"].tolist()[:3] == [0.2, 0.02, 0.02]
    np.testing.assert_array_equal(found["label"], [0, -1, math.nan, math.nan])
    assert found["future_return"].tolist()[:2] == [0.0, math.log(0.9)]
    assert found["label_end"].dtype == "datetime64[ns, UTC]"
    assert found["label_end"][0] == pd.Timestamp("2025-01-01 02:00", tz="UTC")
    assert found["label_end"].isna().tolist() == [False, False, True, True]
    assert found.index.tolist() == [0, 1, 2, 3]


def test_vol_scaled_return_equal_to_tau_is_flat():
    bars = random_bars(np.random.default_rng(0), 2, 0)
    move = abs(math.log(bars["close"][1] / bars["close"][0]))
    assert vol_scaled(bars, [move, move], k=1.0, horizon_bars=1, timeframe="15m")["label"][0] == 0
    below = np.nextafter(move, 0)
    assert abs(vol_scaled(bars, [below] * 2, k=1.0, horizon_bars=1, timeframe="15m")["label"][0]) == 1


@pytest.mark.parametrize("rows", [0, 1, 3, 4])
def test_vol_scaled_with_no_bar_at_the_horizon_has_no_label(rows):
    bars = random_bars(np.random.default_rng(1), 4, 0).iloc[:rows]
    found = vol_scaled(bars, np.full(rows, 0.01), k=1.0, horizon_bars=4, timeframe="15m")
    assert len(found) == rows
    assert found[["future_return", "label", "label_end"]].isna().all(axis=None)


def test_vol_scaled_bad_arguments_raise_named_errors():
    bars = random_bars(np.random.default_rng(2), 5, 0)
    sigma = np.full(5, 0.01)
    good = {"bars": bars, "sigma": sigma, "k": 1.0, "horizon_bars": 2, "timeframe": "15m"}
    cases = [
        ({"sigma": sigma[:4]}, SchemaError),
        ({"sigma": np.r_[sigma[:4], -0.01]}, CorruptDataError),
        ({"sigma": np.r_[sigma[:4], np.inf]}, CorruptDataError),
        ({"k": 0.0}, ConfigurationError),
        ({"k": math.nan}, ConfigurationError),
        ({"horizon_bars": 0}, ConfigurationError),
        ({"horizon_bars": 1.5}, ConfigurationError),
        ({"timeframe": "15min"}, ConfigurationError),
        ({"timeframe": "1h"}, CorruptDataError),
        ({"bars": bars.iloc[::-1]}, CorruptDataError),
        ({"bars": bars.assign(close=0.0)}, CorruptDataError),
        ({"bars": bars[["open_time"]]}, SchemaError),
    ]
    for changed, error in cases:
        with pytest.raises(error):
            vol_scaled(**(good | changed))


def test_vol_scaled_without_a_timeframe_is_a_type_error():
    with pytest.raises(TypeError):
        vol_scaled(random_bars(np.random.default_rng(3), 3, 0), [0.1] * 3, k=1.0, horizon_bars=1)


@pytest.mark.parametrize("zone", [True, False])
def test_vol_scaled_without_volatility_has_no_threshold_and_no_label(zone):
    bars = random_bars(np.random.default_rng(4), 4, 0)
    found = vol_scaled(
        bars, [0.0, 0.01, 5e-324, 0.01], k=0.1, horizon_bars=1, neutral_zone=zone, timeframe="15m"
    )
    assert found["tau"].isna().tolist() == [True, False, True, False]
    assert found["label"].isna().tolist() == [True, False, True, True]
    assert found["label_end"].isna().tolist() == [True, False, True, True]
    assert found["future_return"].notna().tolist() == [True, True, True, False]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), gaps=st.integers(0, 8), zone=st.booleans())
def test_vol_scaled_all_is_vol_scaled_for_each_horizon_and_k(seed, gaps, zone):
    rng = np.random.default_rng(seed)
    bars = random_bars(rng, 60, gaps)
    sigma = np.where(rng.random(60) < 0.1, np.nan, rng.uniform(0.002, 0.02, 60))
    horizons, thresholds = [1, 5, 16, 200], [0.5, 1.0, 1.7]
    found = vol_scaled_all(
        bars, sigma, k=thresholds, horizon_bars=horizons, neutral_zone=zone, timeframe="15m"
    )
    assert list(found) == [(horizon, k) for horizon in horizons for k in thresholds]
    for (horizon, k), frame in found.items():
        alone = vol_scaled(bars, sigma, k=k, horizon_bars=horizon, neutral_zone=zone, timeframe="15m")
        pd.testing.assert_frame_equal(frame, alone, check_exact=True)
        assert horizon < 200 or frame["label"].isna().all()


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"k": []}, ConfigurationError),
        ({"horizon_bars": []}, ConfigurationError),
        ({"k": [1.0, -1.0]}, ConfigurationError),
        ({"horizon_bars": [4, 0]}, ConfigurationError),
        ({"sigma": [0.01] * 4}, SchemaError),
    ],
)
def test_vol_scaled_all_bad_arguments_raise_named_errors(changed, error):
    bars = random_bars(np.random.default_rng(5), 5, 0)
    good = {"bars": bars, "sigma": [0.01] * 5, "k": [1.0], "horizon_bars": [1], "timeframe": "15m"}
    with pytest.raises(error):
        vol_scaled_all(**(good | changed))


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_vol_scaled_with_a_horizon_far_beyond_the_data_has_no_label(rows):
    bars = random_bars(np.random.default_rng(6), rows, 0)
    found = vol_scaled(bars, np.full(rows, 0.01), k=1.0, horizon_bars=10**9, timeframe="15m")
    assert len(found) == rows
    assert found["tau"].notna().all()
    assert found[["future_return", "label", "label_end"]].isna().all(axis=None)


def test_vol_scaled_of_constant_prices_is_flat_where_there_is_a_volatility():
    bars = random_bars(np.random.default_rng(7), 5, 0).assign(close=100.0)
    assert (
        vol_scaled(bars, [0.01] * 5, k=1.0, horizon_bars=1, timeframe="15m")["label"].tolist()[:4] == [0] * 4
    )
    assert vol_scaled(bars, [0.0] * 5, k=1.0, horizon_bars=1, timeframe="15m")["label"].isna().all()


@pytest.mark.parametrize("order", [[0, 2, 1], [0, 1, 1]])
def test_vol_scaled_of_times_that_do_not_ascend_raises(order):
    bars = random_bars(np.random.default_rng(8), 5, 0).iloc[order]
    with pytest.raises(CorruptDataError):
        vol_scaled(bars, [0.01] * 3, k=1.0, horizon_bars=1, timeframe="15m")
