"""The edge: scale, second moments and the implied return."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar.edge import class_second_moments, edge_scale, implied_edge, valid_probabilities
from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError


def test_edge_scale_mixed_rows_averages_only_the_moved() -> None:
    assert edge_scale([0.02, -0.04, 0.5], [0.01, 0.01, 0.01], [1, -1, 0]) == pytest.approx(3.0)


def test_edge_scale_mirrored_market_is_the_same() -> None:
    rng = np.random.default_rng(0)
    returns, tau = rng.normal(0.001, 0.01, 200), np.full(200, 0.008)
    label = np.where(np.abs(returns) > tau, np.sign(returns), 0)
    assert edge_scale(returns, tau, label) == pytest.approx(edge_scale(-returns, tau, -label))


def test_edge_scale_missing_values_of_nullable_columns_are_left_out() -> None:
    label = pd.Series([1, None, -1], dtype="Int64")
    assert edge_scale([0.02, 0.9, np.nan], [0.01, 0.01, 0.01], label) == pytest.approx(2.0)


def test_edge_scale_all_flat_raises() -> None:
    with pytest.raises(TooFewRowsError, match="none of 2"):
        edge_scale([0.0, 0.0], [0.01, 0.01], [0, 0])


def test_edge_scale_different_lengths_raises() -> None:
    with pytest.raises(SchemaError):
        edge_scale([0.0], [0.01, 0.01], [0, 0])


@pytest.mark.parametrize("of", [edge_scale, class_second_moments])
@pytest.mark.parametrize("strange", [2, 0.5, -2, np.inf])
def test_label_that_is_none_of_the_three_is_refused_and_never_counts_as_moved(
    of: Callable[..., object], strange: float
) -> None:
    with pytest.raises(CorruptDataError, match=r"in row 2 is not -1, 0, 1 or missing"):
        of([0.02, -0.03, 0.04], [0.01, 0.01, 0.01], [1, -1, strange])


@pytest.mark.parametrize("labels", [[[1, -1]], ["up", "down"]])
def test_labels_that_are_no_column_of_numbers_are_refused(labels: list[object]) -> None:
    with pytest.raises(SchemaError):
        edge_scale([0.02, -0.03], [0.01, 0.01], labels)


@pytest.mark.parametrize(
    "label",
    [pd.Series([1, None, -1], dtype="Int8"), pd.array([1, None, -1], dtype="Int64"), pd.Index([1, None, -1])],
)
def test_edge_scale_of_any_nullable_column_leaves_missing_labels_out(label: object) -> None:
    assert edge_scale([0.02, 0.9, -0.04], [0.01] * 3, label) == pytest.approx(3.0)


def test_class_second_moments_without_neutral_zone_has_zero_for_flat() -> None:
    assert class_second_moments([0.02, -0.01], [0.01, 0.01], [1, -1]) == pytest.approx((1.0, 0.0, 4.0))


def test_class_second_moments_one_sided_raises() -> None:
    with pytest.raises(TooFewRowsError, match="down"):
        class_second_moments([0.02], [0.01], [1])


@given(p=st.lists(st.floats(0, 1), min_size=3, max_size=3), tau=st.floats(1e-6, 0.2), m=st.floats(0.5, 5))
@settings(max_examples=50, deadline=None)
def test_implied_edge_any_probability_is_bounded_and_antisymmetric(
    p: list[float], tau: float, m: float
) -> None:
    total = sum(p)
    row = np.array([[1 / 3] * 3 if total == 0 else [value / total for value in p]])
    edge = implied_edge(row, [tau], m)
    assert abs(edge[0]) <= m * tau * (1 + 1e-12)
    assert implied_edge(row[:, ::-1], [tau], m)[0] == pytest.approx(-edge[0])


@pytest.mark.parametrize(
    "row",
    [[np.nan, 0.5, 0.5], [0.5, 0.6, 0.5], [-0.1, 0.6, 0.5], [np.inf, 0.0, 0.0], [0.0, 0.0, 0.0]],
)
def test_implied_edge_invalid_probability_is_nan(row: list[float]) -> None:
    assert not valid_probabilities([row])[0]
    assert np.isnan(implied_edge([row], [0.01], 1.0)[0])


@pytest.mark.parametrize("tau", [np.nan, 0.0, -0.01, np.inf])
def test_implied_edge_unusable_tau_is_nan(tau: float) -> None:
    assert np.isnan(implied_edge([[0.2, 0.2, 0.6]], [tau], 1.0)[0])


def test_implied_edge_scale_per_row_uses_each_folds_own() -> None:
    rows = [[0.2, 0.2, 0.6], [0.2, 0.2, 0.6]]
    assert implied_edge(rows, [0.01, 0.01], np.array([1.0, 2.0])) == pytest.approx([0.004, 0.008])


def test_implied_edge_float32_frame_is_accepted() -> None:
    frame = pd.DataFrame({"p_down": [0.1], "p_flat": [0.7], "p_up": [0.2]}, dtype="float32")
    assert implied_edge(frame, [0.01], 1.0) == pytest.approx([0.001], rel=1e-5)


def test_implied_edge_two_columns_raises() -> None:
    with pytest.raises(SchemaError, match="three columns"):
        implied_edge([[0.5, 0.5]], [0.01], 1.0)


def test_implied_edge_frame_is_read_by_name() -> None:
    frame = pd.DataFrame({"p_up": [0.6], "label": [1.0], "p_flat": [0.3], "p_down": [0.1]})
    assert valid_probabilities(frame).tolist() == [True]
    assert implied_edge(frame, [0.01], 1.0) == pytest.approx([0.005])


def test_implied_edge_frame_without_a_name_raises() -> None:
    frame = pd.DataFrame({"p_down": [0.1], "p_flat": [0.3], "up": [0.6]})
    with pytest.raises(SchemaError, match="lack p_up"):
        implied_edge(frame, [0.01], 1.0)
