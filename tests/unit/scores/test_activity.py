"""Activity scores against scikit-learn and by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from truebar.errors import ConfigurationError, InvalidProbabilityError
from truebar.scores.activity import activity_scores, equal_mass_bins
from truebar.scores.intervals import Resampling

SHARES = (0.2, 0.6, 0.2)
Signal = Callable[..., tuple[np.ndarray, np.ndarray]]


def test_activity_scores_equal_scikit_learn(signal: Signal, how: Resampling) -> None:
    probabilities, labels = signal(800)
    scores = activity_scores(probabilities, labels, dev_shares=SHARES, how=how)
    assert scores["brier"].value == pytest.approx(brier_score_loss(labels, probabilities, labels=[-1, 0, 1]))
    assert scores["log_loss"].value == pytest.approx(log_loss(labels, probabilities))
    assert scores["flat_auc"].value == pytest.approx(roc_auc_score(labels == 0, probabilities[:, 1]))
    assert scores["macro_auc"].value == pytest.approx(
        roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    )
    prior = np.tile(SHARES, (800, 1))
    assert scores["log_loss"].no_skill == pytest.approx(log_loss(labels, prior))
    assert scores["brier"].no_skill == pytest.approx(brier_score_loss(labels, prior, labels=[-1, 0, 1]))


def test_activity_scores_intervals_hold_their_value(signal: Signal, how: Resampling) -> None:
    probabilities, labels = signal(2000)
    for name, metric in activity_scores(probabilities, labels, dev_shares=SHARES, how=how).items():
        if name != "ece":  # resampling adds noise to every bin, so that its interval lies higher
            assert metric.low < metric.value < metric.high


def test_activity_scores_ece_by_hand(how: Resampling) -> None:
    rows = [[0.2, 0.6, 0.2]] * 10
    labels = [-1] * 4 + [0] * 6
    ece = activity_scores(rows, labels, dev_shares=SHARES, how=how)["ece"]
    assert ece.value == pytest.approx((0.2 + 0.0 + 0.2) / 3)
    assert ece.no_skill == 0


def test_activity_scores_true_probabilities_are_calibrated(how: Resampling) -> None:
    rng = np.random.default_rng(0)
    rows = rng.dirichlet([2, 4, 2], 20_000)
    labels = (rng.random(20_000)[:, None] > rows.cumsum(axis=1)).sum(axis=1) - 1
    assert activity_scores(rows, labels, dev_shares=SHARES, how=how)["ece"].value < 0.015


def test_activity_scores_one_class_is_null_with_reason(how: Resampling) -> None:
    scores = activity_scores([[0.2, 0.6, 0.2]] * 3, [0, 0, 0], dev_shares=SHARES, how=how)
    assert scores["flat_auc"].value is None
    assert "every one of 3 rows is labelled flat" in scores["flat_auc"].reason
    assert "none of 3 rows is labelled down" in scores["macro_auc"].reason
    assert scores["brier"].value == pytest.approx(0.24)


def test_activity_scores_without_rows_is_null(how: Resampling) -> None:
    scores = activity_scores(np.empty((0, 3)), [], dev_shares=SHARES, how=how)
    assert all(metric.value is None for metric in scores.values())


def test_equal_mass_bins_equal_values_share_one() -> None:
    values = np.array([0.1] * 50 + [0.2] * 50)
    assert len(set(equal_mass_bins(values)[:50].tolist())) == 1
    spread = np.bincount(equal_mass_bins(np.arange(150.0)))
    assert spread.tolist() == [10] * 15


def test_activity_scores_every_calibration_score_stands_beside_its_no_skill_value(
    signal: Signal, how: Resampling
) -> None:
    probabilities, labels = signal(800)
    prior = np.tile(SHARES, (800, 1))
    scores, blind = (
        activity_scores(said, labels, dev_shares=SHARES, how=how) for said in (probabilities, prior)
    )
    for name in ("brier", "log_loss"):
        assert scores[name].value < scores[name].no_skill == blind[name].value == blind[name].no_skill
    assert scores["ece"].no_skill == 0
    assert all(metric.no_skill is not None for metric in scores.values())


def test_activity_scores_of_what_cannot_be_scored_are_null_with_reason(how: Resampling) -> None:
    scores = activity_scores([[0.2, 0.6, 0.2], [np.nan] * 3], [None, 1], dev_shares=SHARES, how=how)
    assert {metric.reason for metric in scores.values()} == {
        "none of 2 rows has both a label and a prediction"
    }


def test_activity_scores_bad_input_raises(how: Resampling) -> None:
    with pytest.raises(InvalidProbabilityError):
        activity_scores([[np.inf, 0.0, 0.0]], [1], dev_shares=SHARES, how=how)
    with pytest.raises(ConfigurationError):
        activity_scores([[0.2, 0.6, 0.2]], [1], dev_shares=(np.nan, 0.5, 0.5), how=how)


def test_activity_scores_one_row_has_values_and_no_interval(how: Resampling) -> None:
    brier = activity_scores([[0.2, 0.6, 0.2]], [0], dev_shares=SHARES, how=how)["brier"]
    assert brier.value == pytest.approx(0.24)
    assert (brier.low, brier.n) == (None, 1)
