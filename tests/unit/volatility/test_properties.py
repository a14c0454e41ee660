"""What the estimators promise of a Brownian motion, and what their arithmetic promises."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pandas as pd
import pytest

from truebar.tables import schema_of
from truebar.volatility import ESTIMATORS, estimate, estimate_all
from truebar.volatility.windowed import _set_log_ratios

WINDOWED = sorted(set(ESTIMATORS) - {"atr"})
STEPS = 400
WINDOW = 100
# A path seen at N steps misses its continuous maximum by 0.5826 sigma / √N on average (Broadie, Glasserman &
# Kou 1997), on each side; E[range] = √(8/π) sigma. That makes what reads high and low too small:
MISSED = 0.5826 / math.sqrt(STEPS)
RANGE = math.sqrt(8 / math.pi)
LOST_ROGERS = -2 * RANGE * MISSED + 2 * MISSED**2
LOST_RANGE = -4 * RANGE * MISSED + 4 * MISSED**2
KAPPA = 0.34 / (1.34 + (WINDOW + 1) / (WINDOW - 1))
EXPECTED_VARIANCE = {
    "realized": 1.0,
    "parkinson": 1 + LOST_RANGE / (4 * math.log(2)),
    "garman_klass": 1 + LOST_RANGE / 2,
    "yang_zhang": KAPPA + (1 - KAPPA) * (1 + LOST_ROGERS),
    "atr": (1 - 2 * MISSED / RANGE) ** 2,
}


def brownian_bars(
    seed: int, rows: int, *, steps: int, scale: float = 0.01, drift: float = 0.0
) -> pd.DataFrame:
    """Bars of a Brownian path of `scale` per bar, each opening at the close before."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(drift / steps, scale / math.sqrt(steps), (rows, steps))
    path = np.cumsum(moves.ravel()).reshape(rows, steps)
    opened = np.r_[0.0, path[:-1, -1]]
    inside = np.c_[opened, path]
    logs = {"open": opened, "high": inside.max(axis=1), "low": inside.min(axis=1), "close": path[:, -1]}
    times = pd.date_range("2025-01-01", periods=rows, freq="1h", tz="UTC")
    return pd.DataFrame(
        {"open_time": times} | {k: 100 * np.exp(v) for k, v in logs.items()} | {"volume": 1.0}
    )


@pytest.fixture(scope="module")
def fine_bars() -> pd.DataFrame:
    return brownian_bars(1, 6_001, steps=STEPS)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_estimate_of_a_brownian_motion_is_unbiased_but_for_the_steps_of_its_path(fine_bars, estimator):
    found = estimate(fine_bars, estimator, window=WINDOW)[WINDOW::WINDOW]  # windows that share no bar
    squares = (found / 0.01) ** 2
    error = squares.std(ddof=1) / math.sqrt(squares.size)
    # The square of a smoothed mean holds its own variance, below one part in a window.
    allowance = 0.005 if estimator == "atr" else 0.0
    assert abs(squares.mean() - EXPECTED_VARIANCE[estimator]) < 4 * error + allowance
    assert error < 0.03


def test_estimate_under_a_strong_drift_only_yang_zhang_stays():
    still, drifting = (
        estimate_all(brownian_bars(2, 2_000, steps=STEPS, drift=drift), window=WINDOW).iloc[WINDOW:]
        for drift in (0.0, 0.02)
    )
    ratio = drifting.mean() / still.mean()
    assert ratio["yang_zhang"] == pytest.approx(1, abs=0.03)
    assert ratio["realized"] == pytest.approx(math.sqrt(5), rel=0.05)  # sqrt(sigma² + drift²)
    assert (ratio[["parkinson", "garman_klass"]] > 1.2).all()
    assert ratio["atr"] < 0.7  # its memory is in prices, which are higher now


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_estimate_knows_no_scale_of_prices_and_no_date(estimator):
    bars = brownian_bars(3, 400, steps=8)
    plain = estimate(bars, estimator, window=30)
    prices = ["open", "high", "low", "close"]
    scaled = estimate(bars.assign(**{name: bars[name] * 7.3e4 for name in prices}), estimator, window=30)
    later = bars.assign(open_time=bars["open_time"] + pd.Timedelta("17h"))  # other blocks of the same windows
    np.testing.assert_allclose(scaled, plain, rtol=1e-11)
    np.testing.assert_allclose(estimate(later, estimator, window=30), plain, rtol=1e-12)


def test_estimate_all_is_every_estimate_and_the_table_declares_them():
    bars = brownian_bars(4, 300, steps=8).drop(index=[77, 78, 200]).set_index(pd.Index(range(500, 797)))
    frame = estimate_all(bars, window=40, timeframe="1h", tick_size=0.5)
    assert list(frame.columns) == list(ESTIMATORS)
    assert frame.index.tolist() == list(range(297))
    for estimator in ESTIMATORS:
        alone = estimate(bars, estimator, window=40, timeframe="1h", tick_size=0.5)
        assert np.array_equal(frame[estimator], alone, equal_nan=True)
        assert np.isfinite(alone).any()
    assert list(schema_of("labels.volatility").columns) == ["open_time", *ESTIMATORS]


@pytest.mark.parametrize("estimator", WINDOWED)
def test_estimate_after_a_huge_bar_has_left_has_the_bits_as_if_it_had_not_been(estimator):
    bars = brownian_bars(5, 300, steps=8)
    struck = bars.copy()
    struck.loc[100, "high"] *= 1e6
    struck.loc[100, "low"] *= 1e-6
    plain, found = (estimate(each, estimator, window=48) for each in (bars, struck))
    assert np.array_equal(found[149:], plain[149:])
    if estimator != "realized":
        assert (found[100:148] > 1.5 * plain[100:148]).all()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_estimate_of_a_window_longer_than_history_is_missing(estimator):
    bars = brownian_bars(6, 50, steps=8)
    assert np.isnan(estimate(bars, estimator, window=51)).all()
    assert np.isnan(estimate(bars, estimator, window=100_000)).all()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_estimate_with_volume_nowhere_is_missing_and_with_unknown_volume_is_not(estimator):
    bars = brownian_bars(7, 50, steps=8)
    assert np.isnan(estimate(bars.assign(volume=0.0), estimator, window=10)).all()
    assert np.isfinite(estimate(bars.assign(volume=math.nan), estimator, window=10)[10:]).all()


def test_estimate_reads_any_type_of_number_and_any_layout():
    bars = brownian_bars(8, 60, steps=8).round(2)
    expected = estimate_all(bars, window=10)
    for name in ("open", "high", "low", "close", "volume"):
        bars[name] = bars[name].astype("Float64")
    strided = pd.DataFrame(
        np.repeat(bars.iloc[:, 1:].to_numpy(float), 2, axis=1)[:, ::2], columns=bars.columns[1:]
    )
    strided.insert(0, "open_time", bars["open_time"].dt.as_unit("ms"))
    for given in (bars, strided):
        pd.testing.assert_frame_equal(estimate_all(given, window=10), expected, check_exact=True)


@pytest.mark.parametrize("largest", [1e-12, 1e-6, 1e-3, 0.05, 0.11, 0.5, 20.0])
def test_log_ratio_is_within_four_units_in_the_last_place(largest):
    rng = np.random.default_rng(9)
    below = rng.uniform(1e-5, 1e5, 200)
    above = below * np.exp(rng.uniform(-largest, largest, 200))
    found = np.empty(200)
    _set_log_ratios(above, below, found)
    with localcontext() as context:
        context.prec = 50
        exact = [float((Decimal(a) / Decimal(b)).ln()) for a, b in zip(above, below, strict=True)]
    np.testing.assert_array_max_ulp(found, np.array(exact), maxulp=4)
    _set_log_ratios(below, below, found)
    assert (found == 0).all()
