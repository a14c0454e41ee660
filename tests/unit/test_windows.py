"""Trailing windows must equal a plain loop over the slots, wherever the history begins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar.windows import count_in, extremes, first_rows, moments, rows_in


def random_slots(rng: np.random.Generator, rows: int, gap_share: float) -> np.ndarray:
    steps = np.where(rng.random(rows) < gap_share, rng.integers(2, 9, rows), 1)
    return 1_000_003 + np.cumsum(steps)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 70), window=st.integers(1, 30))
def test_windows_with_gaps_and_missing_values_equal_a_plain_loop(seed, rows, window):
    rng = np.random.default_rng(seed)
    slot = random_slots(rng, rows, rng.choice([0.0, 0.3]))
    values = np.where(rng.random(rows) < 0.2, np.nan, rng.normal(5, 2, rows))
    low, high = rng.normal(0, 1, rows), rng.normal(2, 1, rows)
    chosen = rng.random(rows) < 0.5
    found = moments(slot, values, window)
    lowest, highest = extremes(slot, low, high, window)
    for row in range(rows):
        inside = (slot > slot[row] - window) & (slot <= slot[row])
        kept = values[inside & ~np.isnan(values)]
        assert first_rows(slot, window)[row] == np.flatnonzero(inside)[0]
        assert rows_in(slot, window)[row] == inside.sum()
        assert count_in(slot, window, chosen)[row] == (inside & chosen).sum()
        assert found.count[row] == kept.size
        assert lowest[row] == low[inside].min()
        assert highest[row] == high[inside].max()
        assert found.mean_or_nan()[row] == pytest.approx(
            kept.mean() if kept.size else np.nan, rel=1e-12, nan_ok=True
        )
        variance = kept.var(ddof=1) if kept.size > 1 else np.nan
        assert found.sample_variance()[row] == pytest.approx(variance, rel=1e-9, abs=1e-15, nan_ok=True)


def test_moments_of_a_later_start_have_the_same_bits():
    rng = np.random.default_rng(5)
    slot, window = random_slots(rng, 500, 0.1), 24
    values = rng.normal(0, 1e-3, 500)
    whole = moments(slot, values, window)
    for start in (1, 17, 100):
        part = moments(slot[start:], values[start:], window)
        known = slot[start:] - slot[start] >= window - 1
        assert np.array_equal(part.mean[known], whole.mean[start:][known])
        assert np.array_equal(part.squares[known], whole.squares[start:][known])


def test_moments_after_a_huge_value_leave_no_trace():
    values = np.r_[1e12, np.full(20, 0.1)]
    found = moments(np.arange(21), values, 5)
    assert (found.mean[5:] == 0.1).all()
    assert (found.squares[5:] == 0).all()
    assert found.squares[4] > 1e20
