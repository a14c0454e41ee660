from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar.market.cells import is_missing, to_float64, to_nanoseconds
from truebar.times import NO_TIME

FACTORS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
SECONDS = st.integers(min_value=100_000_000, max_value=9_000_000_000)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(SECONDS, st.sampled_from(sorted(FACTORS))), min_size=1, max_size=20))
def test_stamps_of_mixed_units_each_give_their_time(stamps: list[tuple[int, str]]) -> None:
    received = [seconds * 10**9 // FACTORS[unit] for seconds, unit in stamps]
    expected = [seconds * 10**9 for seconds, _ in stamps]
    assert to_nanoseconds(pd.Series(received)).tolist() == expected
    assert to_nanoseconds(pd.Series([str(tick) for tick in received])).tolist() == expected
    assert to_nanoseconds(pd.Series([*received, "junk"], dtype=object)).tolist() == [*expected, NO_TIME]


def test_float_stamps_keep_milliseconds_that_one_product_would_round() -> None:
    tick = 1_735_689_600_123.0
    assert to_nanoseconds(pd.Series([tick, np.nan])).tolist() == [1_735_689_600_123_000_000, NO_TIME]
    assert to_nanoseconds(pd.Series([1_735_689_600.5])).tolist() == [1_735_689_600_500_000_000]


def test_mixed_objects_are_not_cut_to_whole_ticks() -> None:
    assert to_nanoseconds(pd.Series([1_735_689_600.5, "1735689600"], dtype=object)).tolist() == [
        1_735_689_600_500_000_000,
        1_735_689_600_000_000_000,
    ]


@pytest.mark.parametrize(
    "stamp",
    [
        pd.Timestamp("2025-01-01", tz="UTC"),
        pd.Timestamp("2025-01-01"),
        pd.Timestamp("2025-01-01 05:30", tz="Asia/Kolkata"),
        datetime(2025, 1, 1, tzinfo=UTC),
        "2025-01-01",
        "2025-01-01 00:00:00",
        "2025-01-01T00:00:00Z",
        "2025-01-01 00:00:00+00:00",
        "2025-01-01 00:00:00 UTC",
        "2025-01-01T05:30:00+05:30",
        " 1735689600000 ",
        "1735689600000.0",
        "1.7356896e12",
    ],
)
def test_time_in_any_form_is_read(stamp: object) -> None:
    assert to_nanoseconds(pd.Series([stamp])).tolist() == [1_735_689_600_000_000_000]
    assert to_nanoseconds(pd.Series([stamp], dtype=object)).tolist() == [1_735_689_600_000_000_000]


@pytest.mark.parametrize(
    "cell",
    [
        None,
        "",
        "now",
        "today",
        "01/02/2025",
        "20250101",
        "soon",
        0,
        17,
        -5,
        float("inf"),
        True,
        10**25,
        "9" * 30,
    ],
)
def test_cell_that_is_no_time_has_none(cell: object) -> None:
    assert to_nanoseconds(pd.Series([cell], dtype=object)).tolist() == [NO_TIME]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_datetimes_of_any_unit_are_read_and_out_of_range_is_no_time(unit: str) -> None:
    series = pd.Series(pd.to_datetime(["2025-01-01", None]).as_unit(unit)).dt.tz_localize("UTC")
    assert to_nanoseconds(series).tolist() == [1_735_689_600_000_000_000, NO_TIME]
    far = pd.Series(np.array([10**14], dtype="datetime64[s]"))
    assert to_nanoseconds(far).tolist() == [NO_TIME]


def test_numbers_as_texts_are_exact_and_unreadable_ones_are_told_from_missing_ones() -> None:
    cells = pd.Series(
        ["0.1", " 7195.24000000 ", "", None, "nan", "abc", "1,5", "inf", Decimal("2.5"), 3], dtype=object
    )
    numbers, unreadable = to_float64(cells)
    np.testing.assert_array_equal(numbers, [0.1, 7195.24, *[np.nan] * 5, np.inf, 2.5, 3.0])
    assert np.flatnonzero(unreadable).tolist() == [5, 6]
    assert np.flatnonzero(is_missing(cells)).tolist() == [2, 3]


def test_nullable_integers_become_float_with_nan() -> None:
    numbers, unreadable = to_float64(pd.Series([3, None], dtype="Int64"))
    np.testing.assert_array_equal(numbers, [3.0, np.nan])
    assert not unreadable.any()
