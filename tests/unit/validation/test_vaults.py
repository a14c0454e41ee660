"""A registered vault must not move when bars are appended, and never overlap the next."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from truebar.errors import ConfigurationError, TooFewRowsError
from truebar.validation import Vault, dev_vault, next_vault, vault_rows

HORIZON = 4


def history(days: float, freq: str = "1h") -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """Return open_time and label_end of that many days; the last bars have no label yet."""
    step = pd.Timedelta(freq)
    times = pd.date_range("2024-01-01", periods=int(pd.Timedelta(days=days) / step), freq=freq, tz="UTC")
    ends = times + (HORIZON + 1) * step
    return times, ends.where(np.arange(len(times)) < len(times) - HORIZON)


def test_next_vault_without_any_is_the_last_fifth_of_dev_vault():
    times, ends = history(100)
    vault = next_vault(times, ends, [])
    expected = dev_vault(times, ends)
    assert vault.start == times[expected["vault"][0]]
    assert vault.end == ends[expected["vault"][-1]]
    found = vault_rows(times, ends, vault)
    assert found["dev"].tolist() == expected["dev"].tolist()
    assert found["vault"].tolist() == expected["vault"].tolist()


@pytest.mark.parametrize("more_days", [0, 1, 59.9])
def test_next_vault_with_appended_bars_stays_and_keeps_its_rows(more_days):
    first = next_vault(*history(100), [])
    grown = history(100 + more_days)
    assert next_vault(*grown, [first]) == first
    before, after = vault_rows(*history(100), first), vault_rows(*grown, first)
    assert {name: rows.tolist() for name, rows in after.items()} == {
        name: rows.tolist() for name, rows in before.items()
    }


def test_next_vault_after_sixty_days_starts_where_the_last_ended():
    first = next_vault(*history(100), [])
    times, ends = history(161)
    second = next_vault(times, ends, [first])
    assert second.start == first.end
    assert second.end == ends.max()
    rows = vault_rows(times, ends, second)
    assert (ends[rows["dev"]] <= second.start).all()
    assert (times[rows["vault"]] >= first.end).all()
    assert set(vault_rows(times, ends, first)["vault"]) <= set(rows["dev"])
    assert next_vault(times, ends, [second, first]) == second


@pytest.mark.parametrize(("new_bars", "moves"), [(4_999, False), (5_000, True)])
def test_next_vault_moves_with_five_thousand_new_bars(new_bars, moves):
    times, ends = history(60, "1min")
    known = int(ends.notna().sum())
    last_end = times[known - new_bars]
    registered = Vault(times[40_000], last_end)
    assert np.count_nonzero((times >= last_end) & ends.notna()) == new_bars
    assert (next_vault(times, ends, [registered]) != registered) == moves


@pytest.mark.parametrize(("new_bars", "moves"), [(1, False), (719, False), (720, True)])
def test_next_vault_days_without_half_of_their_bars_do_not_move_it(new_bars, moves):
    step = pd.Timedelta("1h")
    before = pd.date_range("2024-01-01", periods=2_000, freq=step, tz="UTC")
    after = before[-1] + pd.Timedelta(days=70) + step * np.arange(1, new_bars + 1)
    times = before.append(pd.DatetimeIndex(after))
    registered = Vault(before[1_500], before[-1] + 5 * step)
    found = next_vault(times, times + 5 * step, [registered])
    assert (found != registered) == moves


def test_next_vault_with_nothing_new_is_the_last_one():
    times, ends = history(100)
    registered = [Vault(times[10], times[20]), Vault(times[20], times[-1] + pd.Timedelta("1d"))]
    assert next_vault(times, ends, registered) == registered[1]


def test_vault_rows_outside_the_history_raise():
    times, ends = history(10)
    with pytest.raises(TooFewRowsError, match="dev"):
        vault_rows(times, ends, Vault(times[0], times[50]))
    with pytest.raises(TooFewRowsError, match="vault"):
        vault_rows(times, ends, Vault(times[-1], times[-1] + pd.Timedelta("5h")))


def test_vault_of_other_zone_is_the_same_vault():
    start, end = pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-02-01", tz="UTC")
    assert Vault(start.tz_convert("Asia/Tokyo"), end.to_pydatetime()) == Vault(start, end)


@pytest.mark.parametrize(
    ("start", "end"),
    [("2024-01-01", "2024-02-01"), (pd.NaT, pd.NaT), ("2024-02-01T00:00Z", "2024-02-01T00:00Z")],
)
def test_vault_without_a_zone_or_length_raises(start, end):
    with pytest.raises(ConfigurationError):
        Vault(pd.Timestamp(start), pd.Timestamp(end))
