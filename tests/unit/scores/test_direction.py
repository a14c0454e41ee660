"""Direction scores against scikit-learn, by hand, and under no skill."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from truebar.errors import ConfigurationError, CorruptDataError, InvalidProbabilityError, SchemaError
from truebar.scores.direction import direction_score, direction_scores, log_skill_rows
from truebar.scores.intervals import Resampling
from truebar.scores.rows import class_shares, scored_rows

SHARES = (0.2, 0.6, 0.2)
Signal = Callable[..., tuple[np.ndarray, np.ndarray]]


@pytest.mark.parametrize("coarse", [False, True])
def test_direction_scores_equal_scikit_learn(signal: Signal, how: Resampling, coarse: bool) -> None:
    probabilities, labels = signal(800, coarse=coarse)
    scores = direction_scores(probabilities, labels, dev_shares=SHARES, how=how)
    moved = labels != 0
    up, score = labels[moved] == 1, direction_score(probabilities)[moved]
    assert scores["roc_auc"].value == pytest.approx(roc_auc_score(up, score))
    assert scores["pr_auc"].value == pytest.approx(average_precision_score(up, score))
    assert scores["f1"].value == pytest.approx(f1_score(up, score > 0))
    assert scores["f1"].no_skill == pytest.approx(f1_score(up, np.ones_like(up)))
    assert scores["pr_auc"].no_skill == pytest.approx(up.mean())
    assert scores["roc_auc"].n == moved.sum()


def test_direction_scores_log_skill_by_hand(how: Resampling) -> None:
    probabilities = [[0.2, 0.5, 0.3], [0.1, 0.8, 0.1], [0.4, 0.4, 0.2]]
    scores = direction_scores(probabilities, [1, 0, -1], dev_shares=(0.1, 0.6, 0.3), how=how)
    by_hand = (np.log(0.6) - np.log(0.75) + np.log(4 / 6) - np.log(0.25)) / 3
    assert scores["log_skill"].value == pytest.approx(by_hand)
    assert scores["log_skill"].n == 3


def test_log_skill_rows_of_the_dev_shares_are_zero() -> None:
    rows = scored_rows([[0.1, 0.6, 0.3]] * 3, [1, 0, -1])
    assert log_skill_rows(rows, 0.75) == pytest.approx([0, 0, 0])


def test_direction_scores_activity_alone_has_no_direction(signal: Signal, how: Resampling) -> None:
    probabilities, labels = signal(4000, skill=0.0)
    auc = direction_scores(probabilities, labels, dev_shares=SHARES, how=how)["roc_auc"]
    assert auc.low < 0.5 < auc.high


def test_direction_scores_interval_covers_as_often_as_it_says(signal: Signal) -> None:
    above = 0
    for seed in range(60):
        probabilities, labels = signal(600, skill=0.0, seed=seed)
        how = Resampling(1, np.random.default_rng(seed), n_resamples=200)
        above += direction_scores(probabilities, labels, dev_shares=SHARES, how=how)["roc_auc"].low > 0.5
    assert above <= 6  # nominal 2.5 % of 60 is 1.5; P(more than 6) is about 0.1 %


def test_direction_scores_same_generator_state_same_interval(signal: Signal) -> None:
    probabilities, labels = signal(300)
    first, second = (
        direction_scores(
            probabilities, labels, dev_shares=SHARES, how=Resampling(4, np.random.default_rng(3), 50)
        )
        for _ in range(2)
    )
    assert first == second


def test_direction_scores_unusable_rows_are_left_out(signal: Signal) -> None:
    probabilities, labels = signal(300)
    with_gaps = np.vstack((probabilities, [[np.nan] * 3, [0.5, np.nan, 0.5], [0.2, 0.2, 0.6]]))
    column = pd.Series([*labels, 1, 1, None], dtype="Int64")
    plain, gappy = (
        direction_scores(rows, known, dev_shares=SHARES, how=Resampling(4, np.random.default_rng(3), 50))
        for rows, known in ((probabilities, labels), (with_gaps, column))
    )
    assert plain == gappy


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 0], [-1, -1, 0]])
def test_direction_scores_missing_class_is_null_with_reason(labels: list[int], how: Resampling) -> None:
    scores = direction_scores([[0.2, 0.5, 0.3]] * 3, labels, dev_shares=SHARES, how=how)
    assert [scores[name].value for name in ("roc_auc", "pr_auc", "f1")] == [None] * 3
    assert "is labelled" in scores["roc_auc"].reason
    assert scores["log_skill"].value is not None


def test_direction_scores_without_rows_is_null(how: Resampling) -> None:
    scores = direction_scores(np.empty((0, 3)), [], dev_shares=SHARES, how=how)
    assert all(metric.value is None for metric in scores.values())


def test_direction_scores_certain_probabilities_stay_finite(how: Resampling) -> None:
    rows = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    scores = direction_scores(rows, [-1, 1, 0, -1], dev_shares=SHARES, how=how)
    json.dumps({name: metric.to_json() for name, metric in scores.items()}, allow_nan=False)
    assert scores["roc_auc"].value == 0.75
    assert scores["log_skill"].value is not None


def test_direction_scores_bad_input_raises(how: Resampling) -> None:
    with pytest.raises(SchemaError):
        direction_scores([[0.2, 0.5, 0.3]], [1, 0], dev_shares=SHARES, how=how)
    with pytest.raises(CorruptDataError, match="label 2"):
        direction_scores([[0.2, 0.5, 0.3]], [2], dev_shares=SHARES, how=how)
    with pytest.raises(ConfigurationError):
        direction_scores([[0.2, 0.5, 0.3]], [1], dev_shares=(0.0, 0.5, 0.5), how=how)


def test_class_shares_ignore_missing_labels() -> None:
    assert class_shares(pd.Series([1, None, 0, -1, 0], dtype="Int64")) == (0.25, 0.5, 0.25)


def test_direction_scores_all_rows_unlabelled_or_unpredicted_are_null_with_reason(how: Resampling) -> None:
    unlabelled = direction_scores([[0.2, 0.5, 0.3]] * 5, [np.nan] * 5, dev_shares=SHARES, how=how)
    unpredicted = direction_scores([[np.nan] * 3] * 5, [1, 0, -1, 1, 0], dev_shares=SHARES, how=how)
    for scores in (unlabelled, unpredicted):
        assert {metric.reason for metric in scores.values()} == {
            "none of 5 rows has both a label and a prediction"
        }


@pytest.mark.parametrize("bad", [np.inf, -np.inf, 1.5])
def test_direction_scores_probability_that_is_none_raises(bad: float, how: Resampling) -> None:
    with pytest.raises(InvalidProbabilityError):
        direction_scores([[0.2, 0.5, 0.3], [bad, 0.2, 0.3]], [1, -1], dev_shares=SHARES, how=how)


def test_direction_scores_too_few_rows_for_two_blocks_have_no_interval() -> None:
    rows, labels = [[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]] * 6, [1, -1] * 6
    few, enough = (
        direction_scores(
            rows, labels, dev_shares=SHARES, how=Resampling(horizon, np.random.default_rng(0), 50)
        )["log_skill"]
        for horizon in (4, 1)
    )
    assert few.value == enough.value
    assert (few.low, few.high) == (None, None)
    assert enough.low is not None
