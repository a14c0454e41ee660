"""What every registered family must keep, whatever it computes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.unit.features.test_price import random_bars
from truebar.errors import ConfigurationError, TooFewRowsError
from truebar.features import FAMILIES, FEATURE_SETS, batch

HISTORY = random_bars(11, 700)


def test_registry_names_each_column_once():
    names = [name for family in FAMILIES.values() for name in family.columns]
    assert len(names) == len(set(names))
    assert all(FAMILIES[name].name == name for name in FAMILIES)
    assert all(set(families) <= set(FAMILIES) for families in FEATURE_SETS.values())


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_family_first_value_comes_exactly_after_the_declared_warmup(family):
    computed = family.compute(HISTORY)
    for column in family.declared:
        known = computed[column.name].notna().to_numpy()
        assert int(np.argmax(known)) == column.warmup_bars, column.name
        assert known[column.warmup_bars :].all(), column.name


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_family_recomputed_from_its_warmup_has_the_same_bits(family):
    whole = family.compute(HISTORY)
    for row in (500, 501, 613, 699):
        tail = HISTORY.iloc[row - family.warmup_bars : row + 1].reset_index(drop=True)
        last = family.compute(tail).iloc[-1]
        pd.testing.assert_series_equal(last, whole.iloc[row], check_exact=True, check_names=False)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_family_reads_only_declared_inputs(family):
    rng = np.random.default_rng(5)
    noise = {
        name: HISTORY[name] * rng.uniform(0.5, 2, len(HISTORY))
        for name in HISTORY.columns
        if name != "open_time" and name not in family.inputs
    }
    shuffled = family.compute(HISTORY.assign(**noise, label=rng.integers(-1, 2, len(HISTORY))))
    pd.testing.assert_frame_equal(shuffled, family.compute(HISTORY), check_exact=True)
    family.compute(HISTORY[["open_time", *family.inputs]])


def test_batch_gives_times_and_columns_in_registry_order():
    found = batch(HISTORY.set_index(np.arange(700)[::-1]))
    expected = [name for family in FAMILIES.values() for name in family.columns]
    assert list(found.columns) == ["open_time", "available_at", *expected]
    assert (found["available_at"] - found["open_time"] == pd.Timedelta("5min")).all()
    assert str(found["open_time"].dtype) == "datetime64[ns, UTC]"
    assert found.index.tolist() == list(range(700))


def test_batch_of_one_bar_needs_its_timeframe():
    with pytest.raises(TooFewRowsError, match="timeframe"):
        batch(HISTORY.iloc[:1])
    found = batch(HISTORY.iloc[:1], timeframe="5m")
    assert found["available_at"][0] == pd.Timestamp("2025-03-01 00:05", tz="UTC")
    assert len(batch(HISTORY.iloc[:0])) == 0


def test_batch_of_an_unknown_feature_set_raises():
    with pytest.raises(ConfigurationError, match="core"):
        batch(HISTORY, "deluxe")
