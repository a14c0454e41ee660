"""Timeframes and their lengths."""

import pytest

from truebar.errors import UnknownTimeframeError
from truebar.units import BARS_PER_YEAR, TIMEFRAMES, bars_per_day, timeframe_nanoseconds, validate_timeframe


def test_bars_per_year_uses_every_day_of_the_year():
    assert BARS_PER_YEAR["1d"] == 365
    assert BARS_PER_YEAR["15m"] == 35_040


def test_bars_per_day_of_every_timeframe_fill_the_day():
    assert {bars_per_day(t) * timeframe_nanoseconds(t) for t in TIMEFRAMES} == {86_400 * 10**9}


@pytest.mark.parametrize("timeframe", ["7m", "", "1H", "15m "])
def test_validate_timeframe_unknown_is_refused(timeframe):
    with pytest.raises(UnknownTimeframeError):
        validate_timeframe(timeframe)
