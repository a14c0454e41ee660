from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from truebar.scores.curves import CURVE_POINTS, counts_above, direction_curves
from truebar.scores.direction import direction_score
from truebar.scores.ranks import ranked
from truebar.scores.rows import scored_rows


def rows(seed: int, count: int, digits: int = 2):
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet((1, 1, 1), count).round(digits)
    probabilities[probabilities.sum(axis=1) == 0] = 1.0
    return scored_rows(
        probabilities / probabilities.sum(axis=1, keepdims=True),
        generator.integers(-1, 2, count).astype(float),
    )


def test_counts_above_ties_fall_together() -> None:
    score = np.array([0.1, 0.5, 0.5, 0.9])
    found, wrong = counts_above(ranked(score, np.array([True, True, False, False])))

    assert found.tolist() == [0, 1, 2]
    assert wrong.tolist() == [1, 2, 2]


@pytest.mark.parametrize("seed", range(4))
def test_direction_curves_of_few_rows_are_those_of_scikit_learn(seed: int) -> None:
    some = rows(seed, 200, digits=1)
    curves = direction_curves(some)
    moved = some.labels != 0
    up, score = some.labels[moved] == 1, direction_score(some.probabilities)[moved]
    false_alarms, hits, _ = roc_curve(up, score, drop_intermediate=False)
    precision, recall, _ = precision_recall_curve(up, score)

    np.testing.assert_allclose(curves.false_alarms, false_alarms)
    np.testing.assert_allclose(curves.hits, hits)
    np.testing.assert_allclose(curves.precision, precision[:-1][::-1])
    np.testing.assert_allclose(curves.recall, recall[:-1][::-1])
    assert curves.up_share == pytest.approx(up.mean())


def test_direction_curves_of_many_rows_are_thinned_and_keep_their_ends() -> None:
    curves = direction_curves(rows(9, 20_000, digits=6))

    assert curves.recall.size == CURVE_POINTS
    assert (curves.false_alarms[0], curves.hits[0]) == (0.0, 0.0)
    assert (curves.false_alarms[-1], curves.hits[-1]) == (1.0, 1.0)
    assert curves.precision[-1] == pytest.approx(curves.up_share)


def test_direction_curves_without_downs_are_none() -> None:
    some = rows(1, 20)
    only_up = scored_rows(some.probabilities, np.where(some.labels == -1, 0, some.labels))

    assert direction_curves(only_up) is None
