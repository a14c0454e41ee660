"""Intervals by resampling."""

from __future__ import annotations

import numpy as np
import pytest

from truebar.scores import intervals
from truebar.scores.intervals import (
    Estimate,
    Resampling,
    bootstrap_intervals,
    bootstrap_values,
    mean_estimate,
    percentiles,
    weighted_sums,
)
from truebar.validation.significance import stationary_bootstrap


def test_mean_interval_of_noise_has_the_width_of_the_normal() -> None:
    values = np.random.default_rng(0).standard_normal(4000)
    how = Resampling(1, np.random.default_rng(1))
    low, high = bootstrap_intervals({"mean": mean_estimate(values)}, how)["mean"]
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(4000), rel=0.12)
    assert low < values.mean() < high


def test_weighted_sums_equal_the_sums_of_resampled_rows() -> None:
    columns = np.random.default_rng(0).standard_normal((2, 50))
    drawn = stationary_bootstrap(50, mean_block=5, n_resamples=7, generator=np.random.default_rng(1))
    counts = np.array([np.bincount(row, minlength=50) for row in drawn], dtype=np.int32)
    assert weighted_sums(counts, columns) == pytest.approx(columns[:, drawn].sum(axis=2).T)


def test_bootstrap_values_in_chunks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).standard_normal(100)

    def resampled() -> np.ndarray:
        how = Resampling(2, np.random.default_rng(5), n_resamples=30)
        estimate = Estimate(lambda counts: (counts @ values) / 100, values)
        return bootstrap_values({"mean": estimate}, how)["mean"]

    whole = resampled()
    monkeypatch.setattr(intervals, "CHUNK_CELLS", 700)
    assert resampled() == pytest.approx(whole, rel=1e-12)


def test_percentiles_mostly_undefined_values_give_none() -> None:
    assert percentiles(np.array([np.nan, np.nan, np.nan, 1.0])) == (None, None)
    assert percentiles(np.array([np.nan, 1.0, 1.0, 1.0])) == (1.0, 1.0)


def test_bootstrap_values_equal_blocks_share_their_resamples_and_others_do_not() -> None:
    values = np.random.default_rng(0).standard_normal(300)
    slow = np.convolve(values, np.ones(20), mode="same")
    estimates = {
        "mean": mean_estimate(values),
        "doubled": mean_estimate(2 * values),
        "slow": mean_estimate(slow),
    }
    found = bootstrap_values(estimates, Resampling(1, np.random.default_rng(5), n_resamples=40))
    assert found["doubled"] == pytest.approx(2 * found["mean"], rel=1e-12)
    alone = bootstrap_values(
        {"slow": mean_estimate(slow)}, Resampling(1, np.random.default_rng(5), n_resamples=40)
    )
    assert found["slow"].mean() == pytest.approx(alone["slow"].mean(), abs=4 * alone["slow"].std() / 6)
    assert not np.array_equal(found["slow"], alone["slow"])
