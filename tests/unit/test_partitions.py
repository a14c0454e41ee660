"""Partitions, symbols, and the cutting of sets into rectangles."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar.errors import ConfigurationError, InvalidSymbolError, UnknownTimeframeError
from truebar.partitions import Partition, rectangles, validate_symbol
from truebar.units import TIMEFRAMES

SYMBOLS = ["BTCUSDT", "ETHUSDT", "BTC-USD", "SYN-EDGE", "SOLUSDT"]
partition_sets = st.sets(st.builds(Partition, st.sampled_from(SYMBOLS), st.sampled_from(TIMEFRAMES)))


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTC-USD", "1000PEPEUSDT", "BTCUSD-PERP", "BTCUSDT-BYBIT"])
def test_validate_symbol_known_forms_are_kept(symbol):
    assert validate_symbol(symbol) == symbol


@pytest.mark.parametrize(
    "symbol",
    [
        "../../x",
        "btcusdt",
        "B",
        "BTC/USDT",
        "BTC-USD-X",
        "BTC-U",
        "BTCUSDT\n",
        "BTC USD",
        "",
        "A" * 21,
        "É1",
        None,
    ],
)
def test_validate_symbol_anything_else_is_refused(symbol):
    with pytest.raises(InvalidSymbolError, match="expected 2 to 20 capital letters"):
        validate_symbol(symbol)


def test_partition_unknown_timeframe_names_the_known_ones():
    with pytest.raises(UnknownTimeframeError, match=r"'7m' is unknown; expected one of 1s, 5s, 1m"):
        Partition("BTCUSDT", "7m")


@given(st.builds(Partition, st.sampled_from(SYMBOLS), st.sampled_from(TIMEFRAMES)))
def test_partition_key_round_trip_is_the_same_partition(partition):
    assert Partition.from_key(partition.key) == partition


def test_partition_from_key_without_separator_is_refused():
    with pytest.raises(ConfigurationError, match=r"SYMBOL\|timeframe"):
        Partition.from_key("BTCUSDT")


@settings(deadline=None, max_examples=200)
@given(partition_sets)
def test_rectangles_any_set_is_covered_once_and_nothing_else(partitions):
    cut = rectangles(partitions, SYMBOLS)
    covered = [partition for rectangle in cut for partition in rectangle.partitions]
    assert len(covered) == len(set(covered))
    assert set(covered) == partitions


@settings(deadline=None, max_examples=200)
@given(partition_sets)
def test_rectangles_each_is_what_its_corners_span(partitions):
    for rectangle in rectangles(partitions, SYMBOLS):
        symbols = SYMBOLS[SYMBOLS.index(rectangle.first.symbol) : SYMBOLS.index(rectangle.last.symbol) + 1]
        first, last = (TIMEFRAMES.index(p.timeframe) for p in (rectangle.first, rectangle.last))
        spanned = {Partition(s, t) for s in symbols for t in TIMEFRAMES[first : last + 1]}
        assert spanned == set(rectangle.partitions)


def test_rectangles_two_full_neighbours_become_one():
    whole = {Partition(symbol, timeframe) for symbol in SYMBOLS[:2] for timeframe in TIMEFRAMES}
    assert len(rectangles(whole, SYMBOLS)) == 1


def test_rectangles_symbol_without_place_is_refused():
    with pytest.raises(ConfigurationError, match="SOLUSDT has no place"):
        rectangles([Partition("SOLUSDT", "1h")], ["BTCUSDT"])
