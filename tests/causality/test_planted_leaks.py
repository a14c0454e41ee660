"""The search for leaks must find every planted one, and must not see one where there is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.causality.bars import causality_bars
from tests.causality.leaks import BAR_LEAKS, CONTEXT_LEAKS, context_of, table
from truebar.errors import SchemaError, TooFewRowsError
from truebar.times import nanoseconds
from truebar.validation.causality import (
    TAMPERINGS,
    find_leaks,
    find_leaks_in_context,
    tamper,
    tamper_table,
)

BARS = causality_bars()


@pytest.mark.parametrize("leak", BAR_LEAKS)
def test_find_leaks_of_a_planted_leak_names_its_column_and_no_other(leak):
    leaky, _ = BAR_LEAKS[leak]
    found = find_leaks(lambda bars: table(bars, leaky(bars)), BARS, generator=np.random.default_rng(1))
    assert {leak.column for leak in found} == {"tested"}
    assert "cut" in {leak.tampering for leak in found}
    assert all(leak.changed_row <= leak.known_row for leak in found)


@pytest.mark.parametrize("leak", BAR_LEAKS)
def test_find_leaks_of_the_honest_twin_is_empty(leak):
    _, honest = BAR_LEAKS[leak]

    def compute(bars: pd.DataFrame) -> pd.DataFrame:
        return table(bars, honest(bars))

    assert find_leaks(compute, BARS, generator=np.random.default_rng(1)) == []
    assert len(compute(BARS)["tested"].dropna().unique()) > 1


@pytest.mark.parametrize("seed", range(2, 5))
@pytest.mark.parametrize("leak", BAR_LEAKS)
def test_find_leaks_finds_every_leak_whatever_bars_it_draws(leak, seed):
    leaky, _ = BAR_LEAKS[leak]
    found = find_leaks(lambda bars: table(bars, leaky(bars)), BARS, generator=np.random.default_rng(seed))
    assert found


@pytest.mark.parametrize("leak", CONTEXT_LEAKS)
def test_find_leaks_in_context_of_a_planted_leak_and_of_its_honest_twin(leak):
    context = context_of(BARS)
    leaky, honest = (
        find_leaks_in_context(
            lambda bars, others, tested=tested: table(bars, tested(bars, others)),
            BARS,
            context,
            generator=np.random.default_rng(1),
        )
        for tested in CONTEXT_LEAKS[leak]
    )
    assert {leak.column for leak in leaky} == {"tested"}
    assert honest == []
    assert len(pd.Series(CONTEXT_LEAKS[leak][1](BARS, context)).dropna().unique()) > 1


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_tamper_table_keeps_what_was_available_and_changes_every_number_after_it(tampering):
    funding = context_of(BARS)["funding"]
    before = funding.copy(deep=True)
    known = int(nanoseconds(funding["available_at"])[20])
    changed = tamper_table(funding, known, tampering, np.random.default_rng(4))
    pd.testing.assert_frame_equal(funding, before)
    pd.testing.assert_frame_equal(changed.iloc[:21], funding.iloc[:21], check_exact=True)
    assert len(changed) == (21 if tampering == "cut" else len(funding))
    assert (changed["rate"].iloc[21:] != funding["rate"].iloc[21 : len(changed)]).all()
    assert (changed["funding_time"] == funding["funding_time"].iloc[: len(changed)]).all()


def test_find_leaks_in_context_of_a_table_that_does_not_say_when_it_was_known_raises():
    with pytest.raises(SchemaError, match="funding has no available_at"):
        find_leaks_in_context(
            lambda bars, _: bars[["close"]],
            BARS,
            {"funding": pd.DataFrame({"rate": [0.1]})},
            generator=np.random.default_rng(0),
        )


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
    with pytest.raises(TooFewRowsError, match="from bar 50 on"):
        find_leaks(lambda bars: bars[["close"]], BARS.iloc[:51], generator=rng, known_from=50)
    with pytest.raises(SchemaError, match="one each"):
        find_leaks(lambda bars: bars[["close"]].iloc[1:], BARS, generator=rng)
