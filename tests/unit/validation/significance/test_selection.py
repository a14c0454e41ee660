"""The luckiest of many trials: against a plain loop, the formula for independent ones, and copies."""

from __future__ import annotations

import math

import numpy as np
import pytest

from truebar.errors import ConfigurationError, TooFewRowsError
from truebar.validation.significance import (
    expected_max_sharpe,
    luckiest_sharpe,
    selection,
    stationary_bootstrap,
)


def trials(count: int, *, shared: float = 0.0, bars: int = 600, seed: int = 0) -> np.ndarray:
    """Per-bar returns of trials that have the given correlation."""
    rng = np.random.default_rng(seed)
    own, common = rng.standard_normal((bars, count)), rng.standard_normal((bars, 1))
    return 1e-3 * (math.sqrt(1 - shared) * own + math.sqrt(shared) * common)


def test_luckiest_sharpe_equals_the_plain_definition() -> None:
    returns = trials(7, shared=0.5) + 5e-4
    found = luckiest_sharpe(returns, horizon_bars=6, generator=np.random.default_rng(4), n_resamples=50)
    drawn = stationary_bootstrap(
        600, mean_block=found.mean_block, n_resamples=50, generator=np.random.default_rng(4)
    )
    centred = returns - returns.mean(axis=0)
    largest = [
        max(centred[rows, trial].mean() / centred[rows, trial].std(ddof=1) for trial in range(7))
        for rows in drawn
    ]
    assert found.benchmark == pytest.approx(np.mean(largest), rel=1e-9)
    assert found.deviation == pytest.approx(np.std(largest), rel=1e-9)
    assert found.mean_block >= 12
    assert (found.n_trials, found.left_out, found.n_resamples) == (7, 0, 50)


def test_luckiest_sharpe_of_independent_trials_equals_the_formula() -> None:
    found = luckiest_sharpe(trials(40, bars=3_000), horizon_bars=1, generator=np.random.default_rng(0))
    expected = expected_max_sharpe(40, standard_deviation=1 / math.sqrt(3_000))
    assert found.benchmark == pytest.approx(expected, rel=0.08)


def test_luckiest_sharpe_of_copies_is_that_of_one() -> None:
    one = trials(1, bars=2_000)
    copies = np.repeat(one, 30, axis=1)
    single, many = (
        luckiest_sharpe(returns, horizon_bars=1, generator=np.random.default_rng(0))
        for returns in (one, copies)
    )
    assert many.benchmark == pytest.approx(single.benchmark, rel=1e-6)
    assert abs(single.benchmark) < 4 * single.deviation / math.sqrt(1_000)


def test_luckiest_sharpe_falls_as_trials_resemble_each_other() -> None:
    found = [
        luckiest_sharpe(
            trials(30, shared=shared, bars=1_500), horizon_bars=1, generator=np.random.default_rng(0)
        ).benchmark
        for shared in (0.0, 0.5, 0.9, 0.99)
    ]
    assert found == sorted(found, reverse=True)


def test_luckiest_sharpe_does_not_know_the_trials_skill() -> None:
    returns = trials(5)
    plain, skilled = (
        luckiest_sharpe(moved, horizon_bars=2, generator=np.random.default_rng(1), n_resamples=60)
        for moved in (returns, returns + np.arange(5) * 1e-3)
    )
    assert skilled.benchmark == pytest.approx(plain.benchmark, rel=1e-9)


def test_luckiest_sharpe_in_chunks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> float:
        return luckiest_sharpe(
            trials(4), horizon_bars=2, generator=np.random.default_rng(1), n_resamples=40
        ).benchmark

    whole = found()
    monkeypatch.setattr(selection, "CELLS_AT_ONCE", 4_000)
    assert found() == pytest.approx(whole, rel=1e-9)


def test_luckiest_sharpe_trial_that_never_trades_is_left_out_and_counted() -> None:
    returns = trials(3)
    still = np.column_stack((returns, np.zeros(600), np.full(600, 1e-4)))
    plain, found = (
        luckiest_sharpe(given, horizon_bars=2, generator=np.random.default_rng(1), n_resamples=60)
        for given in (returns, still)
    )
    assert (found.n_trials, found.left_out) == (3, 2)
    assert found.benchmark == pytest.approx(plain.benchmark, rel=1e-9)


def test_luckiest_sharpe_trial_that_traded_once_is_skipped_where_it_is_not_drawn() -> None:
    returns = np.zeros((600, 1))
    returns[300] = 0.01
    found = luckiest_sharpe(returns, horizon_bars=1, generator=np.random.default_rng(1))
    assert 0 < found.n_resamples < 1_000
    assert math.isfinite(found.benchmark)


def test_luckiest_sharpe_bad_input_raises() -> None:
    how = {"horizon_bars": 1, "generator": np.random.default_rng(0)}
    with pytest.raises(TooFewRowsError, match="0 of 2 trials vary"):
        luckiest_sharpe(np.zeros((50, 2)), **how)
    with pytest.raises(TooFewRowsError):
        luckiest_sharpe(np.zeros((0, 2)), **how)
    with pytest.raises(TooFewRowsError):
        luckiest_sharpe(np.zeros((50, 0)), **how)
    with pytest.raises(ConfigurationError, match="finite"):
        luckiest_sharpe([[0.1, np.nan], [0.2, 0.1]], **how)
    with pytest.raises(ConfigurationError):
        luckiest_sharpe([0.1, 0.2], **how)
