import numpy as np
import pytest

from truebar.calibration import cross_fit, fit
from truebar.calibration.methods import METHODS
from truebar.errors import InvalidProbabilityError, SchemaError, TooFewRowsError


@pytest.mark.parametrize("method", METHODS)
def test_cross_fit_rows_of_a_fold_equal_a_fit_on_the_others(market, method):
    calibrated = cross_fit(method, market.raw, market.labels, market.fold)
    for number in range(5):
        own = market.fold == number
        expected = fit(method, market.raw[~own], market.labels[~own]).predict(market.raw[own])
        np.testing.assert_array_equal(calibrated[own], expected)


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])
def test_cross_fit_labels_of_a_fold_changed_leaves_its_rows_and_moves_the_others(market, method):
    own = market.fold == 2
    labels = market.labels.copy()
    labels[own] = np.roll(labels[own], 1)
    before = cross_fit(method, market.raw, market.labels, market.fold)
    after = cross_fit(method, market.raw, labels, market.fold)
    np.testing.assert_array_equal(before[own], after[own])
    for number in (0, 1, 3, 4):
        others = market.fold == number
        assert (before[others] != after[others]).any()


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])
def test_fit_on_all_rows_is_caught_by_the_same_change(market, method):
    # The planted leak: a calibrator that saw the fold's own labels does move its rows.
    own = market.fold == 2
    labels = market.labels.copy()
    labels[own] = np.roll(labels[own], 1)
    before = fit(method, market.raw, market.labels).predict(market.raw[own])
    assert (before != fit(method, market.raw, labels).predict(market.raw[own])).any()


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])
def test_cross_fit_miscalibrated_rows_improves_log_loss(market, log_loss, method):
    calibrated = cross_fit(method, market.raw, market.labels, market.fold)
    assert log_loss(calibrated, market.labels) < log_loss(market.raw, market.labels) - 0.03


def test_cross_fit_rows_in_another_order_gives_the_same_rows(market):
    order = np.random.default_rng(5).permutation(len(market.labels))
    shuffled = cross_fit("platt", market.raw[order], market.labels[order], market.fold[order])
    expected = cross_fit("platt", market.raw, market.labels, market.fold)[order]
    np.testing.assert_allclose(shuffled, expected, atol=1e-9)


def test_cross_fit_one_fold_is_refused(market):
    with pytest.raises(TooFewRowsError, match="at least two"):
        cross_fit("none", market.raw, market.labels, np.zeros(len(market.labels)))


def test_cross_fit_class_only_in_one_fold_is_refused(market):
    labels = np.where((market.labels == 1) & (market.fold != 3), 0, market.labels)
    with pytest.raises(TooFewRowsError, match="p_up"):
        cross_fit("platt", market.raw, labels, market.fold)


def test_cross_fit_isotonic_other_folds_too_small_is_refused(market):
    few = slice(0, 11_000)
    with pytest.raises(TooFewRowsError, match="10,000"):
        cross_fit("isotonic", market.raw[few], market.labels[few], market.fold[few])


def test_cross_fit_fold_missing_or_of_other_length_is_refused(market):
    fold = market.fold.astype(float)
    with pytest.raises(SchemaError, match="number of a fold"):
        cross_fit("none", market.raw, market.labels, fold[1:])
    fold[3] = np.nan
    with pytest.raises(SchemaError, match="1 missing"):
        cross_fit("none", market.raw, market.labels, fold)


def test_cross_fit_row_with_nan_is_refused(market):
    rows = market.raw.copy()
    rows[0] = np.nan
    with pytest.raises(InvalidProbabilityError):
        cross_fit("none", rows, market.labels, market.fold)
