"""Slices and folds are apart exactly where METHOD §2, read one pair of rows at a time, says so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.validation.histories import allowed_training, clash, labelled, random_history
from truebar.errors import CorruptDataError, TooFewRowsError
from truebar.validation import CombinatorialPurgedKFold, PurgedKFold, dev_vault
from truebar.validation.apart import folds_are_apart, slices_are_apart

TIMES = pd.date_range("2025-01-01", periods=20, freq="1h", tz="UTC")
ENDS = TIMES + pd.Timedelta("3h")


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(8, 60), embargo=st.integers(0, 6))
def test_folds_are_apart_equals_the_definition(seed: int, size: int, embargo: int) -> None:
    rng = np.random.default_rng(seed)
    open_time, label_end = random_history(rng, size)
    known = labelled(label_end)
    cuts = np.sort(rng.choice(np.arange(1, len(known)), 2, replace=False)) if len(known) > 4 else [1, 2]
    block = known[cuts[0] : cuts[1]]
    allowed = allowed_training(open_time, label_end, [block], embargo)
    judged = np.array(block)
    if allowed:
        fold = (np.array(allowed), judged)
        assert folds_are_apart(open_time, label_end, [fold], embargo_bars=embargo) is True
    for row in set(known) - set(allowed):
        spoiled = (np.array(sorted([*allowed, row])), judged)
        assert folds_are_apart(open_time, label_end, [spoiled], embargo_bars=embargo) is False


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(40, 120), embargo=st.integers(0, 4))
def test_folds_are_apart_of_every_splitter(seed: int, size: int, embargo: int) -> None:
    open_time, label_end = random_history(np.random.default_rng(seed), size)
    for splitter in (
        PurgedKFold(4, embargo_bars=embargo),
        CombinatorialPurgedKFold(5, 2, embargo_bars=embargo),
    ):
        try:
            folds = list(splitter.split(open_time, label_end))
        except TooFewRowsError:
            continue
        assert folds_are_apart(open_time, label_end, folds, embargo_bars=embargo) is True


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(12, 80))
def test_slices_are_apart_of_dev_and_vault_and_no_purged_row_may_come_back(seed: int, size: int) -> None:
    open_time, label_end = random_history(np.random.default_rng(seed), size)
    try:
        parts = dev_vault(open_time, label_end)
    except TooFewRowsError:
        return
    dev, vault = parts["dev"], parts["vault"]
    assert slices_are_apart(open_time, label_end, [dev, vault])
    for row in set(labelled(label_end)) - set(dev) - set(vault):
        assert any(clash(open_time, label_end, row, other) for other in vault)
        assert not slices_are_apart(open_time, label_end, [np.append(dev, row), vault])


def test_slices_are_apart_by_hand() -> None:
    assert slices_are_apart(TIMES, ENDS, [rows(0, 1, 2), rows(5, 6)])
    assert not slices_are_apart(TIMES, ENDS, [rows(0, 1, 2, 3), rows(5, 6)])  # row 3 ends as 6 opens
    assert not slices_are_apart(TIMES, ENDS, [rows(0, 1, 5), rows(5, 6)])
    assert not slices_are_apart(TIMES, ENDS, [rows(10, 11), rows(5, 6)])
    assert not slices_are_apart(TIMES, ENDS, [rows(), rows(5, 6)])


def test_folds_are_apart_by_hand() -> None:
    # The test rows 8 and 9 end at the open of rows 11 and 12.
    def apart(*fitted_on: int, embargo_bars: int = 0) -> bool | None:
        return folds_are_apart(TIMES, ENDS, [(rows(*fitted_on), rows(8, 9))], embargo_bars=embargo_bars)

    assert apart(0, 5, 12)
    assert not apart(0, 6)
    assert not apart(11)
    assert not apart(8)
    assert apart(14, embargo_bars=2)
    assert not apart(13, embargo_bars=2)


def test_folds_are_apart_early_stop_on_the_scored_rows_is_found() -> None:
    scored = rows(12, 13, 14)
    assert folds_are_apart(TIMES, ENDS, [(rows(0, 1), scored), (scored, scored)], embargo_bars=0) is False


def test_folds_are_apart_rows_without_a_label_or_a_side_are_not() -> None:
    ends = ENDS.to_series().reset_index(drop=True)
    ends[2] = pd.NaT
    assert folds_are_apart(TIMES, ends, [(rows(2), rows(10))], embargo_bars=0) is False
    assert folds_are_apart(TIMES, ends, [(rows(0), rows(2))], embargo_bars=0) is False
    assert folds_are_apart(TIMES, ends, [(rows(), rows(10))], embargo_bars=0) is False
    assert folds_are_apart(TIMES, ends, [(rows(0), rows(10))], embargo_bars=0) is True
    assert folds_are_apart(TIMES, ends, [], embargo_bars=0) is None


def test_folds_are_apart_rows_of_another_history_raise() -> None:
    with pytest.raises(CorruptDataError, match="there are 20 rows"):
        folds_are_apart(TIMES, ENDS, [(rows(0), rows(20))], embargo_bars=0)
    with pytest.raises(CorruptDataError):
        slices_are_apart(TIMES, ENDS, [rows(-1), rows(5)])
