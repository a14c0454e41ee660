import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from truebar.calibration import fit, from_json
from truebar.calibration.methods import METHODS
from truebar.errors import (
    ConfigurationError,
    InvalidProbabilityError,
    ModelError,
    SchemaError,
    TooFewRowsError,
)

ANY_ROWS = arrays(np.float64, (20, 3), elements=st.floats(0.0, 1.0)).map(
    lambda weights: (
        np.where(weights.sum(axis=1, keepdims=True) > 0, weights, 1.0)
        / np.where(weights.sum(axis=1, keepdims=True) > 0, weights, 1.0).sum(axis=1, keepdims=True)
    )
)
FITTED = ("temperature", "platt", "isotonic")


@pytest.fixture(scope="module")
def calibrators(market):
    return {method: fit(method, market.raw, market.labels) for method in METHODS}


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=30, deadline=None)
@given(rows=ANY_ROWS)
def test_predict_any_probabilities_gives_probabilities(calibrators, method, rows):
    calibrated = calibrators[method].predict(rows)
    assert calibrated.dtype == np.float64
    assert calibrated.shape == rows.shape
    assert ((calibrated >= 0) & (calibrated <= 1)).all()
    np.testing.assert_allclose(calibrated.sum(axis=1), 1.0, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_from_json_of_to_json_is_equal_to_the_last_bit(calibrators, market, method):
    text = calibrators[method].to_json()
    back = from_json(text)
    assert back == calibrators[method]
    assert type(back) is type(calibrators[method])
    assert back.to_json() == text
    assert back.predict(market.raw).tobytes() == calibrators[method].predict(market.raw).tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_fit_same_rows_twice_gives_same_text(calibrators, market, method):
    assert fit(method, market.raw.copy(), market.labels.copy()).to_json() == calibrators[method].to_json()


@pytest.mark.parametrize("method", FITTED)
def test_fit_miscalibrated_rows_improves_log_loss_on_others(market, log_loss, method):
    half = len(market.labels) * 3 // 4
    calibrator = fit(method, market.raw[:half], market.labels[:half])
    raw, labels = market.raw[half:], market.labels[half:]
    assert log_loss(calibrator.predict(raw), labels) < log_loss(raw, labels) - 0.03


def test_fit_biased_rows_platt_recovers_the_true_probabilities(market):
    error = np.abs(fit("platt", market.raw, market.labels).predict(market.raw) - market.true).mean(axis=0)
    raw_error = np.abs(market.raw - market.true).mean(axis=0)
    assert (error < 0.03).all()
    assert raw_error.max() > 0.1


@pytest.mark.parametrize("method", METHODS)
def test_fit_and_predict_frame_with_columns_in_any_order_equals_array(market, calibrators, method):
    frame = pd.DataFrame(market.raw, columns=["p_down", "p_flat", "p_up"])[["p_up", "p_down", "p_flat"]]
    frame.insert(0, "open_time", 0)
    labels = pd.Series(market.labels, dtype="Int8")
    fitted = fit(method, frame, labels)
    assert fitted == calibrators[method]
    np.testing.assert_array_equal(fitted.predict(frame), fitted.predict(market.raw))


@pytest.mark.parametrize("method", METHODS)
def test_predict_row_with_nan_stays_nan_and_leaves_the_others_alone(calibrators, market, method):
    rows = market.raw[:5].copy()
    rows[1, 2] = np.nan
    rows[3] = np.nan
    calibrated = calibrators[method].predict(rows)
    assert np.isnan(calibrated[[1, 3]]).all()
    expected = calibrators[method].predict(market.raw[:5])[[0, 2, 4]]
    np.testing.assert_array_equal(calibrated[[0, 2, 4]], expected)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "bad",
    [
        [1.2, -0.1, -0.1],
        [-0.1, 0.5, 0.6],
        [0.2, 0.2, 0.2],
        [np.inf, 0.0, 0.0],
        [-np.inf, np.nan, 0.0],
        [2.0, np.nan, 0.0],
        [0.0, 0.0, 0.0],
    ],
)
def test_predict_row_that_is_no_probability_raises(calibrators, method, bad):
    with pytest.raises(InvalidProbabilityError, match="row 1"):
        calibrators[method].predict([[0.2, 0.5, 0.3], bad])


@pytest.mark.parametrize("method", METHODS)
def test_predict_does_not_write_into_its_argument(calibrators, market, method):
    rows = market.raw[:4].copy()
    calibrators[method].predict(rows)[:] = -1
    np.testing.assert_array_equal(rows, market.raw[:4])


@pytest.mark.parametrize("method", METHODS)
def test_predict_no_rows_gives_no_rows(calibrators, method):
    assert calibrators[method].predict(np.empty((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("bad", [[[0.5, 0.5]], [0.2, 0.5, 0.3], pd.DataFrame({"p_up": [1.0]})])
def test_predict_other_columns_raises(calibrators, bad):
    with pytest.raises(SchemaError, match="p_down"):
        calibrators["none"].predict(bad)


@pytest.mark.parametrize("method", METHODS)
def test_fit_row_with_nan_is_refused(market, method):
    rows = market.raw.copy()
    rows[7, 0] = np.nan
    with pytest.raises(InvalidProbabilityError, match="1 of 15000"):
        fit(method, rows, market.labels)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("label", [np.nan, 2.0, 0.5])
def test_fit_label_missing_or_unknown_is_refused(market, method, label):
    labels = market.labels.astype(float)
    labels[7] = label
    with pytest.raises(SchemaError, match="row 7"):
        fit(method, market.raw, labels)


@pytest.mark.parametrize("method", METHODS)
def test_fit_lengths_that_differ_are_refused(market, method):
    with pytest.raises(SchemaError, match="one label a row"):
        fit(method, market.raw, market.labels[1:])


@pytest.mark.parametrize("method", METHODS)
def test_fit_no_rows_is_refused(method):
    with pytest.raises(TooFewRowsError):
        fit(method, np.empty((0, 3)), [])


@pytest.mark.parametrize("method", FITTED)
@pytest.mark.parametrize("absent", [-1, 0, 1])
def test_fit_class_without_a_row_is_refused(market, method, absent):
    labels = np.where(market.labels == absent, (absent + 2) % 3 - 1, market.labels)
    with pytest.raises(TooFewRowsError, match=f"label {absent},"):
        fit(method, market.raw, labels)


@pytest.mark.parametrize("method", FITTED)
def test_fit_flat_neither_labelled_nor_predicted_stays_at_nothing(market, log_loss, method):
    rows = market.raw * np.array([1.0, 0.0, 1.0])
    rows /= rows.sum(axis=1, keepdims=True)
    moved = np.where(market.labels == 0, np.sign(market.true[:, 2] - market.true[:, 0]), market.labels)
    calibrated = fit(method, rows, moved).predict(rows)
    assert (calibrated[:, 1] < 1e-4).all()
    assert log_loss(calibrated, moved.astype(int)) < log_loss(rows, moved.astype(int))


def test_fit_unknown_method_is_refused(market):
    with pytest.raises(ConfigurationError, match="beta"):
        fit("beta", market.raw, market.labels)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        '{"temperature":1.0}',
        '{"method":"beta"}',
        '{"method":["none"]}',
        '{"method":"none","temperature":1.0}',
        '{"method":"temperature"}',
        '{"method":"temperature","temperature":0.0}',
        '{"method":"temperature","temperature":NaN}',
        '{"method":"temperature","temperature":Infinity}',
        '{"method":"temperature","temperature":null}',
        '{"method":"platt","intercepts":[0,0],"slopes":[1,1,1]}',
        '{"method":"platt","intercepts":[0,0,NaN],"slopes":[1,1,1]}',
        '{"method":"isotonic"}',
    ],
)
def test_from_json_text_that_is_no_calibrator_is_refused(text):
    with pytest.raises(ModelError):
        from_json(text)
