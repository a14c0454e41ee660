import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from truebar.calibration import fit, from_json
from truebar.calibration.logistic import fit_logistic
from truebar.calibration.platt import PlattCalibration
from truebar.errors import ModelError


def unpenalised(values, members):
    regression = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    regression.fit(values[:, None], members)
    return regression


def test_fit_agrees_with_scikit_learn_without_penalty(market):
    fitted = fit("platt", market.raw, market.labels)
    scores = np.empty_like(market.raw)
    for index in range(3):
        log_odds = logit(market.raw[:, index])
        oracle = unpenalised(log_odds, market.labels == index - 1)
        assert fitted.slopes[index] == pytest.approx(oracle.coef_[0, 0], abs=1e-7)
        assert fitted.intercepts[index] == pytest.approx(oracle.intercept_[0], abs=1e-7)
        scores[:, index] = oracle.predict_proba(log_odds[:, None])[:, 1]
    expected = scores / scores.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.predict(market.raw), expected, atol=1e-7)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    intercept=st.floats(-3, 3),
    slope=st.floats(-3, 3),
    centre=st.floats(-30, 30),
    spread=st.floats(1e-3, 30),
)
def test_fit_logistic_any_scale_sets_the_gradient_to_zero(seed, intercept, slope, centre, spread):
    rng = np.random.default_rng(seed)
    standard = rng.normal(size=400)
    members = rng.random(400) < expit(intercept + slope * standard)
    members[:2], standard[:2] = (True, False), (-4.0, -4.0)  # overlap at both ends: a finite
    members[2:4], standard[2:4] = (True, False), (4.0, 4.0)  # maximum is there for every seed
    fitted_intercept, fitted_slope = fit_logistic(centre + spread * standard, members, name="p_up")
    gradient = expit(fitted_intercept + fitted_slope * (centre + spread * standard)) - members
    assert abs(gradient.mean()) < 1e-8
    assert abs((gradient * standard).mean()) < 1e-8


def test_fit_logistic_values_all_the_same_gives_the_share():
    members = np.array([True, False, False, False])
    assert fit_logistic(np.full(4, 0.3), members, name="p_up") == (pytest.approx(logit(0.25)), 0.0)


def test_fit_logistic_rare_members_far_outside_still_settles():
    values = np.concatenate([np.linspace(-3, 3, 20_000), [-27.6, 27.6, 0.0]])
    members = np.zeros(len(values), dtype=bool)
    members[[-3, -1]] = True
    intercept, slope = fit_logistic(values, members, name="p_up")
    assert slope < 0
    assert abs((expit(intercept + slope * values) - members).sum()) < 1e-5


@pytest.mark.parametrize("values", [[0.0, 0.1, 0.9, 1.0], [1.0, 0.9, 0.1, 0.0], [0.0, 0.5, 0.5, 1.0]])
def test_fit_logistic_split_without_error_is_refused(values):
    with pytest.raises(ModelError, match="leak"):
        fit_logistic(np.array(values), np.array([False, False, True, True]), name="p_up")


def test_fit_class_split_without_error_names_the_class():
    rows = np.array([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]] * 3)
    with pytest.raises(ModelError, match="p_down"):
        fit("platt", rows, [-1, 0, 1] * 3)


def test_predict_curves_that_all_say_no_gives_the_rows_back():
    calibrator = PlattCalibration((-1e4, -1e4, -1e4), (0.0, 0.0, 0.0))
    np.testing.assert_array_equal(calibrator.predict([[0.2, 0.5, 0.3]]), [[0.2, 0.5, 0.3]])


@settings(max_examples=50, deadline=None)
@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=6, max_size=6))
def test_from_json_of_any_numbers_is_equal_to_the_last_bit(numbers):
    calibrator = PlattCalibration(tuple(numbers[:3]), tuple(numbers[3:]))
    back = from_json(calibrator.to_json())
    assert np.array(back.intercepts + back.slopes).tobytes() == np.array(numbers).tobytes()
