"""The search for leaks must find every planted one, and must not see one where there is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.causality.bars import causality_bars
from truebar.errors import SchemaError, TooFewRowsError
from truebar.validation.causality import TAMPERINGS, find_leaks, tamper

BARS = causality_bars()


def column(values: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"clean": BARS["close"].iloc[: len(values)].diff(), "leaky": values})


PLANTED = {
    "centered mean": lambda bars: column(bars["close"].rolling(9, center=True).mean()),
    "shift(-1)": lambda bars: column(bars["close"].shift(-1)),
    "full-sample z-score": lambda bars: column((bars["close"] - bars["close"].mean()) / bars["close"].std()),
    "back fill": lambda bars: column(bars["close"].where(np.arange(len(bars)) % 2 == 1).bfill()),
    "rank over all rows": lambda bars: column(bars["volume"].rank(pct=True)),
    "season table over all rows": lambda bars: column(
        bars["volume"].groupby(bars["open_time"].dt.hour).transform("mean")
    ),
    "own bar divided by the next volume": lambda bars: column(
        bars["volume"] / bars["volume"].shift(-1, fill_value=1)
    ),
}


@pytest.mark.parametrize("leak", PLANTED)
def test_find_leaks_of_a_planted_leak_names_its_column_and_no_other(leak):
    found = find_leaks(PLANTED[leak], BARS, generator=np.random.default_rng(1))
    assert {leak.column for leak in found} == {"leaky"}
    assert {leak.tampering for leak in found} >= {"cut", "shock"}
    assert all(leak.changed_row <= leak.known_row for leak in found)


def test_find_leaks_of_a_label_used_before_its_end_is_found():
    def labels(bars: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "future_return": bars["close"].shift(-6) / bars["close"] - 1,
                "label_end": bars["open_time"] + pd.Timedelta("6h"),  # close of bar t+5: one bar too early
            }
        )

    whole = causality_bars().iloc[:190]
    found = find_leaks(labels, whole, generator=np.random.default_rng(2), known_at="label_end")
    assert {leak.column for leak in found} == {"future_return"}


def test_find_leaks_of_causal_columns_is_empty():
    def causal(bars: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {"ewm": bars["close"].ewm(span=9).mean(), "expanding": bars["volume"].expanding().max()}
        )

    assert find_leaks(causal, BARS, generator=np.random.default_rng(3)) == []


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_tamper_keeps_the_past_and_changes_every_price_after_it(tampering):
    before = BARS.copy(deep=True)
    changed = tamper(BARS, 500, tampering, np.random.default_rng(4))
    pd.testing.assert_frame_equal(BARS, before)
    pd.testing.assert_frame_equal(changed.iloc[:501], BARS.iloc[:501], check_dtype=False, check_exact=True)
    future = changed.iloc[501:]
    assert len(future) == (0 if tampering == "cut" else len(BARS) - 501)
    assert (future["close"] != BARS["close"].iloc[501:].loc[future.index]).all()
    assert (future["high"] >= future[["open", "close"]].max(axis=1)).all()
    assert (future["low"] > 0).all()


def test_find_leaks_of_impossible_requests_raises():
    rng = np.random.default_rng(5)
    with pytest.raises(TooFewRowsError):
        find_leaks(lambda bars: bars[["close"]], BARS.iloc[:2], generator=rng)
    with pytest.raises(SchemaError, match="one each"):
        find_leaks(lambda bars: bars[["close"]].iloc[1:], BARS, generator=rng)
