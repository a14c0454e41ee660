"""Sharpe ratios against luck: the numbers of the papers, simulations, and bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from truebar.errors import ConfigurationError
from truebar.validation.significance import (
    deflated_sharpe_ratio,
    expected_max_sharpe,
    min_detectable_sharpe,
    probabilistic_sharpe_ratio,
)


def test_probabilistic_sharpe_ratio_of_the_paper() -> None:
    # Bailey & López de Prado (2012): 24 monthly returns of Sharpe 0.458, 1.59 a year.
    monthly = 0.458
    assert probabilistic_sharpe_ratio(monthly, n=24, skew=-2.448, kurtosis=10.164) == pytest.approx(
        0.913, abs=5e-4
    )
    assert probabilistic_sharpe_ratio(monthly, n=24, skew=0, kurtosis=3) == pytest.approx(0.982, abs=5e-4)


def test_probabilistic_sharpe_ratio_is_the_share_of_records_that_luck_explains() -> None:
    # Under a true Sharpe ratio of SR₀ the probability is uniform: 5 % of records reach 95 %.
    records = 0.1 + np.random.default_rng(0).standard_normal((4_000, 250))
    found = [
        probabilistic_sharpe_ratio(ratio, n=250, skew=0, kurtosis=3, benchmark=0.1)
        for ratio in records.mean(axis=1) / records.std(axis=1, ddof=1)
    ]
    assert np.mean(np.array(found) >= 0.95) == pytest.approx(0.05, abs=0.014)


def test_deflated_sharpe_ratio_of_the_paper() -> None:
    # Bailey & López de Prado (2014): yearly Sharpe 2.5 over 1250 days, variance of trials 1/2 a year.
    case = {"n": 1250, "skew": -3, "kurtosis": 10, "standard_deviation": math.sqrt(0.5 / 250)}
    daily = 2.5 / math.sqrt(250)
    assert deflated_sharpe_ratio(daily, n_trials=100, **case) == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe_ratio(daily, n_trials=46, **case) == pytest.approx(0.9505, abs=5e-5)
    normal = case | {"skew": 0, "kurtosis": 3}
    assert deflated_sharpe_ratio(daily, n_trials=88, **normal) == pytest.approx(0.9505, abs=5e-5)


def test_deflated_sharpe_ratio_of_one_look_is_the_probabilistic_one() -> None:
    moments = {"n": 7008, "skew": 0.3, "kurtosis": 9.0}
    assert deflated_sharpe_ratio(0.01, n_trials=1, **moments) == probabilistic_sharpe_ratio(0.01, **moments)
    assert deflated_sharpe_ratio(0.01, n_trials=2, **moments) < deflated_sharpe_ratio(
        0.01, n_trials=1, **moments
    )


def test_expected_max_sharpe_equals_a_simulation() -> None:
    draws = np.random.default_rng(0).standard_normal((20_000, 50)).max(axis=1).mean()
    assert expected_max_sharpe(50, standard_deviation=1.0) == pytest.approx(draws, rel=0.02)
    assert expected_max_sharpe(1, standard_deviation=1.0) == 0


@pytest.mark.parametrize("n_trials", [0, -1, math.nan, math.inf, 1e16])
def test_expected_max_sharpe_number_of_trials_that_none_can_have_raises(n_trials: float) -> None:
    with pytest.raises(ConfigurationError):
        expected_max_sharpe(n_trials, standard_deviation=1.0)


@pytest.mark.parametrize("deviation", [-1.0, math.nan, math.inf])
def test_expected_max_sharpe_deviation_that_is_none_raises(deviation: float) -> None:
    with pytest.raises(ConfigurationError):
        expected_max_sharpe(2, standard_deviation=deviation)


@pytest.mark.parametrize(
    "bad",
    [
        {"n": 1},
        {"n": 0},
        {"n": math.nan},
        {"n": math.inf},
        {"skew": 9.0, "kurtosis": 1.0},
        {"kurtosis": math.nan},
        {"kurtosis": math.inf},
        {"skew": math.inf},
        {"benchmark": math.nan},
        {"benchmark": math.inf},
    ],
)
def test_probabilistic_sharpe_ratio_of_impossible_moments_raises(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        probabilistic_sharpe_ratio(0.3, **({"n": 50, "skew": 0.0, "kurtosis": 3.0} | bad))


def test_min_detectable_sharpe_gives_its_power() -> None:
    years = 0.2
    true = min_detectable_sharpe(years)
    assert true == pytest.approx(5.57, abs=0.01)
    power = 1 - norm.cdf(norm.ppf(0.95) - true * math.sqrt(years))
    assert power == pytest.approx(0.80, abs=2e-3)


@pytest.mark.parametrize("sharpe", [math.nan, math.inf])
def test_deflated_sharpe_ratio_of_no_ratio_raises(sharpe: float) -> None:
    with pytest.raises(ConfigurationError):
        deflated_sharpe_ratio(sharpe, n=50, skew=0.0, kurtosis=3.0, n_trials=2)


@pytest.mark.parametrize("years", [0.0, -1.0, math.nan, math.inf])
def test_min_detectable_sharpe_no_time_raises(years: float) -> None:
    with pytest.raises(ConfigurationError):
        min_detectable_sharpe(years)
