"""Purged folds must hold exactly the rows that METHOD §2 allows: none that clash, none lost."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.validation.histories import allowed_training, labelled, random_history
from truebar.errors import ConfigurationError, CorruptDataError, SchemaError, TooFewRowsError
from truebar.validation import CombinatorialPurgedKFold, PurgedKFold

TIMES = pd.date_range("2025-01-01", periods=12, freq="1h", tz="UTC")


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(6, 60),
    n_splits=st.integers(2, 5),
    embargo=st.integers(0, 9),
)
def test_purged_k_fold_equals_the_definition(seed, rows, n_splits, embargo):
    open_time, label_end = random_history(np.random.default_rng(seed), rows)
    folds = [block.tolist() for block in np.array_split(labelled(label_end), n_splits)]
    expected = [allowed_training(open_time, label_end, [fold], embargo) if fold else [] for fold in folds]
    splitter = PurgedKFold(n_splits, embargo_bars=embargo)
    if not all(expected):
        with pytest.raises(TooFewRowsError):
            splitter.split(open_time, label_end)
        return
    found = list(splitter.split(open_time, label_end))
    assert [test.tolist() for _, test in found] == folds
    assert [train.tolist() for train, _ in found] == expected


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(20, 60), embargo=st.integers(0, 9))
@pytest.mark.parametrize("counts", [(4, 2), (5, 1), (6, 3)])
def test_combinatorial_purged_k_fold_equals_the_definition(counts, seed, rows, embargo):
    n_splits, n_test_splits = counts
    open_time, label_end = random_history(np.random.default_rng(seed), rows)
    folds = [block.tolist() for block in np.array_split(labelled(label_end), n_splits)]
    splitter = CombinatorialPurgedKFold(n_splits, n_test_splits, embargo_bars=embargo)
    found = splitter.split(open_time, label_end)
    chosen = list(combinations(folds, n_test_splits))
    assert len(chosen) == splitter.n_combinations
    for blocks in chosen:
        expected = allowed_training(open_time, label_end, list(blocks), embargo)
        if not expected:
            with pytest.raises(TooFewRowsError):
                next(found)
            return  # a generator that has raised gives nothing more
        train, test = next(found)
        assert test.tolist() == [row for block in blocks for row in block]
        assert train.tolist() == expected


def test_purged_k_fold_by_hand():
    label_end = TIMES + pd.Timedelta("3h")  # clashes with the two bars before and after
    found = list(PurgedKFold(3, embargo_bars=1).split(TIMES, label_end))
    assert [test.tolist() for _, test in found] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert [train.tolist() for train, _ in found] == [[7, 8, 9, 10, 11], [0, 1, 11], [0, 1, 2, 3, 4, 5]]


def test_purged_k_fold_counts_embargo_in_bars_whether_labelled_or_not():
    label_end = (TIMES + pd.Timedelta("1h")).where(~np.isin(np.arange(12), [4, 5]))
    train, test = next(PurgedKFold(2, embargo_bars=2).split(TIMES[:9], label_end[:9]))
    assert test.tolist() == [0, 1, 2, 3]
    assert train.tolist() == [6, 7, 8]
    train, _ = next(PurgedKFold(2, embargo_bars=3).split(TIMES[:9], label_end[:9]))
    assert train.tolist() == [7, 8]


def test_purged_k_fold_reads_times_of_any_form():
    ends = TIMES + pd.Timedelta("2h")
    splitter = PurgedKFold(3, embargo_bars=1)
    expected = [train.tolist() for train, _ in splitter.split(TIMES, ends)]
    for times, labels in [
        (pd.Series(TIMES, index=np.arange(12)[::-1]), pd.Series(ends)),
        (TIMES.tz_localize(None).to_numpy().astype("datetime64[s]"), ends.as_unit("ms")),
        (list(TIMES), ends.tz_convert("Asia/Tokyo")),
    ]:
        assert [train.tolist() for train, _ in splitter.split(times, labels)] == expected


def test_purged_k_fold_bad_rows_raise_named_errors():
    ends = TIMES + pd.Timedelta("2h")
    splitter = PurgedKFold(3, embargo_bars=1)
    cases = [
        (TIMES[::-1], ends, CorruptDataError),
        (TIMES, TIMES, CorruptDataError),
        (TIMES, ends[:11], SchemaError),
        (np.arange(12), ends, SchemaError),
        (TIMES, pd.DatetimeIndex([pd.NaT] * 12), TooFewRowsError),
        (TIMES[:2], ends[:2], TooFewRowsError),
        (TIMES, TIMES + pd.Timedelta("9h"), TooFewRowsError),
    ]
    for times, labels, error in cases:
        with pytest.raises(error):
            splitter.split(times, labels)


@pytest.mark.parametrize("arguments", [(1, 0), (2.5, 0), (3, -1), (3, 0.5)])
def test_purged_k_fold_bad_counts_raise(arguments):
    with pytest.raises(ConfigurationError):
        PurgedKFold(arguments[0], embargo_bars=arguments[1])


@pytest.mark.parametrize("n_test_splits", [0, 3, 4])
def test_combinatorial_purged_k_fold_bad_counts_raise(n_test_splits):
    with pytest.raises(ConfigurationError):
        CombinatorialPurgedKFold(3, n_test_splits, embargo_bars=0)


def test_purged_k_fold_without_an_embargo_is_a_type_error():
    with pytest.raises(TypeError):
        PurgedKFold(3)
