"""The probability of backtest overfitting against its definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import linregress

from truebar.errors import ConfigurationError, TooFewRowsError
from truebar.validation.significance import probability_of_backtest_overfitting


def plain_overfitting(returns: np.ndarray, blocks: int) -> tuple[float, float]:
    """The definition, split by split: probability, and slope of the winners out of sample on in sample."""
    parts = np.array_split(np.arange(len(returns)), blocks)
    worse, inside, outside = [], [], []
    for chosen in itertools.combinations(range(blocks), blocks // 2):
        rows = np.concatenate([parts[block] for block in chosen])
        rest = np.setdiff1d(np.arange(len(returns)), rows)
        sharpe = [returns[part].mean(axis=0) / returns[part].std(axis=0) for part in (rows, rest)]
        rank = (sharpe[1] <= sharpe[1][sharpe[0].argmax()]).sum()
        worse.append(rank / (returns.shape[1] + 1) <= 0.5)
        inside.append(sharpe[0].max())
        outside.append(sharpe[1][sharpe[0].argmax()])
    return float(np.mean(worse)), float(linregress(inside, outside).slope)


@pytest.mark.parametrize("trials", [2, 5, 8])
def test_probability_of_backtest_overfitting_equals_the_plain_definition(trials: int) -> None:
    returns = np.random.default_rng(trials).normal(0.02, 1, (90, trials))
    found = probability_of_backtest_overfitting(returns, blocks=6)
    probability, slope = plain_overfitting(returns, 6)
    assert found.probability == pytest.approx(probability)
    assert found.slope == pytest.approx(slope)
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


def test_probability_of_backtest_overfitting_of_noise_is_a_coin_and_its_slope_falls() -> None:
    # What is won by luck in one half is missing in the other: Bailey et al. (2017) call it compensation.
    found = [
        probability_of_backtest_overfitting(np.random.default_rng(seed).normal(0, 1, (320, 30)), blocks=8)
        for seed in range(40)
    ]
    assert np.mean([each.probability for each in found]) == pytest.approx(0.5, abs=0.15)
    assert np.mean([each.slope for each in found]) < -0.5


def test_probability_of_backtest_overfitting_missing_return_raises() -> None:
    returns = np.random.default_rng(0).normal(0, 1, (64, 3))
    returns[5, 1] = np.nan
    with pytest.raises(ConfigurationError, match="finite"):
        probability_of_backtest_overfitting(returns, blocks=4)
