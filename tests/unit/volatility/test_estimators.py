"""Every estimator must equal a plain-Python reading of METHOD §1, gaps and dead markets included."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar.errors import ConfigurationError, CorruptDataError, SchemaError, UnknownTimeframeError
from truebar.volatility import ESTIMATORS, estimate

HOUR = pd.Timedelta("1h")


def random_bars(rng: np.random.Generator, rows: int, *, steps: int = 8, scale: float = 0.01) -> pd.DataFrame:
    """Bars of a random walk with `steps` prices inside each."""
    path = np.exp(np.cumsum(rng.normal(0, scale / math.sqrt(steps), rows * steps))).reshape(rows, steps) * 100
    opened = np.r_[100.0, path[:-1, -1]] * np.exp(rng.normal(0, scale / 20, rows))
    inside = np.c_[opened, path]
    return pd.DataFrame(
        {
            "open_time": pd.date_range("2025-01-01", periods=rows, freq="1h", tz="UTC"),
            "open": opened,
            "high": inside.max(axis=1),
            "low": inside.min(axis=1),
            "close": path[:, -1],
            "volume": rng.integers(0, 3, rows).astype(float),
        }
    )


def reference(bars: pd.DataFrame, estimator: str, window: int, tick_size: float | None) -> list[float]:
    """METHOD §1 read literally, one bar at a time."""
    rows = bars.to_dict("records")
    by_time = {row["open_time"]: row for row in rows}
    start = rows[0]["open_time"]
    before = {row["open_time"]: by_time.get(row["open_time"] - HOUR) for row in rows}
    ranges = []
    for row in rows:
        reach = [row["high"] - row["low"]]
        if before[row["open_time"]] is not None:
            last = before[row["open_time"]]["close"]
            reach += [abs(row["high"] - last), abs(row["low"] - last)]
        ranges.append(max(reach))
    wilder: list[float] = [math.nan] * len(rows)
    for index in range(window, len(rows)):
        if index == window:
            wilder[index] = statistics.fmean(ranges[1 : window + 1])
        else:
            wilder[index] = (wilder[index - 1] * (window - 1) + ranges[index]) / window
    sigmas = []
    for index, row in enumerate(rows):
        time = row["open_time"]
        inside = [by_time[time - HOUR * back] for back in range(window) if time - HOUR * back in by_time]
        needed = window - 1 if estimator in {"parkinson", "garman_klass"} else window
        dead = sum(member["volume"] == 0 for member in inside)
        if time - HOUR * needed < start or len(inside) < 0.95 * window or dead > len(inside) / 2:
            sigmas.append(math.nan)
            continue
        sigma = formula(estimator, inside, before, window)
        if estimator == "atr":
            sigma = wilder[index] / row["close"] / math.sqrt(8 / math.pi)
        if tick_size is not None and sigma < 0.1 * tick_size / row["close"]:
            sigma = math.nan
        sigmas.append(sigma)
    return sigmas


def formula(estimator: str, inside: list[dict], before: dict, window: int) -> float:
    logs = [[math.log(row[name]) for name in ("open", "high", "low", "close")] for row in inside]
    lasts = [before[row["open_time"]] for row in inside]
    pairs = [
        (log, math.log(last["close"])) for log, last in zip(logs, lasts, strict=True) if last is not None
    ]
    if estimator == "realized":
        return math.sqrt(statistics.fmean((log[3] - last) ** 2 for log, last in pairs))
    if estimator == "parkinson":
        return math.sqrt(statistics.fmean((h - low) ** 2 for _, h, low, _ in logs) / (4 * math.log(2)))
    if estimator == "garman_klass":
        factor = 2 * math.log(2) - 1
        terms = [0.5 * (h - low) ** 2 - factor * (c - o) ** 2 for o, h, low, c in logs]
        return math.sqrt(max(statistics.fmean(terms), 0.0))
    if estimator == "yang_zhang":
        kappa = 0.34 / (1.34 + (window + 1) / (window - 1))
        overnight = statistics.variance([log[0] - last for log, last in pairs])
        within = statistics.variance([c - o for o, _, _, c in logs])
        rogers = statistics.fmean((h - c) * (h - o) + (low - c) * (low - o) for o, h, low, c in logs)
        return math.sqrt(overnight + kappa * within + (1 - kappa) * rogers)
    return math.nan


@pytest.mark.parametrize("estimator", ESTIMATORS)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), window=st.integers(3, 45), gaps=st.integers(0, 6))
def test_estimate_with_gaps_and_dead_bars_equals_the_plain_reference(estimator, seed, window, gaps):
    rng = np.random.default_rng(seed)
    whole = random_bars(rng, 130)
    missing = rng.choice(np.arange(1, 130), gaps, replace=False)
    bars = whole.drop(index=missing).reset_index(drop=True)
    tick_size = rng.choice([None, 8.0])  # 8 of 100: a tenth of it is close to sigma
    found = estimate(bars, estimator, window=window, timeframe="1h", tick_size=tick_size)
    expected = reference(bars, estimator, window, tick_size)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13)


def test_estimate_realized_by_hand():
    prices = [100.0, 110.0, 99.0, 99.0]
    bars = random_bars(np.random.default_rng(0), 4).assign(volume=1.0)
    bars[["open", "high", "low", "close"]] = np.column_stack([prices] * 4)
    found = estimate(bars, "realized", window=2)
    r1, r2 = math.log(1.1), math.log(0.9)
    expected = [math.nan, math.nan, math.sqrt((r1 * r1 + r2 * r2) / 2), math.sqrt(r2 * r2 / 2)]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_estimate_of_a_random_walk_is_on_one_scale(estimator):
    bars = random_bars(np.random.default_rng(1), 4_000, steps=400).assign(volume=1.0)
    sigma = estimate(bars, estimator, window=96)
    assert np.nanmean(sigma) == pytest.approx(0.01, rel=0.06)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("missing", [4, 5])
def test_estimate_of_a_window_of_96_allows_4_missing_bars(estimator, missing):
    whole = random_bars(np.random.default_rng(2), 300).assign(volume=1.0)
    bars = whole.drop(index=range(150, 150 + missing)).reset_index(drop=True)
    sigma = estimate(bars, estimator, window=96)
    after = bars["open_time"] >= whole["open_time"][150]
    covers = after & (bars["open_time"] < whole["open_time"][150] + 96 * HOUR)
    assert np.isnan(sigma[covers]).any() == (missing == 5)
    assert not np.isnan(sigma[97:150]).any()
    assert not np.isnan(sigma[-50:]).any()


def test_estimate_leaves_out_the_return_across_a_gap_and_nothing_else():
    bars = random_bars(np.random.default_rng(3), 200).assign(volume=1.0)
    jumped = bars.copy()
    jumped.loc[100:, ["open", "high", "low", "close"]] *= 5
    kept = [row for row in range(200) if row != 99]
    for estimator in ESTIMATORS:
        plain = estimate(bars.iloc[kept].reset_index(drop=True), estimator, window=48)
        found = estimate(jumped.iloc[kept].reset_index(drop=True), estimator, window=48)
        if estimator == "atr":  # its memory is in prices, five times higher after the jump
            np.testing.assert_allclose(found[:99], plain[:99], rtol=1e-12)
        else:
            np.testing.assert_allclose(found, plain, rtol=1e-9)


def test_estimate_with_more_than_half_dead_bars_is_missing():
    bars = random_bars(np.random.default_rng(4), 40).assign(volume=1.0)
    bars.loc[20:24, "volume"] = 0.0
    assert not np.isnan(estimate(bars, "parkinson", window=10)[9:]).any()
    bars.loc[25, "volume"] = 0.0
    found = estimate(bars, "parkinson", window=10)
    assert np.flatnonzero(np.isnan(found[9:])).tolist() == [16, 17, 18, 19, 20]


def test_estimate_of_one_window_is_the_same_wherever_history_begins():
    bars = random_bars(np.random.default_rng(6), 400).drop(index=[211, 300]).reset_index(drop=True)
    for estimator in set(ESTIMATORS) - {"atr"}:
        whole = estimate(bars, estimator, window=30)
        tail = estimate(bars.iloc[123:].reset_index(drop=True), estimator, window=30)
        assert np.array_equal(tail[30:], whole[153:], equal_nan=True)


def test_estimate_of_unmoved_prices_is_exactly_zero_and_missing_with_a_tick():
    bars = random_bars(np.random.default_rng(7), 30).assign(
        open=3.3, high=3.3, low=3.3, close=3.3, volume=1.0
    )
    for estimator in ESTIMATORS:
        assert (estimate(bars, estimator, window=5)[5:] == 0).all()
        assert np.isnan(estimate(bars, estimator, window=5, tick_size=0.1)).all()


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_estimate_of_too_few_bars_is_missing(rows):
    bars = random_bars(np.random.default_rng(8), 3).iloc[:rows]
    for estimator in ESTIMATORS:
        assert np.isnan(estimate(bars, estimator, window=3)).tolist() == [True] * rows


@pytest.mark.parametrize("column", ["open", "high", "low", "close"])
@pytest.mark.parametrize("price", [0.0, -1.0, math.nan, math.inf])
def test_estimate_of_an_impossible_price_raises(column, price):
    bars = random_bars(np.random.default_rng(9), 20)
    bars.loc[7, column] = price
    with pytest.raises(CorruptDataError, match=f"{column} must be a positive number: 1 of 20"):
        estimate(bars, "realized", window=5)


def test_estimate_of_bad_bars_or_arguments_raises_a_named_error():
    bars = random_bars(np.random.default_rng(10), 20)
    cases = [
        (bars.iloc[[0, 2, 1]], {}, CorruptDataError),
        (bars.iloc[[0, 1, 1]], {}, CorruptDataError),
        (bars.iloc[[0, 1]], {"timeframe": "4h"}, CorruptDataError),
        (bars.assign(high=bars["low"] * 0.5), {}, CorruptDataError),
        (bars.drop(columns="volume"), {}, SchemaError),
        (bars.drop(columns="open_time"), {}, SchemaError),
        (bars.assign(close="x"), {}, SchemaError),
        (bars, {"timeframe": "7m"}, UnknownTimeframeError),
        (bars, {"window": 1}, ConfigurationError),
        (bars, {"window": 2.5}, ConfigurationError),
        (bars, {"estimator": "close"}, ConfigurationError),
        (bars, {"tick_size": 0.0}, ConfigurationError),
        (bars, {"tick_size": math.nan}, ConfigurationError),
    ]
    for frame, changed, error in cases:
        arguments = {"estimator": "realized", "window": 5} | changed
        with pytest.raises(error):
            estimate(frame, arguments.pop("estimator"), **arguments)


def test_estimate_does_not_change_its_bars():
    bars = random_bars(np.random.default_rng(11), 50)
    before = bars.copy(deep=True)
    for estimator in ESTIMATORS:
        estimate(bars, estimator, window=10)
    pd.testing.assert_frame_equal(bars, before)
