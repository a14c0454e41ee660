"""Timeframes, their lengths, and the constants that carry a unit."""

from __future__ import annotations

from typing import Final

from truebar.errors import UnknownTimeframeError

BASIS_POINT: Final = 1e-4
DAYS_PER_YEAR: Final = 365
"""Crypto markets trade every day; this is the only place that says so."""

SECONDS_PER_DAY: Final = 86_400

TIMEFRAME_SECONDS: Final[dict[str, int]] = {
    "1s": 1,
    "5s": 5,
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "30m": 1_800,
    "1h": 3_600,
    "4h": 14_400,
    "1d": SECONDS_PER_DAY,
}
"""Length of each timeframe in seconds, finest first."""

TIMEFRAMES: Final[tuple[str, ...]] = tuple(TIMEFRAME_SECONDS)

BARS_PER_YEAR: Final[dict[str, float]] = {
    name: DAYS_PER_YEAR * SECONDS_PER_DAY / seconds for name, seconds in TIMEFRAME_SECONDS.items()
}

YEARLY_FILE_MAX_SECONDS: Final = 60
"""Timeframes this fine or finer are stored in one file per year: an append copies the file."""


def validate_timeframe(timeframe: str) -> str:
    """Return `timeframe` unchanged if truebar knows it.

    Raises:
        UnknownTimeframeError: for any other text; the message lists the known ones.

    >>> validate_timeframe("15m")
    '15m'
    """
    if timeframe not in TIMEFRAME_SECONDS:
        raise UnknownTimeframeError(
            f"timeframe {timeframe!r} is unknown; expected one of {', '.join(TIMEFRAMES)}."
        )
    return timeframe


def timeframe_nanoseconds(timeframe: str) -> int:
    """Return the length of one bar in nanoseconds.

    >>> timeframe_nanoseconds("1s")
    1000000000
    """
    return TIMEFRAME_SECONDS[validate_timeframe(timeframe)] * 1_000_000_000


def bars_per_day(timeframe: str) -> int:
    """Return how many bars of `timeframe` make one day.

    >>> bars_per_day("15m")
    96
    """
    return SECONDS_PER_DAY // TIMEFRAME_SECONDS[validate_timeframe(timeframe)]


TIMEFRAME_OF_NANOSECONDS: Final = {timeframe_nanoseconds(name): name for name in TIMEFRAMES}
"""Name of each length that is a timeframe."""


def describe_length(length: int) -> str:
    """Return nanoseconds in words: a timeframe's name where they are one, else seconds.

    >>> describe_length(900_000_000_000), describe_length(180_000_000_000)
    ('15m', '180 s')
    """
    return TIMEFRAME_OF_NANOSECONDS.get(length, f"{length / 1e9:g} s")
