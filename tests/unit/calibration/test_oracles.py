"""Calibrators against scikit-learn, against their own definition, and through JSON, to the last bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import logit, softmax
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from truebar.calibration import cross_fit, fit, from_json
from truebar.errors import (
    ConfigurationError,
    InvalidProbabilityError,
    ModelError,
    SchemaError,
    TooFewRowsError,
)

METHODS = ("none", "temperature", "platt", "isotonic")
ROWS = 12_500


def drawn(seed: int, boldness: float = 2.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return said and true probabilities and labels drawn from the true ones; the said are too bold."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(ROWS, 3))
    true = softmax(scores, axis=1)
    labels = (rng.random((ROWS, 1)) > np.cumsum(true, axis=1)[:, :2]).sum(axis=1) - 1
    return softmax(scores * boldness, axis=1), true, labels


SAID, TRUE, LABELS = drawn(1)
FOLD = np.arange(ROWS) * 5 // ROWS


def log_loss(probabilities: np.ndarray) -> float:
    return float(-np.log(np.maximum(probabilities[np.arange(ROWS), LABELS + 1], 1e-15)).mean())


def one_against_rest(curve) -> np.ndarray:
    scores = np.column_stack([curve(SAID[:, index], np.isin(LABELS, [index - 1])) for index in range(3)])
    return scores / scores.sum(axis=1, keepdims=True)


def test_fit_platt_equals_unpenalised_logistic_regressions():
    def curve(values: np.ndarray, members: np.ndarray) -> np.ndarray:
        oracle = LogisticRegression(C=1e12, tol=1e-10, max_iter=1_000)
        return oracle.fit(logit(values)[:, None], members).predict_proba(logit(values)[:, None])[:, 1]

    np.testing.assert_allclose(fit("platt", SAID, LABELS).predict(SAID), one_against_rest(curve), atol=1e-7)


def test_fit_isotonic_equals_scikit_learn():
    def curve(values: np.ndarray, members: np.ndarray) -> np.ndarray:
        return IsotonicRegression(out_of_bounds="clip").fit(values, members).predict(values)

    np.testing.assert_allclose(
        fit("isotonic", SAID, LABELS).predict(SAID), one_against_rest(curve), atol=1e-12
    )


def test_fit_temperature_finds_the_boldness_and_the_smallest_loss():
    found = fit("temperature", SAID, LABELS)
    assert found.temperature == pytest.approx(2.0, rel=0.03)
    losses = [
        log_loss(softmax(np.log(SAID) / (found.temperature * factor), axis=1)) for factor in (0.999, 1, 1.001)
    ]
    assert min(losses) == losses[1]


@pytest.mark.parametrize("method", METHODS[1:])
def test_fit_brings_probabilities_closer_to_the_true_ones(method):
    calibrated = cross_fit(method, SAID, LABELS, FOLD)  # four folds are 10,000 rows: enough for isotonic
    assert np.abs(calibrated - TRUE).mean() < np.abs(SAID - TRUE).mean() / 5
    assert log_loss(calibrated) < log_loss(SAID)


@pytest.mark.parametrize("method", METHODS)
def test_calibrator_through_json_predicts_the_same_bits(method):
    fitted = fit(method, SAID, LABELS)
    read = from_json(fitted.to_json())
    assert read.to_json() == fitted.to_json()
    assert np.array_equal(read.predict(SAID), fitted.predict(SAID))
    assert fit(method, SAID.copy(), LABELS.astype(float)).to_json() == fitted.to_json()


@pytest.mark.parametrize("method", METHODS)
def test_calibrator_rows_sum_to_one_and_do_not_depend_on_each_other(method):
    fitted = fit(method, SAID, LABELS)
    edges = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    found = fitted.predict(edges)
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
    assert np.array_equal(found[2:3], fitted.predict(edges[2:3]))


@pytest.mark.parametrize("method", METHODS[:3])
def test_cross_fit_rows_of_a_fold_come_from_the_other_folds(method):
    found = cross_fit(method, SAID, LABELS, FOLD)
    for number in range(5):
        own = number == FOLD
        alone = fit(method, SAID[~own], LABELS[~own]).predict(SAID[own])
        np.testing.assert_allclose(found[own], alone, rtol=1e-6)  # T is found to 1e-8
    changed = np.where(FOLD == 2, -LABELS, LABELS)
    assert np.array_equal(cross_fit(method, SAID, changed, FOLD)[FOLD == 2], found[FOLD == 2])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -0.1, 1.1])
def test_fit_of_what_is_no_probability_raises(bad):
    said = SAID[:50].copy()
    said[7, 1] = bad
    for method in METHODS[:3]:
        with pytest.raises(InvalidProbabilityError):
            fit(method, said, LABELS[:50])
    said[7] = [0.5, 0.5, 0.5]
    with pytest.raises(InvalidProbabilityError):
        fit("none", said, LABELS[:50])


def test_fit_of_too_few_rows_classes_or_folds_raises():
    with pytest.raises(TooFewRowsError, match="10,000"):
        fit("isotonic", SAID[:9_999], LABELS[:9_999])
    for method in METHODS[1:]:
        with pytest.raises(TooFewRowsError):
            fit(method, SAID, np.zeros(ROWS))
    with pytest.raises(TooFewRowsError, match="one fold"):
        cross_fit("platt", SAID, LABELS, np.zeros(ROWS))


def test_fit_of_other_methods_labels_or_lengths_raises():
    with pytest.raises(ConfigurationError, match="platt"):
        fit("beta", SAID, LABELS)
    with pytest.raises(SchemaError):
        fit("none", SAID, LABELS[:-1])
    with pytest.raises(SchemaError):
        fit("none", SAID, LABELS * 2)
    with pytest.raises(SchemaError):
        fit("none", SAID[:, :2], LABELS)


BROKEN = [
    "",
    "[]",
    "{}",
    '{"method":"magic"}',
    '{"method":"temperature"}',
    '{"method":"temperature","temperature":-1}',
    '{"method":"temperature","temperature":NaN}',
    '{"method":"temperature","temperature":1,"extra":2}',
    '{"method":"platt","intercepts":[0,0],"slopes":[1,1,1]}',
    '{"method":"isotonic","down":{"probabilities":[0.5,0.1],"frequencies":[0,1]}}',
]


@pytest.mark.parametrize("text", BROKEN)
def test_from_json_of_a_broken_calibrator_raises(text):
    with pytest.raises(ModelError):
        from_json(text)
