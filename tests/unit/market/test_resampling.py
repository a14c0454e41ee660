from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar.errors import (
    ConfigurationError,
    CorruptDataError,
    SchemaError,
    TooFewRowsError,
    UnknownTimeframeError,
)
from truebar.market import KLINE_COLUMNS, find_gaps, resample, validate_klines
from truebar.market.schema import FLOW_COLUMNS
from truebar.units import TIMEFRAME_SECONDS

MakeBars = Callable[..., pd.DataFrame]
Real = Callable[[str], pd.DataFrame]
RULES = {"open": "first", "high": "max", "low": "min", "close": "last"} | dict.fromkeys(
    ("volume", *FLOW_COLUMNS), "sum"
)


def by_pandas(bars: pd.DataFrame, timeframe: str, to: str) -> pd.DataFrame:
    """The plain reference: group by coarse bar, and keep the groups that have all their members."""
    coarse = bars["open_time"].dt.floor(pd.Timedelta(TIMEFRAME_SECONDS[to], "s"))
    grouped = bars.groupby(coarse)
    frame = grouped.agg(RULES)
    for name in ("volume", *FLOW_COLUMNS):
        frame[name] = grouped[name].agg(lambda column: column.sum(skipna=False))
    complete = grouped.size() == TIMEFRAME_SECONDS[to] // TIMEFRAME_SECONDS[timeframe]
    return frame[complete].reset_index()


@settings(deadline=None, max_examples=40)
@given(
    pair=st.sampled_from(
        [("5m", "15m"), ("15m", "1h"), ("1h", "4h"), ("1h", "1d"), ("1m", "5m"), ("1s", "1m")]
    ),
    n=st.integers(2, 200),
    drop=st.sets(st.integers(1, 198), max_size=8),
    start_bar=st.integers(0, 30),
    seed=st.integers(0, 9),
)
def test_resample_agrees_with_the_plain_reference(
    make_bars: MakeBars, pair: tuple[str, str], n: int, drop: set[int], start_bar: int, seed: int
) -> None:
    timeframe, to = pair
    start = pd.Timestamp("2025-01-01") + pd.Timedelta(start_bar * TIMEFRAME_SECONDS[timeframe], "s")
    bars = make_bars(n, timeframe, start=str(start), seed=seed)
    bars = bars.drop(index=[row for row in drop if row < n - 1]).reset_index(drop=True)
    bars.loc[bars.index % 7 == 3, "quote_volume"] = np.nan
    bars["close_time"] = bars["open_time"] + pd.Timedelta(TIMEFRAME_SECONDS[timeframe], "s")
    made = resample(bars, to=to)
    expected = by_pandas(bars, timeframe, to)
    pd.testing.assert_frame_equal(made[list(expected.columns)], expected, check_dtype=False, rtol=1e-13)
    assert tuple(made.columns) == KLINE_COLUMNS
    assert (made["close_time"] == made["open_time"] + pd.Timedelta(TIMEFRAME_SECONDS[to], "s")).all()
    assert not len(made) or made["close_time"].iloc[-1] <= bars["close_time"].iloc[-1]
    assert set(made["source"]) <= {f"resampled from {timeframe}"}


def test_bar_that_misses_a_part_is_left_out_and_shows_as_a_gap(make_bars: MakeBars) -> None:
    bars = make_bars(12 * 4 + 2, "15m", start="2025-01-01 00:15").drop(index=[15])
    made = resample(bars, to="1h")
    hours = made["open_time"].dt.hour.tolist()
    assert hours == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11]
    gaps = find_gaps(made, timeframe="1h")
    assert gaps["reason"].tolist() == ["missing"]
    assert gaps["bars"].tolist() == [1]


def test_later_bars_do_not_change_coarse_bars_already_made(make_bars: MakeBars) -> None:
    bars = make_bars(40, "15m")
    whole = resample(bars, to="1h")
    for known in range(4, 40, 5):
        early = resample(bars.head(known), to="1h")
        pd.testing.assert_frame_equal(early, whole.head(len(early)))
        assert len(early) == known // 4


def test_two_steps_equal_one(make_bars: MakeBars) -> None:
    bars = make_bars(500, "5m").drop(index=[77, 301]).reset_index(drop=True)
    direct, stepped = resample(bars, to="4h"), resample(resample(bars, to="1h"), to="4h")
    pd.testing.assert_frame_equal(direct.drop(columns="source"), stepped.drop(columns="source"))


def test_columns_that_are_not_given_stay_nan(make_bars: MakeBars) -> None:
    made = resample(make_bars(8)[["open_time", "open", "high", "low", "close", "volume"]], to="1h")
    assert made[list(FLOW_COLUMNS)].isna().all(axis=None)
    assert made["volume"].notna().all()


def test_halted_fine_bars_are_bars(make_bars: MakeBars) -> None:
    bars = make_bars(8)
    price = bars.loc[4, "open"]
    bars.loc[4:, ["open", "high", "low", "close"]] = price
    bars.loc[4:, "volume"] = 0.0
    made = resample(bars, to="1h")
    assert find_gaps(made, timeframe="1h")["reason"].tolist() == ["halted"]


def test_same_timeframe_gives_the_bars_and_others_are_refused(make_bars: MakeBars) -> None:
    bars = make_bars(8)
    pd.testing.assert_frame_equal(resample(bars, to="15m"), bars)
    with pytest.raises(ConfigurationError, match="15m bars cannot be resampled to 5m"):
        resample(bars, to="5m")
    with pytest.raises(UnknownTimeframeError):
        resample(bars, to="2h")
    with pytest.raises(TooFewRowsError):
        resample(bars.head(1), to="1h")
    with pytest.raises(CorruptDataError):
        resample(bars.iloc[::-1], to="1h")
    with pytest.raises(SchemaError):
        resample(bars.drop(columns="close"), to="1h")
    shifted = bars.assign(open_time=bars["open_time"] + pd.Timedelta("7min"))
    with pytest.raises(CorruptDataError, match="off the 15m grid"):
        resample(shifted, to="1h")


@pytest.mark.parametrize("early", ["0ns", "1us", "1ms", "1s"])
def test_timeframe_comes_from_close_time_where_gaps_hide_it(make_bars: MakeBars, early: str) -> None:
    bars = make_bars(9, "15m").iloc[[0, 2, 4, 5, 6, 7]]
    bars = bars.assign(close_time=bars["open_time"] + pd.Timedelta("15min") - pd.Timedelta(early))
    assert resample(bars, to="1h")["open_time"].dt.hour.tolist() == [1]
    with pytest.raises(SchemaError, match="long"):
        resample(bars.assign(close_time=bars["open_time"] + pd.Timedelta("7min")), to="1h")


@pytest.mark.parametrize("symbol", ["BTCUSDT", "SOLUSDT", "NEARUSDT"])
def test_real_15m_bars_are_the_aggregation_of_real_5m_bars(real: Real, symbol: str) -> None:
    fine = validate_klines(real(f"binance_um/5m/{symbol}_2025"), timeframe="5m").bars
    coarse = validate_klines(real(f"binance_um/15m/{symbol}_2025"), timeframe="15m").bars
    made = resample(fine, to="15m")
    exact = ["open_time", "close_time", "open", "high", "low", "close", "trades"]
    pd.testing.assert_frame_equal(made[exact], coarse[exact], check_exact=True)
    sums = ["volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume"]
    pd.testing.assert_frame_equal(made[sums], coarse[sums], rtol=1e-15, atol=0)
