"""SHAP values must add up to what the model says, and families to the sum of their columns."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from tests.unit.explanations.planted import made, planted
from truebar.arrays import FloatArray
from truebar.explanations.contributions import mean_contributions, sampled
from truebar.scores.direction import direction_score


class Additive:
    """A model of two columns whose contributions are written out."""

    feature_names = ("a", "b")

    def predict(self, matrix: npt.ArrayLike) -> FloatArray:
        return np.full((len(np.asarray(matrix)), 3), 1 / 3)

    def contributions(self, matrix: npt.ArrayLike) -> FloatArray:
        a, b = np.asarray(matrix, dtype=np.float64).T
        down, flat, up = -a, 0 * a, a
        return np.stack(
            [np.stack([down, b], axis=1), np.stack([flat, b], axis=1), np.stack([up, -b], axis=1)], axis=1
        )


def test_mean_contributions_of_an_additive_model_are_the_hand_computed_ones() -> None:
    matrix = np.array([[1.0, 2.0], [-3.0, 4.0]], dtype=np.float32)
    found = mean_contributions([Additive()], [matrix], {"both": [0, 1], "second": [1]})
    # a: |a| = 1, 3 in down and up, none in flat, 2|a| in up less down; b: 2, 4 everywhere, 2|b| in direction.
    assert found.columns.tolist() == [[2.0, 0.0, 2.0, 4.0], [3.0, 3.0, 3.0, 6.0]]
    # Sums of both: down -a + b = 1, 7; flat 2, 4; up a - b = -1, -7; direction -2, -14.
    assert found.families.tolist() == [[4.0, 3.0, 4.0, 8.0], [3.0, 3.0, 3.0, 6.0]]
    assert found.rows == 2


def test_mean_contributions_pools_the_rows_of_all_folds() -> None:
    parts = [np.array([[1.0, 0.0]], dtype=np.float32), np.array([[4.0, 0.0], [4.0, 0.0]], dtype=np.float32)]
    found = mean_contributions([Additive(), Additive()], parts, {})
    assert found.columns[0].tolist() == [3.0, 0.0, 3.0, 6.0]


def test_contributions_of_up_less_down_sum_to_the_direction_up_to_one_constant() -> None:
    model, rows = made().models[0], planted().features[:200]
    added = model.contributions(rows)
    assert added.shape == (200, 3, 5)
    rest = direction_score(model.predict(rows)) - (added[:, 2] - added[:, 0]).sum(axis=1)
    np.testing.assert_allclose(rest, rest[0], atol=1e-5)


def test_contributions_of_no_rows_are_none() -> None:
    assert made().models[0].contributions(np.empty((0, 5))).shape == (0, 3, 5)


@pytest.mark.parametrize(("count", "size"), [(5, 10), (10, 10), (1_000, 10)])
def test_sampled_rows_are_distinct_ascending_and_the_same_for_a_seed(count: int, size: int) -> None:
    first = sampled(count, size, np.random.default_rng(3))
    assert first.tolist() == sampled(count, size, np.random.default_rng(3)).tolist()
    assert first.size == min(count, size)
    assert (np.diff(first) > 0).all()
    assert first.max() < count
