import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from truebar.calibration import fit, from_json
from truebar.calibration.isotonic import FEWEST_ROWS, Curve, IsotonicCalibration
from truebar.errors import ModelError, TooFewRowsError

NEVER = Curve((0.4,), (0.0,))


def test_fit_agrees_with_scikit_learn(market):
    fitted = fit("isotonic", market.raw, market.labels)
    grid = np.random.default_rng(3).dirichlet([0.3, 0.3, 0.3], size=2_000)
    scores = np.empty_like(grid)
    for index in range(3):
        oracle = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        oracle.fit(market.raw[:, index], market.labels == index - 1)
        scores[:, index] = oracle.predict(grid[:, index])
    total = scores.sum(axis=1, keepdims=True)
    assert (total > 0).any()
    expected = np.where(total > 0, scores / np.where(total > 0, total, 1), grid)
    np.testing.assert_allclose(fitted.predict(grid), expected, atol=1e-12)


def test_fit_each_curve_never_falls(market):
    fitted = fit("isotonic", market.raw, market.labels)
    for curve in (fitted.down, fitted.flat, fitted.up):
        assert len(curve.probabilities) > 10
        assert (np.diff(curve.frequencies) >= 0).all()


def test_predict_curves_that_all_say_no_gives_the_rows_back():
    calibrator = IsotonicCalibration(NEVER, NEVER, Curve((0.3, 0.5), (0.0, 1.0)))
    rows = np.array([[0.2, 0.5, 0.3], [0.3, 0.3, 0.4]])
    np.testing.assert_array_equal(calibrator.predict(rows), [[0.2, 0.5, 0.3], [0.0, 0.0, 1.0]])


def test_fit_one_row_below_the_least_is_refused(market):
    with pytest.raises(TooFewRowsError, match="9,999"):
        fit("isotonic", market.raw[: FEWEST_ROWS - 1], market.labels[: FEWEST_ROWS - 1])


def test_fit_least_number_of_rows_is_accepted(market):
    fitted = fit("isotonic", market.raw[:FEWEST_ROWS], market.labels[:FEWEST_ROWS])
    assert isinstance(fitted, IsotonicCalibration)


@pytest.mark.parametrize(
    ("probabilities", "frequencies"),
    [
        ((), ()),
        ((0.1, 0.2), (0.5,)),
        ((0.2, 0.1), (0.1, 0.2)),
        ((0.1, 0.1), (0.1, 0.2)),
        ((0.1, 0.2), (0.5, 0.4)),
        ((0.1, 0.2), (0.5, 1.5)),
        ((0.1, 0.2), (0.5, np.nan)),
        ((np.nan,), (0.5,)),
        ((0.1, np.inf), (0.1, 0.5)),
    ],
)
def test_curve_knots_that_are_no_rising_frequencies_are_refused(probabilities, frequencies):
    with pytest.raises(ModelError):
        Curve(probabilities, frequencies)


def test_from_json_knots_that_fall_are_refused():
    good = IsotonicCalibration(NEVER, NEVER, Curve((0.3, 0.5), (0.0, 1.0))).to_json()
    with pytest.raises(ModelError, match="never fall"):
        from_json(good.replace("[0.0,1.0]", "[1.0,0.0]"))
