"""Funding due by bar and funding expected over a horizon."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from truebar.errors import ConfigurationError, CorruptDataError, SchemaError
from truebar.funding import expected_funding, funding_due
from truebar.opens import Opens

HOURS = pd.date_range("2025-01-01", periods=24, freq="1h", tz="UTC")


def frame(times: list[str], rates: list[float], **columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"funding_time": pd.to_datetime(times, utc=True), "rate": rates, **columns})


def due(index: pd.DatetimeIndex, funding: pd.DataFrame | None, prices: list[float]) -> list[tuple]:
    """Return (bar, within, per unit) of each event."""
    opens = Opens.of(index.asi8)
    found = funding_due(opens, opens.step, funding, np.array(prices))
    return list(
        zip(found.bar.tolist(), found.within.tolist(), found.per_unit.round(12).tolist(), strict=True)
    )


def test_funding_due_at_an_open_with_jitter_is_paid_before_the_fill() -> None:
    assert due(HOURS, frame(["2025-01-01 08:00:00.008"], [0.001]), [100.0] * 24) == [(8, False, 0.1)]


def test_funding_due_inside_a_long_bar_is_paid_after_the_fill() -> None:
    days = pd.date_range("2025-01-01", periods=3, freq="1D", tz="UTC")
    times = ["2025-01-01 08:00", "2025-01-01 16:00", "2025-01-02 00:00"]
    found = due(days, frame(times, [0.001, 0.002, 0.004]), [100.0, 200.0, 300.0])
    assert found == [(0, True, 0.1), (0, True, 0.2), (1, False, 0.8)]


def test_funding_due_in_missing_bars_is_paid_before_the_next_fill() -> None:
    found = due(HOURS.delete([8, 9]), frame(["2025-01-01 08:00"], [0.001]), [50.0] * 22)
    assert found == [(8, False, 0.05)]


def test_funding_due_own_mark_price_goes_before_the_bars() -> None:
    funding = frame(
        ["2024-12-31 16:00", "2025-01-01 08:00", "2025-01-01 16:00"],
        [0.5, 0.001, 0.001],
        mark_price=[900.0, 200.0, np.nan],
    )
    assert due(HOURS, funding, [100.0] * 24) == [(8, False, 0.2), (16, False, 0.1)]


def test_funding_due_outside_the_bars_is_left_out() -> None:
    assert due(HOURS, frame(["2024-12-31 16:00", "2025-01-02 00:00"], [0.1, 0.1]), [1.0] * 24) == []
    assert due(HOURS, None, [1.0] * 24) == []


def test_expected_funding_counts_only_times_after_the_fill_and_uses_the_published_rate() -> None:
    funding = frame(["2025-01-01 00:00", "2025-01-01 08:00", "2025-01-01 16:00"], [0.001, 0.002, 0.004])
    cost = expected_funding(HOURS, funding, horizon_bars=4)
    # Bar 2 closes at 03:00 and its forecast ends at 07:00; bar 3's ends at 08:00, which is inside.
    assert cost[[2, 3]].tolist() == pytest.approx([0.0, 0.001])
    # Bar 7 closes at 08:00: the rate of 08:00 is known, but falls due before the fill.
    assert cost[[6, 7]].tolist() == pytest.approx([0.001, 0.0])
    assert cost[11] == pytest.approx(0.002)


def test_expected_funding_later_rows_do_not_change_earlier_ones() -> None:
    funding = frame(["2025-01-01 00:00", "2025-01-01 08:00", "2025-01-01 09:00"], [0.001, 0.002, 0.9])
    before = expected_funding(HOURS, funding.iloc[:2], horizon_bars=8)
    after = expected_funding(HOURS, funding, horizon_bars=8)
    assert after[:8].tolist() == before[:8].tolist()
    assert after[9] != before[9]


def test_expected_funding_given_interval_counts_each_time() -> None:
    funding = frame(["2025-01-01 00:00"], [0.001], interval_hours=[1.0])
    assert expected_funding(HOURS, funding, horizon_bars=4)[0] == pytest.approx(0.004)


def test_expected_funding_without_any_published_rate_is_zero() -> None:
    assert expected_funding(HOURS, None, horizon_bars=4).tolist() == [0.0] * 24
    late = frame(["2025-01-01 20:00"], [0.001])
    assert expected_funding(HOURS, late, horizon_bars=4)[:19].tolist() == [0.0] * 19


def test_expected_funding_no_horizon_raises() -> None:
    with pytest.raises(ConfigurationError):
        expected_funding(HOURS, None, horizon_bars=0)


@pytest.mark.parametrize(
    ("funding", "error"),
    [
        (frame(["2025-01-01"], [np.nan]), CorruptDataError),
        (frame(["2025-01-01", "2025-01-01"], [0.1, 0.1]), CorruptDataError),
        (frame(["2025-01-01"], [0.1]).rename(columns={"rate": "funding_rate"}), SchemaError),
    ],
)
def test_funding_due_bad_rows_raise(funding: pd.DataFrame, error: type[Exception]) -> None:
    with pytest.raises(error):
        due(HOURS, funding, [1.0] * 24)
