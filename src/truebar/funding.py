"""Funding of perpetual contracts: what is due while a position is held, and what is expected (METHOD §3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from truebar.arrays import BoolArray, FloatArray, IntArray, Times
from truebar.counts import whole_number
from truebar.errors import CorruptDataError, SchemaError
from truebar.opens import Opens
from truebar.times import ascending_nanoseconds, timeframe_of
from truebar.units import timeframe_nanoseconds

SECOND_NS: Final = 1_000_000_000
HOUR_NS: Final = 3_600 * SECOND_NS
FIRST_INTERVAL_HOURS: Final = 8.0
"""Interval taken for the first funding row of a history that does not say its interval."""


@dataclass(frozen=True)
class FundingDue:
    """Funding events in order of time; positive is paid by who is long.

    Attributes:
        bar: int64[m], row of the bar that pays.
        within: bool[m]. True: due after the bar's open and before its end, so that who holds after the fill
            pays. False: due after the previous bar's end and not after this bar's open: who held until then.
        per_unit: float64[m], per unit held, quote currency.
    """

    bar: IntArray
    within: BoolArray
    per_unit: FloatArray


def _times_and_rates(funding: pd.DataFrame) -> tuple[IntArray, FloatArray]:
    """Return funding times rounded to the second (exchanges stamp them some ms late) and their rates."""
    missing = [name for name in ("funding_time", "rate") if name not in funding.columns]
    if missing:
        raise SchemaError(
            f"funding lacks {', '.join(missing)}; it has {', '.join(map(str, funding.columns))}."
        )
    exact = ascending_nanoseconds(funding["funding_time"], "funding_time")
    times = (exact + SECOND_NS // 2) // SECOND_NS * SECOND_NS
    rates = funding["rate"].to_numpy(dtype=np.float64, na_value=np.nan)
    if not np.all(np.isfinite(rates)) or np.any(np.diff(times) <= 0):
        raise CorruptDataError("funding has a rate that is no finite number, or two rows in one second.")
    return times, rates


def _mark_prices(funding: pd.DataFrame) -> FloatArray:
    """Return the mark price of each funding row, NaN where it has none."""
    if "mark_price" not in funding.columns:
        return np.full(len(funding), np.nan)
    return funding["mark_price"].to_numpy(dtype=np.float64, na_value=np.nan)


def funding_due(
    opens: Opens, step: int, funding: pd.DataFrame | None, price_at_open: FloatArray
) -> FundingDue:
    """Return what a long unit pays in funding, and in which bar.

    Args:
        opens: of n bars.
        step: length of a bar, nanoseconds.
        funding: `market.funding`: funding_time, rate, and where known mark_price; None is no funding.
        price_at_open: float[n], mark (or else trade) price at each open, quote currency; it values the
            funding rows that have no mark price of their own.

    Funding before the first bar or after the last is left out. Funding that falls into missing bars is due
    before the fill of the next bar. Rates are known at funding_time and not before.

    Raises:
        SchemaError: when funding lacks a column.
        CorruptDataError: when a rate is missing or two rows have the same time.
    """
    if funding is None or funding.empty:
        return FundingDue(np.empty(0, np.int64), np.empty(0, np.bool_), np.empty(0))
    times, rates = _times_and_rates(funding)
    kept = (times >= opens.first) & (times < opens.last + step)
    marks = _mark_prices(funding)[kept]
    times, rates = times[kept], rates[kept]
    bar, opened = opens.latest(times)
    inside = (times > opened) & (times < opened + step)
    late = times >= opened + step  # the bar of its time is missing: the next one pays before its fill
    payer = np.where(late, np.minimum(bar + 1, opens.size - 1), bar)
    usable = np.isfinite(marks) & (marks > 0)
    return FundingDue(payer, inside, rates * np.where(usable, marks, price_at_open[payer]))


def _intervals(funding: pd.DataFrame, times: IntArray) -> IntArray:
    """Return the interval that each funding row shows when it is published, in nanoseconds."""
    steps = np.diff(times, prepend=times[0] - int(FIRST_INTERVAL_HOURS * HOUR_NS))
    if "interval_hours" not in funding.columns:
        return steps
    hours = funding["interval_hours"].to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(hours) & (hours > 0), np.nan_to_num(hours) * HOUR_NS, steps).astype(np.int64)


def expected_funding(
    open_time: Times, funding: pd.DataFrame | None, *, horizon_bars: int, timeframe: str | None = None
) -> FloatArray:
    """Return g[n]: last published rate times the funding times in (open t+1, open t+1+h] (METHOD §3).

    Positive is what a long position pays, as a share of its notional. Published means
    funding_time <= close of bar t; the coming times are projected from the last one by its interval
    (`interval_hours`, or else the step from the funding row before it), because a later row is not known yet.
    Before the first published rate g is 0.

    Args:
        open_time: [n] times of bars, ascending.
        funding: `market.funding`; None is a market without funding.
        horizon_bars: h, bars from the decision's fill to the end of the forecast.
        timeframe: length of a bar; the smallest step by default.

    Raises:
        ConfigurationError: when the horizon is no whole number of at least one bar.
        SchemaError, CorruptDataError: as `funding_due`.
    """
    horizon = whole_number("horizon_bars", horizon_bars, 1)
    opens = ascending_nanoseconds(open_time)
    if funding is None or funding.empty:
        return np.zeros(opens.size)
    times, rates = _times_and_rates(funding)
    step = timeframe_nanoseconds(timeframe or timeframe_of(open_time))
    fill, last = opens + step, np.searchsorted(times, opens + step, side="right") - 1
    known = np.maximum(last, 0)
    published, interval = times[known], _intervals(funding, times)[known]
    count = (fill + horizon * step - published) // interval - (fill - published) // interval
    return np.where(last >= 0, rates[known] * count, 0.0)
