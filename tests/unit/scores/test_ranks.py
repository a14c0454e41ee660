"""Weighted ranks: resampled counts equal resampled rows, and influence is the derivative."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from truebar.scores.ranks import (
    Ranking,
    average_precisions,
    precision_influence,
    ranked,
    roc_areas,
    roc_influence,
)


def rows(seed: int, size: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = rng.integers(0, 8, size) / 8.0
    positive = rng.random(size) < 0.4
    compared = rng.random(size) < 0.7
    positive[:2], compared[:2] = [True, False], True
    return score, positive, compared


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_weighted_areas_equal_scikit_learn_with_sample_weights(seed: int) -> None:
    score, positive, compared = rows(seed)
    counts = np.random.default_rng(seed).integers(0, 4, (3, score.size)).astype(np.int32)
    counts[:, :2] += 1
    ranking = ranked(score, positive, compared)
    areas, precisions = roc_areas(ranking, counts), average_precisions(ranking, counts)
    for resample, weights in enumerate(counts[:, compared]):
        truth, values = positive[compared], score[compared]
        assert areas[resample] == pytest.approx(roc_auc_score(truth, values, sample_weight=weights))
        assert precisions[resample] == pytest.approx(
            average_precision_score(truth, values, sample_weight=weights)
        )


def test_weighted_areas_resample_without_a_class_is_nan() -> None:
    ranking = ranked(np.array([0.1, 0.2]), np.array([True, False]))
    counts = np.array([[0, 2], [2, 0]], dtype=np.int32)
    assert np.isnan(roc_areas(ranking, counts)).all()
    assert np.isnan(average_precisions(ranking, counts)[0])


def derivative(ranking: Ranking, statistic: object, row: int) -> float:
    """The statistic's change when one of many copies of the data has one more of `row`."""
    copies = 100_000
    counts = np.full((2, ranking.rows), copies, dtype=np.int32)
    counts[1, row] += 1_000
    plain, moved = statistic(ranking, counts)
    return (moved - plain) * copies / 1_000 * ranking.rows


@pytest.mark.parametrize(
    ("influence", "statistic"), [(roc_influence, roc_areas), (precision_influence, average_precisions)]
)
def test_influence_is_the_derivative_by_each_rows_weight(influence: object, statistic: object) -> None:
    score, positive, compared = rows(1)
    ranking = ranked(score, positive, compared)
    found = influence(ranking)
    expected = [derivative(ranking, statistic, row) for row in range(ranking.rows)]
    assert found == pytest.approx(expected, rel=0.05, abs=0.01)
    assert (found[~compared] == 0).all()
    assert found.mean() == pytest.approx(0, abs=1e-9)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_roc_influence_is_the_placement_value_of_delong(seed: int) -> None:
    # DeLong, DeLong & Clarke-Pearson (1988): V10 of each positive and V01 of each negative, by every pair;
    # the variance of the area is S10/m + S01/n.
    score, positive, _ = rows(seed)
    ranking = ranked(score, positive)
    above, below = score[positive][:, None], score[~positive][None, :]
    wins = (above > below) + 0.5 * (above == below)
    of_positives, of_negatives = wins.mean(axis=1), wins.mean(axis=0)
    area = wins.mean()
    size, m, n = score.size, positive.sum(), (~positive).sum()
    found = roc_influence(ranking)
    assert found[positive] == pytest.approx((of_positives - area) * size / m)
    assert found[~positive] == pytest.approx((of_negatives - area) * size / n)
    variance = of_positives.var() / m + of_negatives.var() / n
    assert (found**2).sum() / size**2 == pytest.approx(variance)
