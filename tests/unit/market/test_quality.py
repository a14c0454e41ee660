"""What is known about klines: counts, longest gaps, words, JSON."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from truebar.errors import SchemaError
from truebar.market import find_gaps
from truebar.market.quality import LISTED_GAPS, GapCount, KlinesQuality, klines_quality
from truebar.quality import judge_continuity, judge_klines, judge_rejections

NOW = pd.Timestamp("2025-06-01", tz="UTC")
NOTHING_REJECTED = pd.DataFrame(
    {"open_time": pd.to_datetime([], utc=True), "reason": pd.Series([], dtype=object)}
)


def bars(n: int = 100, *, halted: slice = slice(0, 0), dropped: slice = slice(0, 0)) -> pd.DataFrame:
    close = 100 + np.arange(n, dtype=float)
    times = pd.date_range("2025-01-01", periods=n, freq="h", tz="UTC")
    frame = pd.DataFrame({"open_time": times, "close_time": times + pd.Timedelta(hours=1)})
    frame = frame.assign(open=close, high=close, low=close, close=close, volume=1.0, quote_volume=1.0)
    frame = frame.assign(trades=np.nan, taker_buy_volume=np.nan, taker_buy_quote_volume=np.nan)
    frame.loc[frame.index[halted], "volume"] = 0.0
    return frame.drop(frame.index[dropped]).reset_index(drop=True)


def imports(**columns: object) -> pd.DataFrame:
    row = {"file": "a.csv", "duplicates": 0, "out_of_order": 0, "stamp_units": "", "checksum_verified": False}
    return pd.DataFrame([row | columns])


def quality(
    frame: pd.DataFrame, rejected: pd.DataFrame = NOTHING_REJECTED, **columns: object
) -> KlinesQuality:
    gaps = find_gaps(frame, timeframe="1h")
    return klines_quality(frame, quarantine=rejected, gaps=gaps, imports=imports(**columns))


def rejections(*reasons: str, at: str = "2025-03-01") -> pd.DataFrame:
    return pd.DataFrame({"open_time": pd.Timestamp(at, tz="UTC"), "reason": list(reasons)})


def test_quality_of_sound_klines_counts_bars_and_nothing_else():
    found = quality(bars())
    assert (found.bars, found.zero_volume_bars, found.moves, found.holes) == (100, 0, 99, 0)
    assert (found.gaps, found.longest_gaps, found.rejected) == ({}, (), {})
    assert found.absent_columns == ("trades", "taker_buy_volume", "taker_buy_quote_volume")
    assert found.sentences()[:4] == (
        "100 bars, 2025-01-01 00:00 to 2025-01-05 04:00 UTC.",
        "No row was rejected.",
        "No bar is missing.",
        "No halt.",
    )
    assert all(judge(found).passed for judge in (judge_rejections, judge_continuity))
    assert judge_klines(found, now=NOW).passed


def test_quality_names_missing_bars_halts_and_the_frozen_tail_apart():
    found = quality(bars(halted=slice(70, 100), dropped=slice(20, 23)).pipe(_halt, 40))
    assert found.gap("missing") == GapCount(1, 3)
    assert found.gap("halted") == GapCount(1, 1)
    assert found.gap("delisted_tail") == GapCount(1, 30)
    assert found.zero_volume_bars == 31
    text = " ".join(found.sentences())
    assert "3 bars missing in 1 stretch: 2025-01-01 20:00 to 2025-01-01 23:00 (3 bars)." in text
    assert "1 halt, 1 bar in all" in text
    assert "1 frozen stretch after the last trade, 30 bars in all" in text
    continuity = judge_continuity(found)
    assert not continuity.passed
    assert continuity.reasons == (
        "bars are missing: 3 in 1 places",
        "nothing has traded in the last 30 bars: the market looks delisted",
    )
    assert (continuity.evidence["halts"], continuity.evidence["delisted_tail"]) == (1, 30)


def _halt(frame: pd.DataFrame, row: int) -> pd.DataFrame:
    return frame.assign(volume=frame["volume"].where(frame.index != row, 0.0))


def test_quality_lists_the_longest_gaps_and_counts_the_rest():
    frame = bars(400)
    volume = frame["volume"].to_numpy(copy=True)
    volume[10:12] = 0.0
    volume[50 : 50 + 4 * (LISTED_GAPS + 5) : 4] = 0.0
    found = quality(frame.assign(volume=volume))
    assert len(found.longest_gaps) == LISTED_GAPS
    assert found.longest_gaps[0].bars == 2
    assert found.gap("halted") == GapCount(LISTED_GAPS + 6, LISTED_GAPS + 7)
    assert "and 6 shorter ones" in " ".join(found.sentences())


def test_quality_tells_a_reason_whose_gaps_are_all_short_without_a_list():
    frame = bars(400)
    volume = frame["volume"].to_numpy(copy=True)
    for first in range(50, 50 + 6 * LISTED_GAPS, 6):
        volume[first : first + 2] = 0.0
    found = quality(frame.assign(volume=volume).drop(index=[300]).reset_index(drop=True))
    assert "1 bar missing in 1 stretch, each shorter than the gaps listed." in found.sentences()


def test_rejected_rows_count_as_holes_only_where_no_bar_came_later():
    rejected = pd.concat(
        [
            rejections("high_below_low", at="2025-01-02"),  # a good bar stands there
            rejections("off_grid", "open_candle", "earlier_state_of_candle"),
        ]
    )
    found = quality(bars(), rejected)
    assert found.rejected == dict.fromkeys(
        ("high_below_low", "off_grid", "open_candle", "earlier_state_of_candle"), 1
    )
    assert found.holes == 1
    judgement = judge_rejections(found)
    assert judgement.reasons == ("1 rejected rows left a hole that no later file has filled",)
    assert judgement.evidence["rejected: off_grid"] == 1
    assert "4 rows were rejected: 1 earlier_state_of_candle" in found.sentences()[1]


def test_repeats_late_rows_mixed_stamps_and_checksums_are_told():
    found = quality(bars(), duplicates=2, out_of_order=3, stamp_units="60 ms, 40 us", checksum_verified=True)
    assert (found.duplicates, found.out_of_order, found.checksums_verified) == (2, 3, 1)
    assert found.mixed_stamps == {"a.csv": "60 ms, 40 us"}
    text = " ".join(found.sentences())
    assert "a.csv mixes stamps: 60 ms, 40 us" in text
    assert "2 rows repeated another exactly and 3 came late" in text
    assert "1 import, 1 with a CHECKSUM and as it says." in text
    assert judge_rejections(found).evidence["mixed_stamps"] == "a.csv: 60 ms, 40 us"


def test_quality_of_imports_of_an_older_version_counts_nothing_for_what_they_lack():
    found = quality(bars(), duplicates=None, out_of_order=None, stamp_units=None, checksum_verified=None)
    assert (found.imports, found.duplicates, found.mixed_stamps, found.checksums_verified) == (1, 0, {}, 0)


def test_quality_json_is_plain_and_complete():
    frame = bars(halted=slice(40, 41))
    told = json.loads(json.dumps(quality(frame).to_json(), allow_nan=False))
    assert told["gaps"] == {"halted": {"stretches": 1, "bars": 1}}
    assert told["longest_gaps"][0]["start"] == "2025-01-02T16:00:00+00:00"
    assert set(told) == set(KlinesQuality.__dataclass_fields__)


def test_judge_klines_constant_price_is_not_fit():
    frame = bars().assign(open=100.0, high=100.0, low=100.0, close=100.0)
    judgement = judge_klines(quality(frame), now=NOW)
    assert judgement.reasons == ("the price is the same in all 100 bars: there is nothing to predict",)


def test_judge_klines_without_any_trade_is_not_fit():
    frame = bars().assign(volume=0.0)
    assert "nothing traded: all 100 bars have zero volume" in judge_klines(quality(frame), now=NOW).reasons


def test_judge_klines_from_the_future_or_with_too_many_holes_is_not_fit():
    early = judge_klines(quality(bars()), now=pd.Timestamp("2025-01-02", tz="UTC"))
    assert "after now" in early.reasons[0]
    holed = judge_klines(quality(bars(dropped=slice(40, 50))), now=NOW)
    assert holed.reasons == ("10.00% of the bars are missing, more than 5%",)
    rejected = rejections("off_grid", "off_grid")
    assert "1.96% of the rows were rejected" in judge_klines(quality(bars(), rejected), now=NOW).reasons[0]


def test_judge_klines_of_no_bars_says_so():
    found = quality(bars(5).iloc[:0])
    assert found.sentences() == ("There are no bars.",)
    assert judge_klines(found, now=NOW).reasons == ("there are no bars",)


def test_quality_without_a_column_is_refused():
    with pytest.raises(SchemaError, match="close"):
        klines_quality(
            bars().drop(columns="close"),
            quarantine=NOTHING_REJECTED,
            gaps=find_gaps(bars(), timeframe="1h"),
            imports=imports(),
        )
