"""Resamples: as rows, as counts, against arch, and the standard error in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arch.bootstrap import StationaryBootstrap
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.validation.significance.series import autoregression
from truebar.errors import ConfigurationError
from truebar.validation.significance import (
    bootstrap_counts,
    bootstrap_standard_error,
    stationary_bootstrap,
)


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


def test_stationary_bootstrap_first_block_lengths_are_geometric() -> None:
    drawn = stationary_bootstrap(1_000, mean_block=4, n_resamples=8_000, generator=np.random.default_rng(3))
    goes_on = (drawn[:, 1:20] - drawn[:, :19]) % 1_000 == 1
    first = 1 + np.cumprod(goes_on, axis=1).sum(axis=1)
    for length in range(1, 8):
        expected = 0.25 * 0.75 ** (length - 1)
        error = 4 * math.sqrt(expected / 8_000) + 1e-3  # a new block may begin where the old one would go on
        assert np.mean(first == length) == pytest.approx(expected, abs=error)


@pytest.mark.parametrize("block", [1, 8, 40])
def test_stationary_bootstrap_spreads_statistics_as_arch_does(block: int) -> None:
    values = 0.02 + autoregression(0.8, 400)
    drawn = values[
        stationary_bootstrap(400, mean_block=block, n_resamples=2_000, generator=np.random.default_rng(0))
    ]
    theirs = StationaryBootstrap(block, values, seed=1)

    def both(sample: np.ndarray) -> np.ndarray:
        return np.array([sample.mean(), sample.mean() / sample.std()])

    expected = theirs.apply(both, 2_000)
    found = np.column_stack((drawn.mean(axis=1), drawn.mean(axis=1) / drawn.std(axis=1)))
    # The relative standard error of a standard deviation from 2,000 draws is 1.6 %, of a difference 2.2 %.
    assert found.std(axis=0) == pytest.approx(expected.std(axis=0), rel=0.09)
    assert found.mean(axis=0) == pytest.approx(
        expected.mean(axis=0), abs=4 * expected.std() / math.sqrt(1_000)
    )


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


@pytest.mark.parametrize("counts", [{"n_rows": 0}, {"n_rows": 5, "n_resamples": 0}])
def test_stationary_bootstrap_of_nothing_raises(counts: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError):
        stationary_bootstrap(mean_block=2, generator=np.random.default_rng(0), **counts)
