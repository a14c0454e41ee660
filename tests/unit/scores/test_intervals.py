"""Intervals by resampling."""

from __future__ import annotations

import numpy as np
import pytest

from truebar.scores import intervals
from truebar.scores.intervals import Resampling, bootstrap_values, mean_interval, percentiles, weighted_sums
from truebar.validation.significance import stationary_bootstrap


def test_mean_interval_of_noise_has_the_width_of_the_normal() -> None:
    values = np.random.default_rng(0).standard_normal(4000)
    low, high = mean_interval(values, Resampling(1, np.random.default_rng(1)))
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(4000), rel=0.12)
    assert low < values.mean() < high


def test_weighted_sums_equal_the_sums_of_resampled_rows() -> None:
    columns = np.random.default_rng(0).standard_normal((50, 2))
    drawn = stationary_bootstrap(50, mean_block=5, n_resamples=7, generator=np.random.default_rng(1))
    counts = np.array([np.bincount(row, minlength=50) for row in drawn], dtype=np.int32)
    assert weighted_sums(counts, columns) == pytest.approx(columns[drawn].sum(axis=1))


def test_bootstrap_values_in_chunks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).standard_normal(100)

    def resampled() -> np.ndarray:
        how = Resampling(2, np.random.default_rng(5), n_resamples=30)
        return bootstrap_values(lambda counts: (counts @ values) / 100, values, how)

    whole = resampled()
    monkeypatch.setattr(intervals, "CHUNK_CELLS", 700)
    assert resampled() == pytest.approx(whole, rel=1e-12)


def test_percentiles_mostly_undefined_values_give_none() -> None:
    assert percentiles(np.array([np.nan, np.nan, np.nan, 1.0])) == (None, None)
    assert percentiles(np.array([np.nan, 1.0, 1.0, 1.0])) == (1.0, 1.0)
