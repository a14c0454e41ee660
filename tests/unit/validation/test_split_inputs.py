"""Splits read times of any form, and agree with purgedcv where both say the same thing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import purgedcv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError
from truebar.times import NO_TIME
from truebar.validation import (
    CombinatorialPurgedKFold,
    PurgedKFold,
    PurgedWalkForward,
    dev_vault,
    next_vault,
    timeline,
)

TIMES = pd.date_range("2025-01-01", periods=40, freq="15min", tz="UTC")
ENDS = TIMES + pd.Timedelta("45min")
STEP = pd.Timedelta("15min")


def rows_of(splits) -> list[tuple[list[int], list[int]]]:
    return [(train.tolist(), test.tolist()) for train, test in splits]


def every_split(open_time, label_end) -> list[object]:
    return [
        rows_of(PurgedKFold(4, embargo_bars=3).split(open_time, label_end)),
        rows_of(CombinatorialPurgedKFold(5, 2, embargo_bars=3).split(open_time, label_end)),
        rows_of(PurgedWalkForward(4).split(open_time, label_end)),
        {name: rows.tolist() for name, rows in timeline(open_time, label_end).items()},
        {name: rows.tolist() for name, rows in dev_vault(open_time, label_end).items()},
    ]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), embargo=st.integers(0, 6), counts=st.sampled_from([(4, 1), (6, 2)]))
def test_purged_splits_on_a_whole_grid_equal_purgedcv(seed, embargo, counts):
    rng = np.random.default_rng(seed)
    times = pd.date_range("2025-01-01", periods=120, freq=STEP)
    ends = times + STEP * rng.integers(1, 9, 120)
    # purgedcv's embargo is a closed stretch of time: just short of one bar more is as many bars as ours
    bound = {
        "prediction_times": times.to_series(),
        "evaluation_times": ends.to_series(),
        "embargo": max(embargo * STEP - pd.Timedelta("1ns"), pd.Timedelta(0)),
    }
    n_splits, n_test = counts
    if n_test == 1:
        oracle = purgedcv.PurgedKFold(n_splits, **bound)
        found = PurgedKFold(n_splits, embargo_bars=embargo).split(times, ends)
    else:
        oracle = purgedcv.CombinatorialPurgedCV(n_splits, n_test, **bound)
        found = CombinatorialPurgedKFold(n_splits, n_test, embargo_bars=embargo).split(times, ends)
    assert sorted(rows_of(found)) == sorted(rows_of(oracle.split(np.zeros((120, 1)))))


def test_splits_of_whole_numbers_are_those_of_the_times():
    whole, ends = TIMES.asi8, np.where(np.arange(40) < 36, ENDS.asi8, NO_TIME)
    expected = every_split(TIMES, ENDS.where(np.arange(40) < 36))
    minutes = np.where(ends == NO_TIME, NO_TIME, ends // 60_000_000_000)
    assert every_split(whole, ends) == expected
    assert every_split(pd.Series(whole // 60_000_000_000), minutes) == expected


@pytest.mark.parametrize(
    ("open_time", "label_end", "error"),
    [
        (TIMES.asi8, ENDS, SchemaError),
        (TIMES, ENDS.asi8, SchemaError),
        (TIMES.asi8.astype(float), ENDS.asi8, SchemaError),
        (TIMES.asi8.reshape(4, 10), ENDS.asi8.reshape(4, 10), SchemaError),
        (TIMES.asi8[::-1], ENDS.asi8, CorruptDataError),
        (np.r_[NO_TIME, TIMES.asi8[1:]], ENDS.asi8, CorruptDataError),
        (TIMES.asi8, TIMES.asi8, CorruptDataError),
        (TIMES.where(np.arange(40) != 7), ENDS, CorruptDataError),
        (TIMES.asi8, np.full(40, NO_TIME), TooFewRowsError),
        (TIMES[:1], ENDS[:1], TooFewRowsError),
        (TIMES[:0], ENDS[:0], TooFewRowsError),
        (TIMES, TIMES + pd.Timedelta("30D"), TooFewRowsError),
    ],
)
def test_every_split_of_bad_rows_raises_the_same_named_error(open_time, label_end, error):
    for split in (
        PurgedKFold(4, embargo_bars=1).split,
        lambda *times: list(CombinatorialPurgedKFold(4, 2, embargo_bars=1).split(*times)),
        PurgedWalkForward(3).split,
        timeline,
        dev_vault,
    ):
        with pytest.raises(error):
            split(open_time, label_end)


def test_next_vault_of_whole_numbers_raises_since_days_need_a_unit():
    with pytest.raises(SchemaError):
        next_vault(TIMES.asi8, ENDS.asi8, [])


def test_splits_are_arrays_of_the_callers_own():
    splitter = PurgedKFold(4, embargo_bars=1)
    expected = rows_of(splitter.split(TIMES, ENDS))
    found = []
    for train, test in splitter.split(TIMES, ENDS):
        found.append((train.tolist(), test.tolist()))
        train[:], test[:] = -1, -1
    assert found == expected


def test_splits_with_equal_times_in_a_row_keep_none_that_clash():
    times, ends = TIMES[np.arange(40) // 2], ENDS[np.arange(40) // 2]
    for train, test in PurgedKFold(3, embargo_bars=0).split(times, ends):
        for row in train:
            assert not ((times[row] < ends[test]) & (times[test] < ends[row])).any()
