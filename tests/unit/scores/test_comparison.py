"""Challenger against champion on the same bars."""

from __future__ import annotations

import math

import numpy as np
import pytest

from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError
from truebar.scores.comparison import paired_log_return
from truebar.scores.intervals import Resampling
from truebar.validation.significance import stationary_bootstrap


def test_paired_log_return_equals_the_resampled_difference() -> None:
    rng = np.random.default_rng(0)
    challenger, champion = rng.normal(0, 0.01, (2, 500))
    found = paired_log_return(challenger, champion, Resampling(30, np.random.default_rng(4), 300))
    drawn = stationary_bootstrap(500, mean_block=60, n_resamples=300, generator=np.random.default_rng(4))
    means = (challenger - champion)[drawn].mean(axis=1)
    assert found.value == pytest.approx((challenger - champion).mean())
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])))
    assert (found.no_skill, found.n) == (0, 500)


def test_paired_log_return_market_that_both_live_through_cancels(how: Resampling) -> None:
    rng = np.random.default_rng(1)
    market = rng.normal(0, 0.05, 2_000)
    better = paired_log_return(market + 1e-4 + rng.normal(0, 1e-4, 2_000), market, how)
    assert better.low > 0
    assert better.high - better.low < 5e-5


def test_paired_log_return_of_equals_is_above_zero_about_once_in_forty() -> None:
    above = 0
    for seed in range(100):
        challenger, champion = np.random.default_rng(seed).normal(0, 0.01, (2, 400))
        how = Resampling(2, np.random.default_rng(seed), n_resamples=200)
        above += paired_log_return(challenger, champion, how).low > 0
    assert above <= 8  # nominal 2.5 of 100; P(more than 8) is below 0.1 %


def test_paired_log_return_never_differing_is_not_above_zero(how: Resampling) -> None:
    found = paired_log_return([0.01, -0.02, 0.0] * 20, [0.01, -0.02, 0.0] * 20, how)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_paired_log_return_bad_input_raises(how: Resampling) -> None:
    with pytest.raises(SchemaError):
        paired_log_return([0.1, 0.2], [0.1], how)
    with pytest.raises(CorruptDataError, match="1 of 2 bars"):
        paired_log_return([0.1, -math.inf], [0.0, 0.0], how)
    with pytest.raises(TooFewRowsError):
        paired_log_return([0.1], [0.0], how)


def test_paired_log_return_too_few_bars_for_two_blocks_have_no_interval(how: Resampling) -> None:
    found = paired_log_return([0.01] * 10, [0.0] * 10, how)
    assert found.value == pytest.approx(0.01)
    assert (found.low, found.high) == (None, None)
