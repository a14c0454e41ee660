"""A partition is one symbol at one timeframe; sets of them are cut into exact rectangles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from truebar.errors import ConfigurationError, InvalidSymbolError
from truebar.units import TIMEFRAMES, validate_timeframe

SYMBOL_PATTERN: Final = re.compile(r"[A-Z0-9]{2,20}(-[A-Z0-9]{2,10})?")
KEY_SEPARATOR: Final = "|"


def validate_symbol(symbol: str) -> str:
    """Return `symbol` unchanged if it has the one form that is allowed wherever a symbol enters.

    Raises:
        InvalidSymbolError: for anything else, so that no symbol can name a path or a SQL text.

    >>> validate_symbol("BTC-USD")
    'BTC-USD'
    """
    if not isinstance(symbol, str) or SYMBOL_PATTERN.fullmatch(symbol) is None:
        raise InvalidSymbolError(
            f"symbol {symbol!r} is not allowed; expected 2 to 20 capital letters or digits, optionally "
            "followed by a dash and 2 to 10 more (BTCUSDT, BTCUSDT-SPOT, BTC-USD)."
        )
    return symbol


@dataclass(frozen=True, order=True)
class Partition:
    """One symbol at one timeframe.

    >>> Partition("BTC-USD", "1h").key
    'BTC-USD|1h'
    """

    symbol: str
    timeframe: str

    def __post_init__(self) -> None:
        validate_symbol(self.symbol)
        validate_timeframe(self.timeframe)

    @property
    def key(self) -> str:
        """The text that Dagster uses for this partition: its dimensions in alphabetical order."""
        return f"{self.symbol}{KEY_SEPARATOR}{self.timeframe}"

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe}"

    @classmethod
    def from_key(cls, key: str) -> Partition:
        """Return the partition that `key` names.

        Raises:
            ConfigurationError: when the key is not `SYMBOL|timeframe`.
        """
        symbol, separator, timeframe = str(key).partition(KEY_SEPARATOR)
        if not separator:
            raise ConfigurationError(f"partition key {key!r} is not of the form SYMBOL|timeframe.")
        return cls(symbol, timeframe)


@dataclass(frozen=True)
class Rectangle:
    """All partitions of consecutive symbols times consecutive timeframes, named by two corners."""

    first: Partition
    last: Partition
    partitions: tuple[Partition, ...]


def _runs(positions: Sequence[int]) -> list[tuple[int, int]]:
    """Return the maximal runs of consecutive integers in ascending `positions`."""
    runs = []
    for _, group in groupby(enumerate(positions), key=lambda pair: pair[1] - pair[0]):
        members = [position for _, position in group]
        runs.append((members[0], members[-1]))
    return runs


def rectangles(partitions: Iterable[Partition], symbol_order: Sequence[str]) -> list[Rectangle]:
    """Cut a set of partitions into rectangles that cover each exactly once and nothing else.

    A Dagster range run covers a rectangle over both dimensions. Neighbouring symbols that need the same
    run of timeframes share one.

    Args:
        partitions: the set; duplicates count once.
        symbol_order: every symbol in the order in which Dagster holds its dynamic partitions.

    Raises:
        ConfigurationError: when a partition's symbol is not in `symbol_order`.

    >>> parts = [Partition("A1", "1h"), Partition("A1", "4h"), Partition("B1", "1h"), Partition("B1", "4h")]
    >>> [(r.first.key, r.last.key) for r in rectangles(parts, ["A1", "B1"])]
    [('A1|1h', 'B1|4h')]
    """
    position_of = {symbol: position for position, symbol in enumerate(symbol_order)}
    wanted: dict[tuple[int, int], list[int]] = {}
    by_symbol: dict[int, set[int]] = {}
    for partition in set(partitions):
        if partition.symbol not in position_of:
            raise ConfigurationError(
                f"symbol {partition.symbol} has no place in the symbol order {list(symbol_order)}."
            )
        row = by_symbol.setdefault(position_of[partition.symbol], set())
        row.add(TIMEFRAMES.index(partition.timeframe))
    for symbol_position in sorted(by_symbol):
        for span in _runs(sorted(by_symbol[symbol_position])):
            wanted.setdefault(span, []).append(symbol_position)
    cut = []
    for (first_time, last_time), rows in sorted(wanted.items()):
        for first_symbol, last_symbol in _runs(rows):
            members = tuple(
                Partition(symbol_order[s], TIMEFRAMES[t])
                for s in range(first_symbol, last_symbol + 1)
                for t in range(first_time, last_time + 1)
            )
            cut.append(Rectangle(members[0], members[-1], members))
    return sorted(cut, key=lambda rectangle: position_of[rectangle.first.symbol])
