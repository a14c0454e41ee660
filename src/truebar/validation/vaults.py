"""The vault moves: which interval of history may be looked at next (METHOD §5.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from truebar.arrays import IntArray, Times
from truebar.errors import ConfigurationError, TooFewRowsError
from truebar.times import NANOSECONDS_PER_DAY, nanoseconds, utc_index
from truebar.validation.dev_vault import dev_vault
from truebar.validation.splits import LabelledRows, labelled_rows

VAULT_SHARE: Final = 0.2
MIN_VAULT_BARS: Final = 5_000
MIN_VAULT_DAYS: Final = 60
MIN_DAYS_COVERED: Final = 0.5
"""Share of the bars of `MIN_VAULT_DAYS` that a vault called by its days must hold."""


@dataclass(frozen=True, order=True)
class Vault:
    """A half-open interval of history that no search, fit or choice has seen.

    Attributes:
        start: open_time of its first row, UTC.
        end: label_end of its last row, UTC.

    Raises:
        ConfigurationError: when the times have no zone, or end is not after start.
    """

    start: pd.Timestamp
    end: pd.Timestamp

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            time = getattr(self, name)
            if pd.isna(time) or pd.Timestamp(time).tzinfo is None:
                raise ConfigurationError(f"vault {name} is {time!r}; expected a time with its zone.")
            object.__setattr__(self, name, pd.Timestamp(time).tz_convert("UTC").as_unit("ns"))
        if self.end <= self.start:
            raise ConfigurationError(f"vault ends {self.end}, not after its start {self.start}.")


def next_vault(
    open_time: Times,
    label_end: Times,
    registered: Sequence[Vault],
    *,
    share: float = VAULT_SHARE,
    min_bars: int = MIN_VAULT_BARS,
    min_days: float = MIN_VAULT_DAYS,
) -> Vault:
    """Return the vault to use now: the first, the last one again, or a new one grown after it.

    With none registered it is the last `share` of the labelled rows. With one registered it stays that one,
    whatever bars are appended, until the labelled rows that open at or after its end are `min_bars` or
    reach `min_days` days beyond it and are at least half of the bars of so many days (a hole in the data is
    no history to be judged on); then those rows are the new vault. Bars are counted by the smallest step
    between rows. Whether a new vault has enough round
    trips is for the caller to see after its look.

    Args:
        open_time: [n] times, ascending.
        label_end: [n] times.
        registered: every vault ever registered on this partition, in any order.
        share: of labelled rows in the first vault.
        min_bars: rows that make a new vault.
        min_days: days that make a new vault.

    Raises:
        SchemaError, CorruptDataError, TooFewRowsError, ConfigurationError: as `dev_vault`.
    """
    rows = _timed_rows(open_time, label_end)
    if not registered:
        first = int(dev_vault(open_time, label_end, vault=share)["vault"][0])
        return _interval(rows.all_open[first], int(rows.end.max()))
    last = max(registered, key=lambda vault: vault.end)
    last_end = last.end.value
    new = rows.open >= last_end
    if not new.any():
        return last
    newest_end = int(rows.end[new].max())
    count = int(np.count_nonzero(new))
    span = min_days * NANOSECONDS_PER_DAY
    long_enough = newest_end - last_end >= span and count >= MIN_DAYS_COVERED * span / _smallest_step(rows)
    return _interval(last_end, newest_end) if count >= min_bars or long_enough else last


def vault_rows(open_time: Times, label_end: Times, vault: Vault) -> dict[str, IntArray]:
    """Return the row indices of "vault" and of "dev", the rows whose labels end before the vault starts.

    A row belongs to the vault when its whole interval [open_time, label_end) lies within it. Rows that
    reach over its start are purged, rows after its end are in neither.

    Args:
        open_time: [n] times, ascending.
        label_end: [n] times.
        vault: the interval, as from `next_vault`.

    Raises:
        SchemaError, CorruptDataError: as `labelled_rows`.
        TooFewRowsError: when a side is empty.
    """
    rows = _timed_rows(open_time, label_end)
    start, end = vault.start.value, vault.end.value
    sides = {
        "dev": rows.index[rows.end <= start],
        "vault": rows.index[(rows.open >= start) & (rows.end <= end)],
    }
    empty = [name for name, index in sides.items() if index.size == 0]
    if empty:
        raise TooFewRowsError(
            f"no labelled row lies in {', '.join(empty)} with the vault from {vault.start} to {vault.end}; "
            f"the rows open {_span(rows)}."
        )
    return sides


def _timed_rows(open_time: Times, label_end: Times) -> LabelledRows:
    """Return the labelled rows of times: whole numbers, which have no unit, are refused."""
    return labelled_rows(nanoseconds(open_time), nanoseconds(label_end, "label_end", missing_allowed=True))


def _smallest_step(rows: LabelledRows) -> int:
    """Return the smallest step between rows in nanoseconds; for one row the time its label takes."""
    steps = np.diff(rows.all_open)
    steps = steps[steps > 0]
    return int(steps.min()) if steps.size else int((rows.end - rows.open).min())


def _interval(start: int, end: int) -> Vault:
    first, last = utc_index(np.array([start, end]))
    return Vault(first, last)


def _span(rows: LabelledRows) -> str:
    first, last = utc_index(rows.open[[0, -1]])
    return f"from {first} to {last}"
