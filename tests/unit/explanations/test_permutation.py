"""Blocks are permuted whole, and nothing is lost or added."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar.explanations.permutation import direction_auc, shuffled_blocks, standard_error


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 400), block_rows=st.integers(1, 50), seed=st.integers(0, 1_000))
def test_shuffled_blocks_hold_every_row_once_in_runs(count: int, block_rows: int, seed: int) -> None:
    order = shuffled_blocks(count, block_rows, np.random.default_rng(seed))
    assert sorted(order.tolist()) == list(range(count))
    longest = min(block_rows, count // 10) if count >= 20 else block_rows
    breaks = np.count_nonzero((np.diff(order) != 1) & (np.diff(order) != 1 - count))
    assert breaks <= -(-count // max(1, longest)) - 1


def test_shuffled_blocks_of_a_long_fold_leave_almost_no_row_in_place() -> None:
    order = shuffled_blocks(5_000, 8, np.random.default_rng(0))
    assert np.mean(order == np.arange(5_000)) < 0.01


def test_direction_auc_ignores_flat_rows_and_is_missing_without_both_sides() -> None:
    said = np.array([[0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.2, 0.3, 0.5], [0.4, 0.2, 0.4]])
    assert direction_auc(said, np.array([-1.0, 0.0, 1.0, -1.0])) == 1.0
    assert direction_auc(said, np.array([1.0, 0.0, 1.0, -1.0])) == 0.5
    assert np.isnan(direction_auc(said, np.array([1.0, 0.0, 1.0, 1.0])))


@pytest.mark.parametrize("values", [[], [1.0], [1.0, np.nan]])
def test_standard_error_of_fewer_than_two_values_is_missing(values: list[float]) -> None:
    assert np.isnan(standard_error(np.array(values, dtype=np.float64)))
