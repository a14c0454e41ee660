from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from truebar.errors import (
    CorruptDataError,
    FutureBarError,
    SchemaError,
    UnknownTimeframeError,
    WrongTimeframeError,
)
from truebar.market import KLINE_COLUMNS, validate_klines
from truebar.market.schema import FLOW_COLUMNS, MEASURE_COLUMNS, QUARANTINE_COLUMNS

MakeBars = Callable[..., pd.DataFrame]
Real = Callable[[str], pd.DataFrame]
STEP = pd.Timedelta("15min")


def broken(bars: pd.DataFrame, column: str, value: Any, row: int = 3) -> pd.DataFrame:
    frame = bars.astype({column: object}) if isinstance(value, str) else bars.copy()
    frame[column] = frame[column].astype(object)
    frame.loc[row, column] = value
    return frame


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("open_time", None, "missing_open_time"),
        ("open_time", "soon", "unreadable_open_time"),
        ("open_time", pd.Timestamp("2025-01-01 00:46", tz="UTC"), "off_grid"),
        ("open", "abc", "unreadable_number"),
        ("trades", "abc", "unreadable_number"),
        ("close", None, "missing_price"),
        ("volume", None, "missing_volume"),
        ("high", np.inf, "not_finite"),
        ("quote_volume", np.inf, "not_finite"),
        ("low", 0.0, "non_positive_price"),
        ("low", -1.0, "non_positive_price"),
        ("high", 1.0, "high_below_low"),
        ("open", 1e6, "high_below_open_or_close"),
        ("close", 1e-6, "low_above_open_or_close"),
        ("volume", -1e-9, "negative_volume"),
        ("trades", -1, "negative_volume"),
        ("trades", 1.5, "fractional_trades"),
        ("taker_buy_volume", 1e6, "taker_above_volume"),
        ("taker_buy_quote_volume", 1e6, "taker_above_volume"),
    ],
)
def test_row_that_breaks_a_rule_is_quarantined_under_its_name(
    make_bars: MakeBars, column: str, value: object, reason: str
) -> None:
    bars = make_bars()
    received = broken(bars, column, value)
    klines = validate_klines(received, timeframe="15m", source="a.csv", now=datetime(2026, 1, 1, tzinfo=UTC))
    assert klines.quarantine["reason"].tolist() == [reason]
    assert klines.quarantine["source"].tolist() == ["a.csv"]
    assert klines.quarantine["seen_at"].tolist() == [pd.Timestamp("2026-01-01", tz="UTC")]
    row = json.loads(klines.quarantine["row"][0])
    assert list(row) == list(bars.columns)
    assert row[column] is None if value is None else str(row[column]) == str(value)
    pd.testing.assert_frame_equal(
        klines.bars[list(bars.columns)], bars.drop(index=3).reset_index(drop=True), check_dtype=False
    )
    assert klines.gaps["reason"].tolist() == ["missing"]


@pytest.mark.parametrize(
    "early", [pd.Timedelta(0), *(pd.Timedelta(1, unit) for unit in ("ns", "us", "ms", "s"))]
)
def test_close_time_in_each_exchange_habit_is_accepted(make_bars: MakeBars, early: pd.Timedelta) -> None:
    bars = make_bars()
    bars["close_time"] = bars["open_time"] + STEP - early
    klines = validate_klines(bars, timeframe="15m")
    assert klines.quarantine.empty
    assert (klines.bars["close_time"] == klines.bars["open_time"] + STEP).all()


@pytest.mark.parametrize("off", [pd.Timedelta("1ms"), -pd.Timedelta("2ms"), -STEP, pd.Timedelta("1h")])
def test_close_time_that_disagrees_is_quarantined(make_bars: MakeBars, off: pd.Timedelta) -> None:
    bars = make_bars()
    bars["close_time"] = bars["open_time"] + STEP
    bars.loc[2, "close_time"] += off
    bars.loc[4, "close_time"] = pd.NaT
    klines = validate_klines(bars, timeframe="15m")
    assert klines.quarantine["reason"].tolist() == ["close_time_mismatch"]
    assert len(klines.bars) == len(bars) - 1


def test_bar_that_closes_after_now_is_never_a_bar(make_bars: MakeBars) -> None:
    bars = make_bars(6)
    for now, closed in (("01:00", 4), ("00:59:59.999999", 3), ("01:00:01", 4), ("01:30", 6), ("01:14:59", 4)):
        as_of = pd.Timestamp(f"2025-01-01 {now}", tz="UTC")
        klines = validate_klines(bars, timeframe="15m", now=as_of)
        assert len(klines.bars) == closed
        assert (klines.bars["close_time"] <= as_of).all()
        opened = klines.quarantine["open_time"] <= as_of
        assert klines.quarantine["reason"].tolist() == np.where(opened, "open_candle", "future").tolist()
    assert validate_klines(bars, timeframe="15m", now=datetime(2025, 1, 1, 1)).bars.shape[0] == 4  # noqa: DTZ001
    with pytest.raises(
        FutureBarError, match=r"none of 6 15m rows is a closed bar yet \(5 future, 1 open_candle\)"
    ):
        validate_klines(bars, timeframe="15m", now=datetime(2025, 1, 1, tzinfo=UTC))


def test_identical_duplicates_collapse_and_of_conflicting_ones_the_last_wins(make_bars: MakeBars) -> None:
    bars = make_bars(6)
    bars.loc[1, "quote_volume"] = np.nan
    revised = bars.loc[[4]].assign(volume=99.0, taker_buy_volume=np.nan)
    klines = validate_klines(pd.concat([bars, bars.loc[[1, 1, 2]], revised]), timeframe="15m")
    assert klines.duplicates == 3
    assert klines.quarantine["reason"].tolist() == ["conflicting_duplicate"]
    assert json.loads(klines.quarantine["row"][0])["volume"] == bars.loc[4, "volume"]
    assert klines.bars["volume"].tolist() == [*bars["volume"][:4], 99.0, bars["volume"][5]]


def test_last_of_many_conflicting_rows_wins_in_a_large_file(make_bars: MakeBars) -> None:
    bars = make_bars(300)
    versions = [bars.assign(volume=bars["volume"] + version) for version in range(4)]
    received = pd.concat(versions).sample(frac=1, random_state=3)
    last = received.groupby("open_time")["volume"].last()
    klines = validate_klines(received, timeframe="15m")
    np.testing.assert_array_equal(klines.bars["volume"], last)
    assert klines.quarantine["reason"].value_counts().to_dict() == {"conflicting_duplicate": 900}


def test_invalid_later_duplicate_does_not_win(make_bars: MakeBars) -> None:
    bars = make_bars(6)
    klines = validate_klines(pd.concat([bars, bars.loc[[2]].assign(close=-1.0)]), timeframe="15m")
    assert klines.quarantine["reason"].tolist() == ["non_positive_price"]
    np.testing.assert_array_equal(klines.bars["close"], bars["close"])


def test_unsorted_rows_are_sorted_and_counted(make_bars: MakeBars) -> None:
    bars = make_bars(6)
    klines = validate_klines(bars.iloc[[0, 2, 1, 3, 5, 4]], timeframe="15m")
    assert klines.out_of_order == 2
    pd.testing.assert_frame_equal(klines.bars, validate_klines(bars, timeframe="15m").bars)


DEFECTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "off_grid": lambda row: row | {"open_time": row["open_time"] + pd.Timedelta("7min")},
    "missing_price": lambda row: row | {"open": None},
    "non_positive_price": lambda row: row | {"low": 0.0},
    "high_below_low": lambda row: row | {"high": row["low"], "low": row["high"] + 1},
    "negative_volume": lambda row: row | {"volume": -1.0},
    "taker_above_volume": lambda row: row | {"taker_buy_volume": row["volume"] + 1},
}


@settings(deadline=None, max_examples=40)
@given(data=st.data(), n=st.integers(5, 40), seed=st.integers(0, 99))
def test_every_row_received_is_a_bar_a_duplicate_or_in_quarantine(
    make_bars: MakeBars, data: st.DataObject, n: int, seed: int
) -> None:
    bars = make_bars(n, seed=seed)
    marks = data.draw(st.lists(st.sampled_from(["good", "good", "twice", *DEFECTS]), min_size=n, max_size=n))
    marks[0] = "good"
    rows: list[tuple[str, dict[str, Any]]] = []
    for mark, row in zip(marks, bars.to_dict("records"), strict=True):
        rows += (
            [("good", row)] * (2 if mark == "twice" else 1)
            if mark in ("good", "twice")
            else [(mark, DEFECTS[mark](row))]
        )
    order = data.draw(st.permutations(range(len(rows))))
    try:
        klines = validate_klines(pd.DataFrame([rows[i][1] for i in order]), timeframe="15m")
    except WrongTimeframeError:
        # So few good bars are left that they look like another timeframe; the file is refused by name.
        reject()
    good = [mark in ("good", "twice") for mark in marks]
    assert klines.rows_read == len(rows) == len(klines.bars) + len(klines.quarantine) + klines.duplicates
    assert klines.quarantine["reason"].tolist() == [rows[i][0] for i in order if rows[i][0] != "good"]
    assert klines.duplicates == marks.count("twice")
    pd.testing.assert_frame_equal(
        klines.bars[list(bars.columns)], bars[good].reset_index(drop=True), check_dtype=False
    )


def test_result_has_declared_columns_and_types_and_leaves_the_input_alone(make_bars: MakeBars) -> None:
    bars = make_bars()[["open_time", "open", "high", "low", "close", "volume"]]
    before = bars.copy()
    klines = validate_klines(bars, timeframe="15m", source="x")
    pd.testing.assert_frame_equal(bars, before)
    assert tuple(klines.bars.columns) == KLINE_COLUMNS
    assert tuple(klines.quarantine.columns) == QUARANTINE_COLUMNS
    assert isinstance(klines.bars.index, pd.RangeIndex)
    assert klines.bars["open_time"].dtype == klines.bars["close_time"].dtype == "datetime64[ns, UTC]"
    assert (klines.bars[list(MEASURE_COLUMNS)].dtypes == np.float64).all()
    assert klines.bars[list(FLOW_COLUMNS)].isna().all(axis=None)
    assert klines.quarantine["open_time"].dtype == klines.quarantine["seen_at"].dtype == "datetime64[ns, UTC]"


def test_names_of_exchange_archives_and_clients_mean_the_same(make_bars: MakeBars) -> None:
    bars = make_bars()
    expected = validate_klines(bars, timeframe="15m").bars
    archive = bars.rename(columns={"trades": "count"}).assign(ignore=0)
    client = bars.set_axis(
        [
            "Open time", "Open", "High", "Low", "Close", "Volume", "Quote asset volume", "Number of trades",
            "Taker buy base asset volume", "Taker buy quote asset volume",
        ],
        axis=1,
    )  # fmt: skip
    short = bars.rename(
        columns={"taker_buy_volume": "taker_buy_base", "taker_buy_quote_volume": "taker_buy_quote"}
    )
    indexed = bars.set_index("open_time")
    for frame in (archive, client, short, indexed):
        pd.testing.assert_frame_equal(validate_klines(frame, timeframe="15m").bars, expected)


def test_own_source_column_is_kept_unless_a_source_is_named(make_bars: MakeBars) -> None:
    bars = make_bars(4).assign(source=list("abcd"))
    assert validate_klines(bars, timeframe="15m").bars["source"].tolist() == list("abcd")
    assert set(validate_klines(bars, timeframe="15m", source="z").bars["source"]) == {"z"}


def test_validated_bars_validate_to_themselves(make_bars: MakeBars) -> None:
    once = validate_klines(make_bars(), timeframe="15m", source="x").bars
    pd.testing.assert_frame_equal(validate_klines(once, timeframe="15m").bars, once)


@pytest.mark.parametrize(
    ("given_timeframe", "claimed"),
    [("1m", "15m"), ("5m", "15m"), ("30m", "1h"), ("1h", "15m"), ("1d", "4h"), ("15m", "1d")],
)
def test_other_timeframe_is_named(make_bars: MakeBars, given_timeframe: str, claimed: str) -> None:
    with pytest.raises(
        WrongTimeframeError, match=f"expected {claimed} bars, .* look like {given_timeframe}:"
    ):
        validate_klines(make_bars(200, given_timeframe), timeframe=claimed)


def test_gaps_do_not_make_another_timeframe(make_bars: MakeBars) -> None:
    bars = make_bars(30).drop(index=[1, 2, 5, 9, 10, 11, 20, 28])
    assert len(validate_klines(bars, timeframe="15m").bars) == 22


def test_stamps_beside_the_grid_are_refused_with_their_offset(make_bars: MakeBars) -> None:
    bars = make_bars(10, "1h")
    bars["open_time"] += pd.Timedelta("30min")
    with pytest.raises(CorruptDataError, match=r"10 off_grid.*1800 s past the 1h grid.*local times"):
        validate_klines(bars, timeframe="1h")


def test_file_of_mostly_wrong_values_is_refused_as_a_whole(make_bars: MakeBars) -> None:
    bars = make_bars(300)
    swapped = bars.rename(columns={"high": "low", "low": "high"})
    swapped.loc[:20] = bars.loc[:20]
    with pytest.raises(CorruptDataError, match="279 of 300 15m rows are no klines"):
        validate_klines(swapped, timeframe="15m")


def test_no_rows_or_none_left_is_an_error(make_bars: MakeBars) -> None:
    bars = make_bars(4)
    with pytest.raises(CorruptDataError, match="no rows"):
        validate_klines(bars.head(0), timeframe="15m")
    with pytest.raises(CorruptDataError, match=r"4 of 4 15m rows are no klines \(4 non_positive_price"):
        validate_klines(bars.assign(open=0.0), timeframe="15m")
    with pytest.raises(UnknownTimeframeError):
        validate_klines(bars, timeframe="7m")


def test_missing_or_ambiguous_columns_are_named(make_bars: MakeBars) -> None:
    bars = make_bars()
    with pytest.raises(SchemaError, match=r"columns close, volume are missing; .* found open_time, open"):
        validate_klines(bars.drop(columns=["close", "volume"]), timeframe="15m")
    with pytest.raises(SchemaError, match="'timestamp' may be the open or the close"):
        validate_klines(bars.rename(columns={"open_time": "timestamp"}), timeframe="15m")
    with pytest.raises(SchemaError, match="Mark and index price"):
        validate_klines(bars.drop(columns="volume"), timeframe="15m")
    with pytest.raises(SchemaError, match="trades, count all mean trades"):
        validate_klines(bars.assign(count=1), timeframe="15m")
    with pytest.raises(SchemaError, match="look like trades"):
        validate_klines(
            pd.DataFrame({"agg_trade_id": [1], "price": [1.0], "quantity": [1.0]}), timeframe="15m"
        )


@pytest.mark.parametrize("symbol", ["BTCUSDT", "SOLUSDT", "NEARUSDT"])
def test_real_year_has_every_bar_and_nothing_in_quarantine(real: Real, symbol: str) -> None:
    klines = validate_klines(
        real(f"binance_um/15m/{symbol}_2025"), timeframe="15m", now=datetime(2026, 11, 21, tzinfo=UTC)
    )
    assert len(klines.bars) == klines.rows_read == 35_040
    assert klines.quarantine.empty
    assert klines.gaps.empty
    assert not klines.bars[list(MEASURE_COLUMNS)].isna().any(axis=None)


def test_real_bars_as_exported_texts_give_the_same_bars(real: Real) -> None:
    bars = real("binance_um/1m/ALGOUSDT_2023-02").head(5_000)
    stamps = {
        name: bars[name].astype("datetime64[ms, UTC]").astype("int64") for name in ("open_time", "close_time")
    }
    texts = bars.assign(**stamps).astype(str).astype(object)
    pd.testing.assert_frame_equal(
        validate_klines(texts, timeframe="1m").bars, validate_klines(bars, timeframe="1m").bars
    )
