"""What is no market gives NaN where nothing can be said, and a named error where nothing may be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.unit.features.markets import random_bars
from truebar.errors import CorruptDataError, SchemaError, UnknownTimeframeError, WrongTimeframeError
from truebar.features import batch

BARS = random_bars(31, 900)


def test_constant_prices_give_zero_or_nothing_never_infinity():
    flat = BARS.assign(open=7.0, high=7.0, low=7.0, close=7.0)
    found = batch(flat).iloc[700:]
    assert not np.isinf(found.drop(columns=["open_time", "available_at"]).to_numpy()).any()
    zero = ["return_24", "bar_range", "realized_volatility_96", "parkinson_96", "garman_klass_96",
            "bollinger_width_20", "range_width_96", "atr_share_14", "rise_share_96"]  # fmt: skip
    assert (found[zero] == 0).all(axis=None)
    nothing = ["momentum_96", "range_position_96", "mean_distance_96", "body_share", "ema_distance_8",
               "sma_distance_96", "macd", "rsi_14", "stochastic_k_14", "williams_r_14", "cci_20",
               "plus_di_14", "adx_14", "volatility_ratio_8_96", "bollinger_position_20",
               "true_range_ratio_14", "range_ratio_24", "money_flow_14"]  # fmt: skip
    assert found[nothing].isna().all(axis=None)


def test_a_price_that_stands_still_for_long_has_no_distance_in_ranges_of_rounding():
    last = BARS["close"].iloc[-1]
    still = random_bars(32, 10_000).assign(open=last, high=last, low=last, close=last)
    still["open_time"] += BARS["open_time"].iloc[-1] - still["open_time"].iloc[0] + pd.Timedelta("5min")
    found = batch(pd.concat([BARS, still], ignore_index=True))
    names = [name for name in found if "distance" in name or name.startswith("macd")]
    assert found[names].iloc[800:900].notna().all(axis=None)
    assert found[names].iloc[900:].abs().max(axis=None) < 1e6
    assert found[[name for name in names if "vwap" not in name]].iloc[1_300:].isna().all(axis=None)


def test_zero_volume_gives_nothing_where_it_would_be_divided_by():
    dead = BARS.assign(volume=0.0, trades=0, taker_buy_volume=0.0)
    found = batch(dead)
    names = ["volume_ratio_24", "volume_score_96", "chaikin_flow_20", "vwap_distance_24", "signed_volume_24",
             "trades_ratio_24", "trade_size_ratio_24", "taker_share_1", "taker_share_64", "taker_imbalance_8",
             "taker_score_96", "money_flow_14"]  # fmt: skip
    assert found[names].isna().all(axis=None)
    pd.testing.assert_series_equal(found["rsi_14"], batch(BARS)["rsi_14"], check_exact=True)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"close": -1.0}, CorruptDataError),
        ({"low": 0.0}, CorruptDataError),
        ({"open": np.nan}, CorruptDataError),
        ({"high": np.inf}, CorruptDataError),
        ({"close": 1e6}, CorruptDataError),
        ({"volume": -2.0}, CorruptDataError),
        ({"taker_buy_volume": np.inf}, CorruptDataError),
        ({"trades": "many"}, SchemaError),
    ],
)
def test_impossible_bars_raise(change, error):
    name, value = next(iter(change.items()))
    bad = BARS.astype({name: object}) if isinstance(value, str) else BARS.astype({name: float})
    bad.loc[500, name] = value
    with pytest.raises(error) as raised:
        batch(bad)
    if error is CorruptDataError:
        assert str(BARS["open_time"][500]) in str(raised.value)
        assert "1 bars" in str(raised.value)


@pytest.mark.parametrize("name", ["open", "high", "low", "close", "volume", "open_time"])
def test_bars_without_a_required_column_raise(name):
    with pytest.raises(SchemaError, match=name):
        batch(BARS.drop(columns=name))


def test_times_that_do_not_ascend_leave_the_grid_or_are_coarser_raise():
    with pytest.raises(CorruptDataError):
        batch(BARS.iloc[::-1])
    with pytest.raises(CorruptDataError):
        batch(pd.concat([BARS, BARS.tail(1)]))
    shifted = BARS.copy()
    shifted.loc[400:, "open_time"] += pd.Timedelta("1min")
    with pytest.raises(CorruptDataError):
        batch(shifted, timeframe="5m")
    with pytest.raises(WrongTimeframeError):
        batch(BARS, timeframe="1m")
    with pytest.raises(UnknownTimeframeError):
        batch(BARS, timeframe="7m")
