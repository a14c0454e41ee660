"""A feature matrix is fit to build on: what its bars explain is no fault, and everything else is one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.unit.features.markets import random_bars
from truebar import features
from truebar.quality import WHOLE_BARS, Judgement, judge_features, whole_rows


def walk(bars: int = 1_200) -> pd.DataFrame:
    return random_bars(3, bars)


def without(bars: pd.DataFrame, rows: object) -> pd.DataFrame:
    return bars.drop(index=rows).reset_index(drop=True)


def matrix_of(bars: pd.DataFrame) -> pd.DataFrame:
    return features.batch(bars).drop(columns=["open_time", "available_at"])


def judged(bars: pd.DataFrame, matrix: pd.DataFrame | None = None) -> Judgement:
    return judge_features(matrix_of(bars) if matrix is None else matrix, bars, timeframe="5m")


def test_whole_rows_are_those_whose_longest_window_has_every_bar_traded_and_with_a_range():
    bars = walk(800)
    bars.loc[300, "volume"] = 0.0
    bars.loc[500, ["open", "high", "low", "close"]] = 100.0
    found = whole_rows(without(bars, 650), timeframe="5m")
    expected = np.zeros(800, dtype=bool)
    for first, end in ((0, 300), (301, 500), (501, 650), (651, 800)):
        expected[first + WHOLE_BARS - 1 : end] = True
    assert WHOLE_BARS == 97
    assert np.array_equal(found, np.delete(expected, 650))


@pytest.mark.parametrize("bars", [0, 1, WHOLE_BARS - 1, WHOLE_BARS])
def test_whole_rows_of_a_short_history_are_none_before_the_window_is_full(bars):
    assert whole_rows(walk(200).head(bars), timeframe="5m").sum() == max(0, bars - WHOLE_BARS + 1)


@pytest.mark.parametrize(
    "rows",
    [range(700, 710), np.linspace(300, 1_100, 10).astype(int), range(150, 1_150, 50)],
    ids=["ten in a row", "ten apart", "one in fifty"],
)
def test_missing_bars_explain_what_is_unknown_after_them(rows):
    judgement = judged(without(walk(), rows))
    assert judgement.passed
    assert judgement.evidence["least_finite_share"] < 0.95


def test_bars_without_a_trade_explain_what_is_unknown_after_them():
    bars = walk()
    still = np.arange(150, 1_200, 30)
    bars.loc[still, ["open", "high", "low", "close"]] = np.repeat(
        bars["close"].to_numpy()[still - 1], 4
    ).reshape(-1, 4)
    bars.loc[still, ["volume", "trades", "taker_buy_volume"]] = 0.0
    judgement = judged(bars)
    assert judgement.passed
    assert judgement.evidence["least_finite_share"] < 0.95


def test_source_that_stopped_giving_a_column_is_named():
    bars = walk()
    bars.loc[1_000:, "taker_buy_volume"] = np.nan
    (reason,) = judged(bars).reasons
    assert reason.startswith("not known in more than 5% of the rows whose last 97 bars are whole, after ")
    assert "taker_share_1, taker_share_2" in reason
    assert "volume_ratio_24" not in reason


def test_column_without_any_value_is_counted_and_no_fault():
    bars = walk().drop(columns="taker_buy_volume")
    judgement = judged(bars)
    assert judgement.passed
    assert judgement.evidence["columns_without_input"] == sum("taker" in name for name in matrix_of(bars))


def test_infinity_and_rows_of_other_bars_are_named():
    bars = walk(400)
    matrix = matrix_of(bars)
    matrix.loc[399, "return_1"] = np.inf
    assert judged(bars, matrix).reasons == ("1 infinite values",)
    assert judged(walk(401), matrix).reasons == ("400 rows for 401 bars", "1 infinite values")
