"""Round trips from fills: one position from entry to exit or flip each (METHOD §3)."""

from __future__ import annotations

from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.backtest.account import (
    FILL_BAR,
    FILL_FEE_RATE,
    FILL_FUNDING,
    FILL_HELD,
    FILL_MARKET_PRICE,
    FILL_PRICE,
    FILL_REASON,
    FILL_UNITS,
    STILL_OPEN,
    Run,
    cash_flow,
    closes,
)
from truebar.compiled import compiled

# Fields of a round trip.
TRIP_ENTRY_BAR: Final = 0
TRIP_ENTRY_PRICE: Final = 1
TRIP_UNITS: Final = 2  # signed units at entry
TRIP_FLOW: Final = 3  # cash from its fills after fees, without funding
TRIP_FEES: Final = 4
TRIP_SLIPPAGE: Final = 5
TRIP_FUNDING: Final = 6
TRIP_NOTIONAL: Final = 7  # traded at fill prices
TRIP_EXIT_BAR: Final = 8
TRIP_EXIT_PRICE: Final = 9
TRIP_REASON: Final = 10
TRIP_FIELDS: Final = 11


@compiled
def _book(trip: FloatArray, fill: FloatArray, traded: float) -> None:
    """Add `traded` units of a fill to the round trip that they belong to."""
    price, fee = fill[FILL_PRICE], fill[FILL_FEE_RATE]
    trip[TRIP_FLOW] += cash_flow(traded, price, fee)
    trip[TRIP_FEES] += abs(traded) * price * fee
    trip[TRIP_SLIPPAGE] += traded * (price - fill[FILL_MARKET_PRICE])
    trip[TRIP_NOTIONAL] += abs(traded) * price


@compiled
def _round_trips(fills: FloatArray, trips: FloatArray) -> int:
    """Write the round trips into zeroed rows, the last one perhaps without its end; return how many began."""
    begun, held = 0, 0.0
    for fill in fills:
        rest = fill[FILL_UNITS]
        if held != 0.0:
            trips[begun - 1, TRIP_FUNDING] += fill[FILL_FUNDING]
        if closes(held, fill[FILL_HELD]):
            trip = trips[begun - 1]
            _book(trip, fill, -held)
            trip[TRIP_EXIT_BAR] = fill[FILL_BAR]
            trip[TRIP_EXIT_PRICE] = fill[FILL_PRICE]
            trip[TRIP_REASON] = fill[FILL_REASON]
            held, rest = 0.0, fill[FILL_HELD]
        if rest != 0.0:
            if held == 0.0:
                begun += 1
                trips[begun - 1, TRIP_ENTRY_BAR] = fill[FILL_BAR]
                trips[begun - 1, TRIP_ENTRY_PRICE] = fill[FILL_PRICE]
                trips[begun - 1, TRIP_UNITS] = rest
            _book(trips[begun - 1], fill, rest)
        held = fill[FILL_HELD]
    return begun


def round_trips(run: Run, last_close: float) -> FloatArray:
    """Return the round trips of an account, in order of entry.

    Args:
        run: what the account did.
        last_close: price that values a position still open after the last bar, quote currency.

    Returns:
        float[trips, TRIP_FIELDS]. A position still open is the last trip, closed at `last_close` without
        costs under the reason STILL_OPEN, so that the net results of the trips add up to the change of
        equity.
    """
    trips = np.zeros((len(run.fills), TRIP_FIELDS))
    trips = trips[: _round_trips(run.fills, trips)]
    if len(run.fills) and run.fills[-1, FILL_HELD] != 0.0:
        trip = trips[-1]
        trip[TRIP_FLOW] += run.fills[-1, FILL_HELD] * last_close
        trip[TRIP_FUNDING] += run.funding_since
        trip[TRIP_EXIT_BAR], trip[TRIP_EXIT_PRICE] = run.equity.size - 1, last_close
        trip[TRIP_REASON] = STILL_OPEN
    return trips


def completed(trips: FloatArray) -> FloatArray:
    """Return the round trips that came to an end: all but one still open after the last bar."""
    still_open = len(trips) > 0 and trips[-1, TRIP_REASON] == STILL_OPEN
    return trips[:-1] if still_open else trips


def bars_held(fills: FloatArray, bars: int) -> int:
    """Return how many of `bars` bars close with a position."""
    until = np.append(fills[1:, FILL_BAR], bars)
    return int((until - fills[:, FILL_BAR])[fills[:, FILL_HELD] != 0].sum()) if len(fills) else 0


def units_held(fills: FloatArray, bars: int) -> FloatArray:
    """Return float64[bars], the units held at each close, signed."""
    starts = np.concatenate(([0], fills[:, FILL_BAR], [bars])).astype(np.int64)
    return np.repeat(np.concatenate(([0.0], fills[:, FILL_HELD])), np.diff(starts))
