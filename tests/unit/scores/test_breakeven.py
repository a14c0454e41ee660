"""The correlation that pays for the costs."""

from __future__ import annotations

import numpy as np
import pytest

from truebar.errors import ConfigurationError
from truebar.scores.breakeven import break_even_correlation, mean_of_tail


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


def test_break_even_correlation_still_market_is_null_with_reason() -> None:
    assert break_even_correlation([0.0, 0.0], round_trip_cost=0.003).reason == "2 returns do not vary"


@pytest.mark.parametrize("kwargs", [{"round_trip_cost": -1.0}, {"round_trip_cost": 0.1, "traded_share": 1.0}])
def test_break_even_correlation_bad_arguments_raise(kwargs: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        break_even_correlation([0.1, 0.2], **kwargs)
