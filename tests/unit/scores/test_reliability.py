from __future__ import annotations

import numpy as np
import pytest

from truebar.scores.activity import ECE_BINS, activity_scores
from truebar.scores.intervals import Resampling
from truebar.scores.reliability import calibration_error, reliability_bins, reliability_by_class
from truebar.scores.rows import scored_rows


def test_reliability_bins_by_hand() -> None:
    probability = np.array([0.1, 0.2, 0.3, 0.8, 0.9, 1.0])
    came = np.array([False, False, True, True, True, False])
    low, high = reliability_bins(probability, came, bins=2)

    assert (low.predicted, low.observed, low.rows) == pytest.approx((0.2, 1 / 3, 3))
    assert (high.predicted, high.observed, high.rows) == pytest.approx((0.9, 2 / 3, 3))


def test_reliability_bins_of_a_constant_forecast_are_one_and_of_nothing_none() -> None:
    assert len(reliability_bins(np.full(50, 0.4), np.arange(50) < 10)) == 1
    assert reliability_bins(np.empty(0), np.empty(0, dtype=bool)) == ()


@pytest.mark.parametrize("seed", range(4))
def test_calibration_error_is_the_metric_ece(seed: int) -> None:
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet((1, 2, 1), 700).round(3)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    labels = generator.integers(-1, 2, 700).astype(float)
    how = Resampling(4, np.random.default_rng(0), 10)
    metric = activity_scores(probabilities, labels, dev_shares=(0.25, 0.5, 0.25), how=how)["ece"]

    bins = reliability_by_class(scored_rows(probabilities, labels), ECE_BINS)
    assert calibration_error(bins) == pytest.approx(metric.value, abs=1e-12)


def test_calibration_error_without_rows_is_none() -> None:
    assert calibration_error(reliability_by_class(scored_rows(np.empty((0, 3)), np.empty(0)))) is None
