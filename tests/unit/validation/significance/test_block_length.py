"""The block length against the published implementation and plain sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arch.bootstrap import optimal_block_length as published_block_length

from tests.unit.validation.significance.series import autoregression
from truebar.errors import ConfigurationError
from truebar.validation.significance import autocovariances, mean_block_length, optimal_block_length


@pytest.mark.parametrize(
    ("series", "block"),
    [
        # arch 8.0, optimal_block_length(x)["stationary"]
        (autoregression(0.0, 500), 1.2109203671700697),
        (np.sin(np.arange(300) / 7.0) + 0.3 * np.cos(np.arange(300) ** 2), 19.62203789784161),
        (autoregression(0.5, 500), 8.2396099110769),
        (autoregression(0.9, 1000), 42.49997374514822),
    ],
)
def test_optimal_block_length_equals_the_published_implementation(series: np.ndarray, block: float) -> None:
    assert optimal_block_length(series) == pytest.approx(block, rel=1e-9)


@pytest.mark.parametrize("phi", [-0.5, 0.0, 0.3, 0.8, 0.95])
@pytest.mark.parametrize("rows", [12, 60, 333, 7_000])
def test_optimal_block_length_equals_arch_on_any_series(phi: float, rows: int) -> None:
    series = autoregression(phi, rows, seed=rows)
    expected = float(published_block_length(series)["stationary"].iloc[0])
    assert optimal_block_length(series) == pytest.approx(max(expected, 1.0), rel=1e-9)


@pytest.mark.parametrize("series", [np.ones(100), np.arange(5.0), np.zeros(0)])
def test_optimal_block_length_nothing_to_see_is_one(series: np.ndarray) -> None:
    assert optimal_block_length(series) == 1


def test_optimal_block_length_missing_value_raises() -> None:
    with pytest.raises(ConfigurationError):
        optimal_block_length([1.0, math.nan, 2.0])


def test_mean_block_length_is_at_least_two_horizons_and_at_most_three_roots() -> None:
    noise = np.random.default_rng(0).standard_normal(10_000)
    assert mean_block_length(noise, horizon_bars=16) == 32
    assert mean_block_length(noise, horizon_bars=400) == 300
    slow = autoregression(0.97, 2_000)
    assert 2 < mean_block_length(slow, horizon_bars=1) == optimal_block_length(slow) < 3 * math.sqrt(2_000)


def test_autocovariances_equal_the_plain_sums() -> None:
    values = autoregression(0.5, 50)
    centred = values - values.mean()
    plain = [float(centred[: 50 - lag] @ centred[lag:]) / 50 for lag in range(6)]
    assert autocovariances(values, 5) == pytest.approx(plain)
