from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar.market.merging import merge
from truebar.market.schema import MEASURE_COLUMNS

MakeBars = Callable[..., pd.DataFrame]


def test_only_new_and_different_bars_are_written(make_bars: MakeBars) -> None:
    bars = make_bars(10)
    incoming = bars.iloc[4:].reset_index(drop=True)
    incoming.loc[1, "close"] = incoming.loc[1, "high"]
    merged = merge(bars.head(8), incoming)
    assert merged.changed["open_time"].tolist() == bars["open_time"].iloc[[5, 8, 9]].tolist()
    assert merged.revised == 1
    assert merged.earlier.empty
    expected = bars.copy()
    expected.loc[5, "close"] = expected.loc[5, "high"]
    pd.testing.assert_frame_equal(merged.bars, expected, check_dtype=False)


def test_same_bars_change_nothing(make_bars: MakeBars) -> None:
    bars = make_bars(10)
    bars.loc[3, "trades"] = np.nan
    merged = merge(bars, bars)
    assert merged.changed.empty
    assert merged.revised == 0


def test_bars_given_twice_are_counted_and_those_that_close_apart_by_more_than_rounding(
    make_bars: MakeBars,
) -> None:
    bars = make_bars(10)
    incoming = bars.iloc[4:].reset_index(drop=True)
    incoming.loc[0, "close"] *= 1 + 1e-12
    incoming.loc[1, "close"] *= 1 + 1e-6
    incoming.loc[2, "volume"] += 1
    merged = merge(bars.head(8), incoming)
    assert (merged.shared, merged.apart, merged.revised) == (4, 1, 3)
    apart = merge(bars.head(4), incoming)
    assert (apart.shared, apart.apart) == (0, 0)


def test_file_with_fewer_columns_does_not_wipe_out_a_fuller_one(make_bars: MakeBars) -> None:
    bars = make_bars(10)
    poorer = bars.assign(quote_volume=np.nan, trades=np.nan, taker_buy_volume=np.nan)
    assert merge(bars, poorer).changed.empty
    assert merge(poorer, bars).revised == 10


def test_changed_bar_is_taken_whole_without_parts_of_the_old_one(make_bars: MakeBars) -> None:
    bars = make_bars(3)
    poorer = bars.assign(quote_volume=np.nan)
    poorer.loc[1, "volume"] += 1
    merged = merge(bars, poorer)
    assert merged.revised == 1
    assert np.isnan(merged.bars.loc[1, "quote_volume"])


def frozen(bars: pd.DataFrame, row: int) -> pd.DataFrame:
    """Return bars whose last one is `row` as it was while still open."""
    export = bars.head(row + 1).copy()
    export.loc[row, "close"] = export.loc[row, "open"]
    export.loc[row, ["volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume"]] *= 0.3
    return export


def test_frozen_candle_gives_way_to_the_complete_one_in_either_order(make_bars: MakeBars) -> None:
    bars = make_bars(10)
    export = frozen(bars, 6)
    forward = merge(export, bars)
    assert forward.revised == 1
    pd.testing.assert_frame_equal(forward.bars, bars, check_dtype=False)
    backward = merge(bars, export)
    assert backward.changed.empty
    assert backward.earlier["open_time"].tolist() == [bars["open_time"][6]]
    pd.testing.assert_frame_equal(backward.bars, bars)


def test_smaller_bar_inside_a_file_is_a_revision(make_bars: MakeBars) -> None:
    bars = make_bars(10)
    export = frozen(bars, 6)
    export = pd.concat([export, bars.iloc[[7]]], ignore_index=True)
    assert merge(bars, export).revised == 1


@settings(deadline=None, max_examples=40)
@given(
    old=st.dictionaries(st.integers(0, 30), st.integers(0, 2), max_size=20),
    new=st.dictionaries(st.integers(0, 30), st.integers(0, 2), min_size=1, max_size=20),
)
def test_merge_is_the_union_in_which_the_new_wins(
    make_bars: MakeBars, old: dict[int, int], new: dict[int, int]
) -> None:
    grid = make_bars(31)

    def frame(rows: dict[int, int]) -> pd.DataFrame:
        chosen = grid.iloc[sorted(rows)].reset_index(drop=True)
        return chosen.assign(open=chosen["low"] + [rows[row] / 1e3 for row in sorted(rows)])

    merged = merge(frame(old), frame(new))
    pd.testing.assert_frame_equal(
        merged.bars[["open_time", *MEASURE_COLUMNS]],
        frame(old | new)[["open_time", *MEASURE_COLUMNS]],
        check_dtype=False,
    )
    assert merged.revised == sum(row in old and old[row] != value for row, value in new.items())
    assert len(merged.changed) == sum(row not in old or old[row] != value for row, value in new.items())
