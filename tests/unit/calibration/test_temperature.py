import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from truebar.calibration import fit
from truebar.calibration.identity import NoCalibration
from truebar.calibration.temperature import HIGHEST_TEMPERATURE, TemperatureCalibration
from truebar.errors import ModelError

WEIGHTS = arrays(np.float64, (10, 3), elements=st.floats(1e-6, 1.0))


def shares(weights):
    return weights / weights.sum(axis=1, keepdims=True)


@settings(max_examples=50, deadline=None)
@given(weights=WEIGHTS)
def test_predict_temperature_one_changes_nothing(weights):
    rows = shares(weights)
    np.testing.assert_allclose(TemperatureCalibration(1.0).predict(rows), rows, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(weights=WEIGHTS, temperature=st.floats(0.05, 50.0))
def test_predict_any_temperature_keeps_the_order_within_a_row(weights, temperature):
    rows = shares(weights)
    calibrated = TemperatureCalibration(temperature).predict(rows)
    ordered = np.take_along_axis(calibrated, np.argsort(rows, axis=1), axis=1)
    assert (np.diff(ordered, axis=1) >= -1e-15).all()


@settings(max_examples=50, deadline=None)
@given(weights=WEIGHTS, temperature=st.floats(0.2, 5.0))
def test_predict_temperature_and_its_inverse_give_the_rows_back(weights, temperature):
    rows = shares(np.maximum(weights, 1e-2))
    there = TemperatureCalibration(temperature).predict(rows)
    np.testing.assert_allclose(TemperatureCalibration(1 / temperature).predict(there), rows, atol=1e-7)


def test_fit_sharpened_probabilities_recovers_the_temperature(overconfident):
    fitted = fit("temperature", overconfident.raw, overconfident.labels)
    assert fitted.temperature == pytest.approx(2.5, rel=0.05)


def test_fit_agrees_with_a_gradient_free_search_over_one_over_t(market, log_loss):
    def loss(inverse):
        powers = market.raw ** inverse[0]
        return log_loss(powers / powers.sum(axis=1, keepdims=True), market.labels)

    found = minimize(loss, [0.7], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-14})
    fitted = fit("temperature", market.raw, market.labels)
    assert 1 / fitted.temperature == pytest.approx(found.x[0], abs=1e-6)


def test_fit_probabilities_against_the_labels_ends_at_thirds(overconfident):
    # Down and up are exchanged and flat is made level: the best slope is below zero, which no T gives.
    rows = overconfident.raw[:, [2, 1, 0]]
    rows[:, 1] = np.sqrt(rows[:, 0] * rows[:, 2])
    fitted = fit("temperature", shares(rows), overconfident.labels)
    assert fitted.temperature == pytest.approx(HIGHEST_TEMPERATURE, rel=1e-3)
    assert np.abs(fitted.predict(shares(rows)) - 1 / 3).max() < 0.05


def test_fit_label_that_had_no_chance_gives_finite_probabilities():
    rows = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    fitted = fit("temperature", rows, [-1, 0, 1, 1])
    assert fitted.temperature > 5
    assert fitted.predict(rows)[3, 2] > 0.01


@pytest.mark.parametrize("temperature", [0.0, -1.0, np.nan, np.inf])
def test_temperature_not_a_positive_number_is_refused(temperature):
    with pytest.raises(ModelError, match="positive"):
        TemperatureCalibration(temperature)


@settings(max_examples=50, deadline=None)
@given(weights=WEIGHTS)
def test_predict_none_gives_the_rows_divided_by_their_sum(weights):
    rows = shares(weights).astype(np.float32)
    expected = rows.astype(np.float64) / rows.astype(np.float64).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(NoCalibration().predict(rows), expected, rtol=1e-15)
