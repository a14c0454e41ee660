"""Bar by bar must give what the whole history gives, whatever happens between two bars."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.unit.features.markets import random_bars
from truebar.errors import (
    ConfigurationError,
    CorruptDataError,
    SchemaError,
    SnapshotError,
    TooFewRowsError,
    WrongTimeframeError,
)
from truebar.feature_columns import COLUMN_FAMILIES
from truebar.features import FEATURE_SETS, FeatureStream, batch

GAPS = (40, 41, 300, *range(500, 520), *range(700, 1_030))
HISTORY = random_bars(8, 1_500, GAPS)
SECOND = pd.Timestamp("2025-03-01 00:05", tz="UTC")


def values_of(frame: pd.DataFrame) -> np.ndarray:
    return np.ascontiguousarray(frame.drop(columns=["open_time", "available_at"]).to_numpy())


def same_bits(found: Any, expected: Any) -> bool:
    return bool(np.array_equal(np.asarray(found).view(np.int64), np.asarray(expected).view(np.int64)))


def rows_of(stream: FeatureStream, bars: pd.DataFrame) -> np.ndarray:
    return np.array([stream.update(bar) for bar in bars.itertuples(index=False)])


@pytest.mark.parametrize("feature_set", [*FEATURE_SETS, *COLUMN_FAMILIES])
def test_stream_equals_batch_bit_for_bit_over_gaps(feature_set):
    stream = FeatureStream(feature_set, timeframe="5m")
    assert same_bits(rows_of(stream, HISTORY), values_of(batch(HISTORY, feature_set)))


def test_stream_equals_batch_bit_for_bit_over_100_000_bars():
    bars = random_bars(9, 100_000, range(30_000, 30_050))
    stream = FeatureStream(timeframe="5m")
    expected = values_of(batch(bars))
    for row, bar in enumerate(bars.itertuples(index=False)):
        if not same_bits(stream.update(bar), expected[row]):
            pytest.fail(f"row {row} differs")


@pytest.mark.parametrize("missing_bars", [231, 232, 233, 239, 240, 241, 242, 300, 472])
def test_full_averages_that_lose_weight_equal_batch_bit_for_bit(missing_bars):
    bars = random_bars(10, 2_600, range(1_300, 1_300 + missing_bars))
    bars.loc[1_000:1_002, "taker_buy_volume"] = np.nan
    stream = FeatureStream(timeframe="5m")
    assert same_bits(rows_of(stream, bars), values_of(batch(bars)))
    pieces = FeatureStream(timeframe="5m")
    cuts = [0, 1, 700, 1_001, 1_299, 1_301, len(bars)]
    extended = [pieces.extend(bars.iloc[a:b]) for a, b in pairwise(cuts)]
    assert same_bits(values_of(pd.concat(extended)), values_of(batch(bars)))


def test_streams_that_saw_the_same_first_bar_have_the_same_snapshot():
    fresh, used = FeatureStream(), FeatureStream()
    rows_of(used, HISTORY.iloc[:5])
    used.restore(fresh.snapshot())
    for stream in (fresh, used):
        stream.update(HISTORY.iloc[0])
    assert fresh.snapshot() == used.snapshot()


@pytest.mark.parametrize("missing", [None, pd.NA, np.nan])
@pytest.mark.parametrize("name", ["volume", "trades", "taker_buy_volume"])
def test_update_takes_a_missing_amount_for_nan(name, missing):
    stream, other = (FeatureStream(timeframe="5m") for _ in range(2))
    stream.extend(HISTORY.iloc[:39])
    other.extend(HISTORY.iloc[:39])
    bar = SimpleNamespace(**HISTORY.iloc[39].to_dict())
    setattr(bar, name, missing)
    plain = SimpleNamespace(**{**vars(bar), name: np.nan})
    assert same_bits(stream.update(bar), other.update(plain))


@pytest.mark.parametrize(
    "convert",
    [
        lambda time: time.to_pydatetime(),
        lambda time: time.tz_localize(None).to_datetime64(),
        lambda time: time.as_unit("ms"),
        lambda time: pd.NaT,
    ],
)
def test_update_takes_a_close_time_of_any_kind(convert):
    stream = FeatureStream(timeframe="5m")
    stream.extend(HISTORY.iloc[:39])
    bar = SimpleNamespace(**HISTORY.iloc[39].to_dict())
    bar.close_time = convert(bar.open_time + pd.Timedelta("5min"))
    assert same_bits(stream.update(bar), values_of(batch(HISTORY))[39])


@pytest.mark.parametrize("with_close_time", [True, False])
def test_stream_without_a_timeframe_learns_it(with_close_time):
    bars = HISTORY.iloc[:200]
    if with_close_time:
        bars = bars.assign(close_time=bars["open_time"] + pd.Timedelta("5min"))
    stream = FeatureStream()
    first = bars.iloc[0]
    assert same_bits(stream.peek(first), values_of(batch(bars))[0])
    assert same_bits(stream.update(first), values_of(batch(bars))[0])
    saved = stream.snapshot()
    assert same_bits(stream.peek(bars.iloc[1]), values_of(batch(bars))[1])
    stream = FeatureStream()
    stream.restore(saved)
    assert same_bits(rows_of(stream, bars.iloc[1:]), values_of(batch(bars))[1:])


def test_stream_that_saw_its_first_two_bars_across_a_gap_says_so_when_it_finds_out():
    stream = FeatureStream()
    stream.update(HISTORY.iloc[39])
    stream.update(HISTORY.iloc[40])  # 15 minutes later
    with pytest.raises(CorruptDataError, match="no multiple of"):
        stream.update(HISTORY.iloc[41])


def test_peek_gives_what_update_would_and_changes_nothing():
    stream = FeatureStream(timeframe="5m")
    stream.extend(HISTORY.iloc[:600])
    before = stream.snapshot()
    forming = HISTORY.iloc[600].copy()
    forming["close"] = forming["high"]
    peeked = stream.peek(forming)
    assert stream.snapshot() == before
    assert same_bits(stream.update(forming), peeked)
    assert stream.latest == forming["open_time"]


def test_extend_in_pieces_equals_batch():
    stream = FeatureStream(timeframe="5m")
    pieces = [stream.extend(HISTORY.iloc[a:b]) for a, b in ((0, 1), (1, 1), (1, 480), (480, None))]
    whole = pd.concat(pieces, ignore_index=True)
    pd.testing.assert_frame_equal(whole, batch(HISTORY), check_exact=True)


@pytest.mark.parametrize("cut", [1, 97, 505, 900])
def test_restore_goes_on_bit_for_bit(cut):
    stream = FeatureStream(timeframe="5m")
    stream.extend(HISTORY.iloc[:cut])
    other = FeatureStream()
    other.restore(stream.snapshot())
    assert other.latest == stream.latest
    assert same_bits(
        rows_of(other, HISTORY.iloc[cut : cut + 150]), values_of(batch(HISTORY))[cut : cut + 150]
    )


def test_restore_of_anything_else_is_refused_and_changes_nothing():
    stream = FeatureStream(timeframe="5m")
    stream.extend(HISTORY.iloc[:300])
    saved = stream.snapshot()
    bad = {
        "another feature set": FeatureStream("price").snapshot(),
        "another kernel": saved.replace(stream.kernel.encode(), stream.kernel[::-1].encode()),
        "another format": saved.replace(b"features 1", b"features 2"),
        "cut": saved[:-8],
        "changed": saved[:-1] + bytes([saved[-1] ^ 1]),
        "no header": saved[:25],
        "empty": b"",
    }
    for name, content in bad.items():
        with pytest.raises(SnapshotError):
            stream.restore(content)
        assert stream.snapshot() == saved, name


@dataclass
class Bar:
    open_time: Any = SECOND
    open: Any = 10.0
    high: Any = 11.0
    low: Any = 9.0
    close: Any = 10.5
    volume: Any = 1.0


@pytest.mark.parametrize(
    ("bar", "error"),
    [
        (Bar(open_time=pd.Timestamp("2025-03-01 00:00", tz="UTC")), CorruptDataError),
        (Bar(open_time=pd.Timestamp("2025-02-28 23:55", tz="UTC")), CorruptDataError),
        (Bar(open_time=pd.Timestamp("2025-03-01 00:06", tz="UTC")), CorruptDataError),
        (Bar(open_time=pd.NaT), CorruptDataError),
        (Bar(open_time=pd.Timestamp("3000-01-01", tz="UTC")), CorruptDataError),
        (Bar(open_time=1_740_787_500), SchemaError),
        (Bar(close=-1.0), CorruptDataError),
        (Bar(close=float("nan")), CorruptDataError),
        (Bar(close=12.0), CorruptDataError),
        (Bar(high=float("inf")), CorruptDataError),
        (Bar(volume=-1.0), CorruptDataError),
        (Bar(volume=float("inf")), CorruptDataError),
        (Bar(close="10"), SchemaError),
        (SimpleNamespace(open_time=SECOND, open=1.0), SchemaError),
        (SimpleNamespace(**vars(Bar()), close_time=SECOND + pd.Timedelta("1h")), WrongTimeframeError),
    ],
)  # fmt: skip
def test_update_with_a_bad_bar_raises_and_the_stream_goes_on_as_if_it_had_not_come(bar, error):
    stream = FeatureStream(timeframe="5m")
    stream.update(HISTORY.iloc[0])
    saved = stream.snapshot()
    with pytest.raises(error):
        stream.update(bar)
    assert stream.snapshot() == saved
    assert same_bits(stream.update(HISTORY.iloc[1]), values_of(batch(HISTORY))[1])


def test_update_takes_times_and_numbers_of_any_kind():
    expected = values_of(batch(HISTORY))[0]
    first = HISTORY.iloc[0]
    times = (
        first["open_time"].tz_localize(None),
        first["open_time"].to_pydatetime(),
        first["open_time"].to_datetime64(),
    )
    for time in times:
        bar = SimpleNamespace(**(first.to_dict() | {"open_time": time, "trades": int(first["trades"])}))
        assert same_bits(FeatureStream(timeframe="5m").update(bar), expected)


def test_extend_of_bars_from_another_timeframe_or_time_raises_and_changes_nothing():
    stream = FeatureStream(timeframe="5m")
    stream.extend(HISTORY.iloc[:100])
    saved = stream.snapshot()
    later = HISTORY.iloc[100:140]
    hourly = later.assign(open_time=pd.date_range("2025-04-01", periods=40, freq="1h", tz="UTC"))
    shifted = later.assign(open_time=later["open_time"] + pd.Timedelta("1min"))
    for bad, error in (
        (HISTORY.iloc[90:110], CorruptDataError),
        (hourly, WrongTimeframeError),
        (shifted, CorruptDataError),
    ):
        with pytest.raises(error):
            stream.extend(bad)
        assert stream.snapshot() == saved


def test_stream_of_an_unknown_set_or_timeframe_raises():
    with pytest.raises(ConfigurationError):
        FeatureStream("deluxe")
    with pytest.raises(ConfigurationError):
        FeatureStream(timeframe="7m")
    with pytest.raises(TooFewRowsError):
        FeatureStream().extend(HISTORY.iloc[:1])
