"""Times as nanoseconds and the timeframe that bars show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError, UnknownTimeframeError
from truebar.times import NO_TIME, ascending_nanoseconds, nanoseconds, timeframe_of, utc_index

AWARE = pd.date_range("2025-01-01", periods=4, freq="15min", tz="UTC")


@pytest.mark.parametrize(
    "times",
    [
        AWARE,
        AWARE.as_unit("ms"),
        pd.Series(AWARE.as_unit("us")),
        AWARE.tz_localize(None),
        AWARE.tz_localize(None).to_numpy(),
        AWARE.tz_localize(None).to_numpy().astype("datetime64[s]"),
        AWARE.tz_convert("Asia/Tokyo"),
        list(AWARE),
        np.array(list(AWARE), dtype=object),
        pd.Series(AWARE, index=[3, 1, 2, 0]),
    ],
)
def test_nanoseconds_any_unit_and_zone_is_the_same(times: object) -> None:
    assert nanoseconds(times).tolist() == AWARE.as_unit("ns").asi8.tolist()


NO_TIMES = [np.arange(4), np.arange(4.0), ["noon", "x"], pd.Series([True]), 5, np.zeros((2, 2), "M8[s]")]


@pytest.mark.parametrize("times", NO_TIMES)
def test_nanoseconds_no_times_raises(times: object) -> None:
    with pytest.raises(SchemaError):
        nanoseconds(times)


def test_nanoseconds_missing_time_raises() -> None:
    with pytest.raises(CorruptDataError, match="missing in 1 of 2"):
        nanoseconds(pd.to_datetime(["2025-01-01", None]))


def test_nanoseconds_missing_time_allowed_keeps_its_place() -> None:
    values = nanoseconds(pd.to_datetime(["1970-01-01", None]), missing_allowed=True)
    assert values.tolist() == [0, NO_TIME]
    assert utc_index(values).isna().tolist() == [False, True]


def test_nanoseconds_beyond_the_range_raises_instead_of_wrapping() -> None:
    with pytest.raises(CorruptDataError, match="fit"):
        nanoseconds(np.array(["9999-12-31"], dtype="datetime64[s]"))


def test_nanoseconds_of_no_rows_is_empty() -> None:
    assert nanoseconds([]).shape == (0,)


def test_utc_index_inverts_nanoseconds() -> None:
    index = utc_index(nanoseconds(AWARE))
    assert str(index.dtype) == "datetime64[ns, UTC]"
    assert index.equals(AWARE)


def test_ascending_nanoseconds_repeated_time_names_the_row() -> None:
    with pytest.raises(CorruptDataError, match="row 2"):
        ascending_nanoseconds(AWARE[[0, 1, 1, 2]])


def test_timeframe_of_bars_with_a_gap_takes_the_smallest_step() -> None:
    assert timeframe_of(AWARE[[0, 2, 3]]) == "15m"


def test_timeframe_of_unknown_step_raises() -> None:
    with pytest.raises(UnknownTimeframeError, match="420 s"):
        timeframe_of(pd.date_range("2025-01-01", periods=3, freq="7min", tz="UTC"))


def test_timeframe_of_one_bar_raises() -> None:
    with pytest.raises(TooFewRowsError):
        timeframe_of(AWARE[:1])
