"""The record of one number."""

from __future__ import annotations

import json

import numpy as np
import pytest

from truebar.scores.metric import UNDEFINED, Metric


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), None, np.float64("nan")])
def test_metric_without_a_finite_value_has_a_reason_and_no_interval(value: float | None) -> None:
    metric = Metric(value, no_skill=0.5, low=0.1, high=0.9, n=3)
    assert metric.to_json() == {
        "value": None,
        "no_skill": 0.5,
        "low": None,
        "high": None,
        "n": 3,
        "reason": UNDEFINED,
    }


def test_metric_with_a_value_drops_the_reason() -> None:
    assert Metric(0.0, reason="unused").reason is None


def test_metric_numpy_numbers_become_json() -> None:
    text = json.dumps(
        Metric(np.float32(0.5), low=np.float64("inf"), n=np.int64(3)).to_json(), allow_nan=False
    )
    assert json.loads(text) == {
        "value": 0.5,
        "no_skill": None,
        "low": None,
        "high": None,
        "n": 3,
        "reason": None,
    }
