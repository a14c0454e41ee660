"""Walk-forward splits train on every earlier row that does not clash, and on nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.validation.histories import clash, labelled, random_history
from truebar.errors import ConfigurationError, CorruptDataError, SchemaError, TooFewRowsError
from truebar.validation import PurgedWalkForward

TIMES = pd.date_range("2025-01-01", periods=12, freq="1h", tz="UTC")


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(6, 60),
    n_splits=st.integers(1, 5),
    longest=st.sampled_from([None, 1, 7, 25]),
)
def test_purged_walk_forward_equals_the_definition(seed, rows, n_splits, longest):
    open_time, label_end = random_history(np.random.default_rng(seed), rows)
    known = labelled(label_end)
    blocks = [block.tolist() for block in np.array_split(known, n_splits + 1)][1:]
    expected = []
    for block in blocks:
        free = [
            row
            for row in known
            if block
            and row < block[0]
            and not any(clash(open_time, label_end, row, other) for other in block)
        ]
        expected.append(free if longest is None else free[-longest:])
    splitter = PurgedWalkForward(n_splits, max_train_rows=longest)
    if not all(expected):
        with pytest.raises(TooFewRowsError):
            splitter.split(open_time, label_end)
        return
    found = list(splitter.split(open_time, label_end))
    assert [test.tolist() for _, test in found] == blocks
    assert [train.tolist() for train, _ in found] == expected


def test_purged_walk_forward_by_hand():
    ends = TIMES + pd.Timedelta("3h")  # clashes with the two bars before
    tests = [[3, 4, 5], [6, 7, 8], [9, 10, 11]]
    found = list(PurgedWalkForward(3).split(TIMES, ends))
    assert [test.tolist() for _, test in found] == tests
    assert [train.tolist() for train, _ in found] == [[0], [0, 1, 2, 3], [0, 1, 2, 3, 4, 5, 6]]
    found = list(PurgedWalkForward(3, max_train_rows=3).split(TIMES, ends))
    assert [test.tolist() for _, test in found] == tests
    assert [train.tolist() for train, _ in found] == [[0], [1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("times", "ends", "error"),
    [
        (TIMES[::-1], TIMES + pd.Timedelta("2h"), CorruptDataError),
        (TIMES, TIMES, CorruptDataError),
        (TIMES, TIMES[:5], SchemaError),
        (TIMES, pd.DatetimeIndex([pd.NaT] * 12), TooFewRowsError),
        (TIMES[:1], TIMES[1:2], TooFewRowsError),
        (TIMES, TIMES + pd.Timedelta("4h"), TooFewRowsError),  # the first block reaches into the second
        (TIMES[:0], TIMES[:0], TooFewRowsError),
    ],
)
def test_purged_walk_forward_bad_rows_raise_named_errors(times, ends, error):
    with pytest.raises(error):
        PurgedWalkForward(3).split(times, ends)


@pytest.mark.parametrize(("n_splits", "longest"), [(0, None), (1.5, None), (True, None), (2, 0), (2, 2.5)])
def test_purged_walk_forward_bad_counts_raise(n_splits, longest):
    with pytest.raises(ConfigurationError):
        PurgedWalkForward(n_splits, max_train_rows=longest)
