import numpy as np
import pandas as pd
import pytest

from truebar.calibration import choose, cross_fit, fit
from truebar.calibration.methods import METHODS
from truebar.errors import CorruptDataError, InvalidProbabilityError, SchemaError, TooFewRowsError


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


HORIZON = 8


def spans(n, horizon=HORIZON):
    """Times of rows of 15m whose labels end `horizon` bars after their own close."""
    open_time = pd.date_range("2025-01-01", periods=n, freq="15min", tz="UTC")
    return {"open_time": open_time, "label_end": open_time + (horizon + 1) * pd.Timedelta("15min")}


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])
def test_cross_fit_with_times_leaves_out_the_horizon_on_each_side_of_the_fold(market, method):
    n, size = len(market.labels), len(market.labels) // 5
    calibrated = cross_fit(method, market.raw, market.labels, market.fold, **spans(n))
    for number in range(5):
        own = slice(number * size, (number + 1) * size)
        training = np.r_[0 : max(own.start - HORIZON, 0), min(own.stop + HORIZON, n) : n]
        expected = fit(method, market.raw[training], market.labels[training]).predict(market.raw[own])
        np.testing.assert_array_equal(calibrated[own], expected)


@pytest.mark.parametrize("with_times", [True, False])
def test_cross_fit_labels_that_share_returns_with_a_fold_move_it_unless_they_are_purged(market, with_times):
    own, size = market.fold == 2, len(market.labels) // 5
    labels = market.labels.copy()
    beside = np.r_[2 * size - HORIZON : 2 * size, 3 * size : 3 * size + HORIZON]
    labels[beside] = np.where(labels[beside] == 1, -1, 1)
    times = spans(len(labels)) if with_times else {}
    before = cross_fit("platt", market.raw, market.labels, market.fold, **times)
    after = cross_fit("platt", market.raw, labels, market.fold, **times)
    assert np.array_equal(before[own], after[own]) == with_times
    assert not np.array_equal(before[~own], after[~own])


def test_cross_fit_with_times_purges_by_every_pair_of_rows_whatever_their_folds_and_order(market):
    rng = np.random.default_rng(8)
    few = rng.permutation(600)
    raw, labels, fold = market.raw[few], market.labels[few], rng.integers(0, 2, 600) + 2 * (few >= 300)
    open_time = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(few * 7, unit="h")
    label_end = open_time + pd.to_timedelta(rng.integers(1, 12, 600), unit="h")
    found = cross_fit("temperature", raw, labels, fold, open_time=open_time, label_end=label_end)
    for number in range(4):
        own = fold == number
        clash = (open_time.to_numpy()[:, None] < label_end.to_numpy()[own]) & (
            open_time.to_numpy()[own] < label_end.to_numpy()[:, None]
        )
        training = ~own & ~clash.any(axis=1)
        assert 0 < training.sum() < (~own).sum()
        expected = fit("temperature", raw[training], labels[training]).predict(raw[own])
        np.testing.assert_array_equal(found[own], expected)


def test_cross_fit_times_that_are_incomplete_are_refused(market):
    times = spans(len(market.labels))
    for name in times:
        with pytest.raises(SchemaError, match="needs both"):
            cross_fit("none", market.raw, market.labels, market.fold, **{name: times[name]})
    with pytest.raises(SchemaError, match="of each"):
        cross_fit("none", market.raw, market.labels, market.fold, **spans(5))
    missing = times["label_end"].to_series().reset_index(drop=True)
    missing[3] = pd.NaT
    with pytest.raises(CorruptDataError, match="label_end is missing in 1"):
        cross_fit("none", market.raw, market.labels, market.fold, **(times | {"label_end": missing}))


def test_choose_with_times_counts_the_rows_that_are_left_after_the_purge(market):
    few = slice(0, 12_510)
    raw, labels, fold = market.raw[few], market.labels[few], np.arange(12_510) * 5 // 12_510
    assert choose(["isotonic"], raw, labels, fold, mean_block_bars=16) == "isotonic"
    with pytest.raises(TooFewRowsError, match="9,992 rows beside"):
        choose(["isotonic"], raw, labels, fold, mean_block_bars=16, **spans(12_510))


@pytest.mark.parametrize("method", ["none", "temperature", "platt"])
def test_cross_fit_rows_without_a_label_are_calibrated_with_their_fold_and_fitted_on_by_none(market, method):
    labels = market.labels.astype(float)
    unknown = np.arange(len(labels)) % 7 == 3
    labels[unknown] = np.nan
    times = spans(len(labels))
    ends = pd.Series(times["label_end"]).where(~unknown)
    found = cross_fit(method, market.raw, labels, market.fold, open_time=times["open_time"], label_end=ends)
    known = {name: pd.Series(each)[~unknown] for name, each in times.items()}
    others = cross_fit(method, market.raw[~unknown], labels[~unknown], market.fold[~unknown], **known)
    assert np.array_equal(found[~unknown], others)
    alone = cross_fit(method, market.raw[~unknown], labels[~unknown], market.fold[~unknown])
    inside = (market.fold == 2) & ~unknown
    assert np.isfinite(found).all()
    fitted = fit(method, market.raw[~inside & ~unknown], market.labels[~inside & ~unknown])
    asked = (market.fold == 2) & unknown
    without_times = cross_fit(method, market.raw, labels, market.fold)
    assert np.allclose(without_times[asked], fitted.predict(market.raw[asked]))
    assert np.array_equal(without_times[~unknown], alone)
