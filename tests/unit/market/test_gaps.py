from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar.errors import CorruptDataError, SchemaError
from truebar.market import find_gaps, validate_klines

MakeBars = Callable[..., pd.DataFrame]
Real = Callable[[str], pd.DataFrame]
STEP = pd.Timedelta("1h")


def halt(bars: pd.DataFrame, rows: list[int]) -> pd.DataFrame:
    frame = bars.copy()
    price = frame.loc[rows, "open"]
    for column in ("high", "low", "close"):
        frame.loc[rows, column] = price
    frame.loc[rows, "volume"] = 0.0
    return frame


def listed(gaps: pd.DataFrame) -> list[tuple[str, str, int, str]]:
    times = ("%d %H:%M", "%d %H:%M")
    return [
        (row.start.strftime(times[0]), row.end.strftime(times[1]), row.bars, row.reason)
        for row in gaps.itertuples()
    ]


def test_missing_and_halted_stretches_are_listed_with_exclusive_ends(make_bars: MakeBars) -> None:
    bars = halt(make_bars(12, "1h"), [5, 6, 9]).drop(index=[2, 3])
    assert listed(find_gaps(bars, timeframe="1h")) == [
        ("01 02:00", "01 04:00", 2, "missing"),
        ("01 05:00", "01 07:00", 2, "halted"),
        ("01 09:00", "01 10:00", 1, "halted"),
    ]


def test_zero_volume_with_a_moving_price_is_no_halt(make_bars: MakeBars) -> None:
    bars = make_bars(6, "1h").assign(volume=0.0)
    assert find_gaps(bars, timeframe="1h").empty


def test_hole_ends_a_halt(make_bars: MakeBars) -> None:
    bars = halt(make_bars(8, "1h"), [2, 3, 4]).drop(index=3)
    assert [reason for *_, reason in listed(find_gaps(bars, timeframe="1h"))] == [
        "halted",
        "missing",
        "halted",
    ]


@pytest.mark.parametrize(
    ("tail_bars", "reason"), [(23, "halted"), (24, "delisted_tail"), (40, "delisted_tail")]
)
def test_halt_to_the_end_of_the_data_is_a_tail_from_one_day_on(
    make_bars: MakeBars, tail_bars: int, reason: str
) -> None:
    bars = halt(make_bars(60, "1h"), list(range(60 - tail_bars, 60)))
    gaps = find_gaps(bars, timeframe="1h")
    assert gaps["reason"].tolist() == [reason]
    assert gaps["bars"].tolist() == [tail_bars]
    assert gaps["end"][0] == bars["open_time"].iloc[-1] + STEP


def test_trade_after_a_long_halt_makes_it_no_tail(make_bars: MakeBars) -> None:
    bars = halt(make_bars(60, "1h"), list(range(10, 59)))
    assert find_gaps(bars, timeframe="1h")["reason"].tolist() == ["halted"]


def test_halt_before_the_tail_stays_a_halt(make_bars: MakeBars) -> None:
    bars = halt(make_bars(60, "1h"), [4, 5, *range(20, 60)])
    assert find_gaps(bars, timeframe="1h")["reason"].tolist() == ["halted", "delisted_tail"]


def test_one_daily_bar_without_trade_is_a_halt_and_two_are_a_tail(make_bars: MakeBars) -> None:
    assert find_gaps(halt(make_bars(9, "1d"), [8]), timeframe="1d")["reason"].tolist() == ["halted"]
    assert find_gaps(halt(make_bars(9, "1d"), [7, 8]), timeframe="1d")["reason"].tolist() == ["delisted_tail"]


@settings(deadline=None, max_examples=60)
@given(kinds=st.lists(st.sampled_from(["bar", "bar", "halt", "none"]), min_size=1, max_size=60))
def test_gaps_are_exactly_the_grid_bars_without_trades(make_bars: MakeBars, kinds: list[str]) -> None:
    kinds = ["bar", *kinds, "bar", "bar"]  # two in a row show the step
    bars = halt(make_bars(len(kinds), "1h"), [i for i, kind in enumerate(kinds) if kind == "halt"])
    bars = bars[[kind != "none" for kind in kinds]]
    gaps = find_gaps(bars, timeframe="1h")
    origin = pd.Timestamp("2025-01-01", tz="UTC")
    covered = {
        (int((row.start - origin) / STEP) + offset): row.reason
        for row in gaps.itertuples()
        for offset in range(row.bars)
    }
    names = {"halt": "halted", "none": "missing"}
    assert covered == {i: names[kind] for i, kind in enumerate(kinds) if kind in names}
    assert ((gaps["end"] - gaps["start"]) / STEP == gaps["bars"]).all()
    assert gaps["start"].is_monotonic_increasing
    changes = sum(a != b and a != "bar" for a, b in zip(kinds, ["bar", *kinds], strict=False))
    assert len(gaps) == changes


def test_no_bars_have_no_gaps_and_bad_bars_are_refused(make_bars: MakeBars) -> None:
    bars = make_bars(5, "1h")
    assert find_gaps(bars.head(0), timeframe="1h").empty
    with pytest.raises(CorruptDataError):
        find_gaps(bars.iloc[::-1], timeframe="1h")
    with pytest.raises(CorruptDataError):
        find_gaps(bars, timeframe="4h")
    with pytest.raises(SchemaError):
        find_gaps(bars.drop(columns="volume"), timeframe="1h")


def test_real_halts_of_2025_are_found(real: Real) -> None:
    gaps = validate_klines(real("binance_um/5m/BTCUSDT_2025"), timeframe="5m").gaps
    assert gaps["start"].astype(str).tolist() == ["2025-01-29 01:25:00+00:00", "2025-08-29 06:20:00+00:00"]
    assert gaps["end"].astype(str).tolist() == ["2025-01-29 01:35:00+00:00", "2025-08-29 06:35:00+00:00"]
    assert gaps["reason"].tolist() == ["halted", "halted"]
    assert gaps["bars"].tolist() == [2, 3]


def test_real_hole_in_an_hourly_export_is_found(real: Real) -> None:
    bars = real("binance_spot/1h/BTCUSDT_2022-05_2026-05")
    gaps = validate_klines(bars, timeframe="1h").gaps
    assert gaps["reason"].value_counts().to_dict() == {"halted": 1, "missing": 1}
    assert gaps["bars"].tolist() == [1, 1]
    assert np.diff(bars["open_time"]).max() == np.timedelta64(2, "h")
