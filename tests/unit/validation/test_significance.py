"""Stationary bootstrap, block length, and Sharpe ratios under trials."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from truebar.errors import ConfigurationError, TooFewRowsError
from truebar.validation.significance import (
    autocovariances,
    bootstrap_counts,
    bootstrap_standard_error,
    deflated_sharpe_ratio,
    expected_max_sharpe,
    mean_block_length,
    min_detectable_sharpe,
    optimal_block_length,
    probabilistic_sharpe_ratio,
    probability_of_backtest_overfitting,
    stationary_bootstrap,
)


def autoregression(phi: float, rows: int) -> np.ndarray:
    noise = np.random.default_rng(7).standard_normal(rows)
    values = np.empty(rows)
    values[0] = noise[0]
    for row in range(1, rows):
        values[row] = phi * values[row - 1] + noise[row]
    return values


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


@given(rows=st.integers(1, 60), block=st.floats(1, 30), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_bootstrap_counts_and_rows_are_the_same_resamples(rows: int, block: float, seed: int) -> None:
    drawn = stationary_bootstrap(rows, mean_block=block, n_resamples=5, generator=np.random.default_rng(seed))
    counts = bootstrap_counts(rows, mean_block=block, n_resamples=5, generator=np.random.default_rng(seed))
    assert counts.tolist() == [np.bincount(row, minlength=rows).tolist() for row in drawn]


def test_stationary_bootstrap_blocks_have_the_mean_length_and_run_round_the_end() -> None:
    drawn = stationary_bootstrap(500, mean_block=20, n_resamples=200, generator=np.random.default_rng(1))
    goes_on = (drawn[:, 1:] - drawn[:, :-1]) % 500 == 1
    assert 1 / (1 - goes_on.mean()) == pytest.approx(20, rel=0.05)
    assert np.bincount(drawn.ravel(), minlength=500) == pytest.approx(200, rel=0.6)


def test_bootstrap_standard_error_equals_the_resampled_one() -> None:
    values = autoregression(0.9, 1000)
    drawn = stationary_bootstrap(1000, mean_block=30, n_resamples=4000, generator=np.random.default_rng(2))
    resampled = values[drawn].mean(axis=1).std()
    assert bootstrap_standard_error(values, mean_block=30) == pytest.approx(resampled, rel=0.05)


def test_bootstrap_standard_error_block_of_one_is_the_independent_one() -> None:
    values = autoregression(0.5, 200)
    assert bootstrap_standard_error(values, mean_block=1) == pytest.approx(values.std() / math.sqrt(200))


@pytest.mark.parametrize("kwargs", [{"mean_block": 0.5}, {"mean_block": math.inf}, {"mean_block": math.nan}])
def test_stationary_bootstrap_bad_block_raises(kwargs: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        stationary_bootstrap(10, generator=np.random.default_rng(0), **kwargs)


def test_probabilistic_sharpe_ratio_of_the_paper() -> None:
    # Bailey & López de Prado (2012): 24 monthly returns of Sharpe 0.458, 1.59 a year.
    monthly = 0.458
    assert probabilistic_sharpe_ratio(monthly, n=24, skew=-2.448, kurtosis=10.164) == pytest.approx(
        0.913, abs=5e-4
    )
    assert probabilistic_sharpe_ratio(monthly, n=24, skew=0, kurtosis=3) == pytest.approx(0.982, abs=5e-4)


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


@pytest.mark.parametrize("n_trials", [0, -1, math.nan])
def test_expected_max_sharpe_less_than_one_trial_raises(n_trials: float) -> None:
    with pytest.raises(ConfigurationError):
        expected_max_sharpe(n_trials, standard_deviation=1.0)


def test_min_detectable_sharpe_gives_its_power() -> None:
    years = 0.2
    true = min_detectable_sharpe(years)
    assert true == pytest.approx(5.57, abs=0.01)
    power = 1 - norm.cdf(norm.ppf(0.95) - true * math.sqrt(years))
    assert power == pytest.approx(0.80, abs=2e-3)


def test_min_detectable_sharpe_no_time_raises() -> None:
    with pytest.raises(ConfigurationError):
        min_detectable_sharpe(0.0)


def plain_overfitting(returns: np.ndarray, blocks: int) -> float:
    """The definition, split by split."""
    parts = np.array_split(np.arange(len(returns)), blocks)
    worse = []
    for chosen in itertools.combinations(range(blocks), blocks // 2):
        rows = np.concatenate([parts[block] for block in chosen])
        rest = np.setdiff1d(np.arange(len(returns)), rows)
        sharpe = [returns[part].mean(axis=0) / returns[part].std(axis=0) for part in (rows, rest)]
        rank = (sharpe[1] <= sharpe[1][sharpe[0].argmax()]).sum()
        worse.append(rank / (returns.shape[1] + 1) <= 0.5)
    return float(np.mean(worse))


@pytest.mark.parametrize("trials", [2, 5, 8])
def test_probability_of_backtest_overfitting_equals_the_plain_definition(trials: int) -> None:
    returns = np.random.default_rng(trials).normal(0.02, 1, (90, trials))
    found = probability_of_backtest_overfitting(returns, blocks=6)
    assert found.probability == pytest.approx(plain_overfitting(returns, 6))
    assert (found.n_trials, found.left_out, found.n_splits) == (trials, 0, 20)


def test_probability_of_backtest_overfitting_one_good_trial_among_noise_is_low() -> None:
    returns = np.random.default_rng(0).normal(0, 1, (2_000, 20))
    returns[:, 3] += 0.2
    assert probability_of_backtest_overfitting(returns).probability == 0


def test_probability_of_backtest_overfitting_flat_trial_is_left_out_and_counted() -> None:
    returns = np.random.default_rng(0).normal(0, 1, (64, 4))
    returns[:, 1], returns[:, 2] = 0.0, 0.1
    found = probability_of_backtest_overfitting(returns, blocks=4)
    assert (found.n_trials, found.left_out) == (2, 2)


def test_probability_of_backtest_overfitting_bad_input_raises() -> None:
    with pytest.raises(ConfigurationError):
        probability_of_backtest_overfitting(np.zeros((64, 3)), blocks=5)
    with pytest.raises(TooFewRowsError, match="bars"):
        probability_of_backtest_overfitting(np.zeros((20, 3)))
    with pytest.raises(TooFewRowsError, match="vary"):
        probability_of_backtest_overfitting(np.zeros((64, 3)))
