"""What every registered column must keep, whatever it computes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.unit.features.markets import random_bars
from truebar.errors import ConfigurationError, TooFewRowsError
from truebar.feature_columns import COLUMN_FAMILIES, SETTLED, TAKER_SPANS
from truebar.features import FAMILIES, FEATURE_SETS, batch
from truebar.features.averaging import ema_factor, settled_bars, wilder_factor

HISTORY = random_bars(11, 1_600)
OHLCV = ["open", "high", "low", "close", "volume"]


def test_registry_names_each_column_once():
    names = [name for family in FAMILIES.values() for name in family.columns]
    assert len(names) == len(set(names))
    assert list(FAMILIES) == list(COLUMN_FAMILIES)
    assert all(FAMILIES[name].name == name for name in FAMILIES)
    assert all(set(families) <= set(FAMILIES) for families in FEATURE_SETS.values())


def test_core_has_at_least_fifty_columns_thirty_of_them_from_prices_and_volume():
    declared = [column for family in FEATURE_SETS["core"] for column in FAMILIES[family].declared]
    assert len(declared) >= 50
    from_ohlcv = [column.name for column in declared if set(column.inputs) <= set(OHLCV)]
    assert len(from_ohlcv) >= 30
    bare = batch(HISTORY[["open_time", *OHLCV]])
    known = bare[[column.name for column in declared]].notna().any()
    assert known[known].index.tolist() == from_ohlcv


def test_settled_bars_are_those_after_which_the_past_is_forgotten():
    atr = settled_bars(wilder_factor(14)) + 1  # a true range needs the bar before
    assert SETTLED["rsi_14"] == SETTLED["atr_share_14"] == SETTLED["sma_distance_10"] == atr
    assert SETTLED["rsi_7"] == settled_bars(wilder_factor(7)) + 1
    assert SETTLED["adx_14"] == settled_bars(wilder_factor(14), twice=True) + 1
    for span in (8, 20, 50):
        assert SETTLED[f"ema_distance_{span}"] == max(atr, settled_bars(ema_factor(span)))
    assert SETTLED["macd"] == max(atr, settled_bars(ema_factor(26)))
    assert SETTLED["macd_signal"] == settled_bars(ema_factor(26)) + settled_bars(ema_factor(9))
    for span in TAKER_SPANS:
        assert SETTLED[f"taker_share_{span}"] == settled_bars(ema_factor(span))


@pytest.mark.parametrize("name", FAMILIES)
def test_family_first_value_comes_exactly_after_the_declared_warmup(name):
    computed = batch(HISTORY, name)
    for column in FAMILIES[name].declared:
        known = computed[column.name].notna().to_numpy()
        assert int(np.argmax(known)) == column.warmup_bars, column.name
        assert known[column.warmup_bars :].all(), column.name


@pytest.mark.parametrize("name", FAMILIES)
def test_family_from_its_warmup_on_forgets_where_history_began(name):
    whole = batch(HISTORY, name)
    for row in (1_200, 1_201, 1_313, 1_599):
        for column in FAMILIES[name].declared:
            tail = HISTORY.iloc[row - column.warmup_bars : row + 1]
            last = batch(tail, name, timeframe="5m")[column.name].iloc[-1]
            expected = whole[column.name].iloc[row]
            if column.is_recursive:
                assert last == pytest.approx(expected, rel=1e-6, abs=1e-8), column.name
            else:
                assert last == expected, column.name


@pytest.mark.parametrize("name", FAMILIES)
def test_family_reads_only_declared_inputs(name):
    rng = np.random.default_rng(5)
    between = {
        price: HISTORY["low"] + (HISTORY["high"] - HISTORY["low"]) * rng.uniform(0, 1, len(HISTORY))
        for price in ("open", "close")
    }
    other = between | {
        column: HISTORY[column] * rng.uniform(0.5, 2, len(HISTORY))
        for column in ("volume", "trades", "taker_buy_volume")
    }
    computed = batch(HISTORY, name)
    for column in FAMILIES[name].declared:
        changed = {key: values for key, values in other.items() if key not in column.inputs}
        if "high" not in column.inputs:
            changed["high"] = HISTORY["high"] * 1.5
        if "low" not in column.inputs:
            changed["low"] = HISTORY["low"] * 0.5
        again = batch(HISTORY.assign(**changed, label=1.0), name)
        pd.testing.assert_series_equal(again[column.name], computed[column.name], check_exact=True)


def test_batch_gives_times_and_columns_in_registry_order():
    found = batch(HISTORY.set_index(np.arange(1_600)[::-1]))
    expected = [name for family in FAMILIES.values() for name in family.columns]
    assert list(found.columns) == ["open_time", "available_at", *expected]
    assert (found["available_at"] - found["open_time"] == pd.Timedelta("5min")).all()
    assert str(found["open_time"].dtype) == "datetime64[ns, UTC]"
    assert found.index.tolist() == list(range(1_600))


def test_batch_of_bars_at_another_price_level_is_the_same():
    scaled = HISTORY.assign(**{price: HISTORY[price] * 1_024.0 for price in OHLCV[:4]})
    columns = [name for family in FAMILIES.values() for name in family.columns]
    np.testing.assert_allclose(
        batch(scaled)[columns], batch(HISTORY)[columns], rtol=1e-9, atol=1e-9, err_msg="a price is left in"
    )


def test_batch_of_one_bar_needs_its_timeframe():
    with pytest.raises(TooFewRowsError, match="timeframe"):
        batch(HISTORY.iloc[:1])
    found = batch(HISTORY.iloc[:1], timeframe="5m")
    assert found["available_at"][0] == pd.Timestamp("2025-03-01 00:05", tz="UTC")
    assert len(batch(HISTORY.iloc[:0])) == 0


def test_batch_of_an_unknown_feature_set_raises():
    with pytest.raises(ConfigurationError, match="core"):
        batch(HISTORY, "deluxe")
