"""The correlation that pays for the costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from truebar.errors import ConfigurationError, CorruptDataError
from truebar.scores.breakeven import break_even_correlation, mean_of_tail

DATA = Path(__file__).parents[4] / "shared/data/klines/binance_um/15m"


def test_mean_of_tail_equals_a_simulation() -> None:
    draws = np.sort(np.random.default_rng(0).standard_normal(200_000))
    assert mean_of_tail(0.1) == pytest.approx(draws[-20_000:].mean(), abs=0.01)


def test_break_even_correlation_earns_exactly_the_costs() -> None:
    rng = np.random.default_rng(0)
    forecast, noise = rng.standard_normal((2, 400_000))
    correlation = break_even_correlation(0.01 * noise, round_trip_cost=0.003).value
    realised = 0.01 * (correlation * forecast + np.sqrt(1 - correlation**2) * noise)
    best = forecast >= np.quantile(forecast, 0.9)
    assert realised[best].mean() == pytest.approx(0.003, rel=0.03)


def test_break_even_correlation_missing_returns_are_left_out() -> None:
    values = np.array([0.01, np.nan, -0.01, 0.02])
    metric = break_even_correlation(values, round_trip_cost=0.003)
    assert metric.n == 3
    assert metric.value == pytest.approx(
        break_even_correlation(values[[0, 2, 3]], round_trip_cost=0.003).value
    )


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_break_even_correlation_infinite_return_is_corrupt_not_missing(bad: float) -> None:
    with pytest.raises(CorruptDataError, match="1 of 4 returns are infinite"):
        break_even_correlation([0.1, bad, 0.2, np.nan], round_trip_cost=0.003)


def test_break_even_correlation_still_market_is_null_with_reason() -> None:
    assert break_even_correlation([0.0, 0.0], round_trip_cost=0.003).reason == "2 returns do not vary"


@pytest.mark.parametrize(
    "kwargs",
    [
        {"round_trip_cost": -1.0},
        {"round_trip_cost": np.nan},
        {"round_trip_cost": np.inf},
        {"round_trip_cost": 0.1, "traded_share": 1.0},
        {"round_trip_cost": 0.1, "traded_share": np.nan},
    ],
)
def test_break_even_correlation_bad_arguments_raise(kwargs: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        break_even_correlation([0.1, 0.2], **kwargs)


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [("BTCUSDT", [0.36, 0.18, 0.13]), ("SOLUSDT", [0.19, 0.09, 0.07]), ("NEARUSDT", [0.16, 0.08, 0.06])],
)
def test_break_even_correlation_of_real_markets_at_4_16_and_32_bars(
    symbol: str, expected: list[float]
) -> None:
    path = DATA / f"{symbol}_2025.parquet"
    if not path.exists():
        pytest.skip("needs ../shared/data")
    close = np.log(pd.read_parquet(path)["close"].to_numpy(dtype=np.float64))
    for horizon_bars, correlation in zip((4, 16, 32), expected, strict=True):
        future_return = close[horizon_bars:] - close[:-horizon_bars]
        found = break_even_correlation(future_return, round_trip_cost=0.003).value
        assert found == pytest.approx(correlation, abs=0.006)
