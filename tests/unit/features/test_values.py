"""Every column must equal a plain reading of its declaration, and TA-Lib where TA-Lib has it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

from tests.unit.features.markets import random_bars
from tests.unit.features.reference import WARMUP, Reference
from truebar.features import batch


@pytest.mark.parametrize(
    "missing",
    [(), (640, 760, 761, 900), tuple(range(700, 706)), tuple(range(700, 720)), tuple(range(200, 520))],
    ids=["whole", "single bars", "six bars", "twenty bars", "more than any window"],
)
def test_columns_equal_the_plain_reference_gaps_included(missing):
    bars = random_bars(3, 1_500, missing)
    found, expected = batch(bars, timeframe="5m"), Reference(bars).columns()
    for name in WARMUP:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-7, atol=1e-9, err_msg=name)
    assert found[list(WARMUP)].notna().any().all()


def test_columns_equal_the_plain_reference_where_inputs_are_missing_or_nothing_is_traded():
    bars = random_bars(4, 1_400)
    bars["trades"] = bars["trades"].astype(float)
    bars.loc[300:302, "volume"] = 0.0
    bars.loc[300:302, "taker_buy_volume"] = 0.0
    bars.loc[600:603, ["trades", "taker_buy_volume"]] = np.nan
    bars.loc[1_000, "volume"] = np.nan
    found, expected = batch(bars, timeframe="5m"), Reference(bars).columns()
    for name in WARMUP:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-7, atol=1e-9, err_msg=name)


def from_talib(bars: pd.DataFrame) -> dict[str, np.ndarray]:
    high, low, close, volume = (bars[name].to_numpy() for name in ("high", "low", "close", "volume"))
    atr = talib.ATR(high, low, close, 14)
    macd, signal, histogram = talib.MACD(close, 12, 26, 9)
    slow_k, slow_d = talib.STOCH(high, low, close, 14, 3, 0, 3, 0)
    aroon_down, aroon_up = talib.AROON(high, low, 25)
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0, 0)
    found = {
        "macd": macd / atr,
        "macd_signal": signal / atr,
        "macd_histogram": histogram / atr,
        "rsi_7": talib.RSI(close, 7),
        "rsi_14": talib.RSI(close, 14),
        "stochastic_k_14": slow_k,
        "stochastic_d_14": slow_d,
        "williams_r_14": talib.WILLR(high, low, close, 14),
        "cci_20": talib.CCI(high, low, close, 20),
        "plus_di_14": talib.PLUS_DI(high, low, close, 14),
        "minus_di_14": talib.MINUS_DI(high, low, close, 14),
        "adx_14": talib.ADX(high, low, close, 14),
        "aroon_up_25": aroon_up,
        "aroon_down_25": aroon_down,
        "bollinger_width_20": (upper - lower) / middle,
        "bollinger_position_20": (close - lower) / (upper - lower),
        "atr_share_14": talib.NATR(high, low, close, 14) / 100,
        "true_range_ratio_14": talib.TRANGE(high, low, close) / atr,
        "money_flow_14": talib.MFI(high, low, close, volume, 14),
        "volume_score_96": (volume - talib.SMA(volume, 96)) / talib.STDDEV(volume, 96, 1.0),
    }
    found |= {f"ema_distance_{n}": (close - talib.EMA(close, n)) / atr for n in (8, 20, 50)}
    found |= {f"sma_distance_{n}": (close - talib.SMA(close, n)) / atr for n in (10, 20, 50, 96)}
    found |= {f"return_{n}": np.log1p(talib.ROCP(close, n)) for n in (1, 24, 96)}
    found |= {f"volume_ratio_{n}": volume / talib.SMA(volume, n) for n in (24, 96)}
    for n in (12, 24, 96):
        highest, lowest = talib.MAX(high, n), talib.MIN(low, n)
        found[f"range_position_{n}"] = (close - lowest) / (highest - lowest)
    return found


def test_columns_that_talib_has_agree_with_it_to_1e7_after_their_warmup():
    bars = random_bars(6, 4_000)
    found = batch(bars, timeframe="5m")
    for name, expected in from_talib(bars).items():
        rows = np.isfinite(expected) & (np.arange(len(bars)) >= WARMUP[name])
        assert rows.sum() >= len(bars) - WARMUP[name] - 2, name  # its stochastic begins two bars later
        scale = np.nanstd(expected)
        np.testing.assert_allclose(
            found[name][rows], expected[rows], rtol=1e-7, atol=1e-7 * scale, err_msg=name
        )


def test_value_is_free_of_a_huge_bar_as_soon_as_it_has_left_the_window():
    bars = random_bars(7, 1_600)
    spiked = bars.copy()
    spiked.loc[300, ["volume", "taker_buy_volume"]] *= 1e12
    names = ["volume_ratio_96", "volume_score_96", "vwap_distance_96", "taker_imbalance_96", "taker_score_96"]
    after, expected = batch(spiked).iloc[397:], batch(bars).iloc[397:]
    pd.testing.assert_frame_equal(after[names], expected[names], check_exact=True)
