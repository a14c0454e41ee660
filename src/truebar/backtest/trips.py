"""What the journal of an account says: round trips (METHOD §3), fills, and what was held when."""

from __future__ import annotations

from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.backtest.account import (
    BAR,
    CASH,
    FEE_RATE,
    FUNDING,
    HELD,
    MARKET_PRICE,
    PRICE,
    REASON,
    STILL_OPEN,
    UNITS,
    Run,
    cash_flow,
    closes,
)
from truebar.backtest.memory import empty
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
def _book(trip: FloatArray, row: FloatArray, traded: float) -> None:
    """Add `traded` units of a fill to the round trip that they belong to."""
    price, fee = row[PRICE], row[FEE_RATE]
    trip[TRIP_FLOW] += cash_flow(traded, price, fee)
    trip[TRIP_FEES] += abs(traded) * price * fee
    trip[TRIP_SLIPPAGE] += traded * (price - row[MARKET_PRICE])
    trip[TRIP_NOTIONAL] += abs(traded) * price


@compiled
def _round_trips(journal: FloatArray, trips: FloatArray) -> int:
    """Write the round trips, the last one perhaps without its end; return how many began."""
    begun, held = 0, 0.0
    for row in journal:
        if row[REASON] == FUNDING:
            trips[begun - 1, TRIP_FUNDING] += held * row[PRICE]
            continue
        rest = row[UNITS]
        if closes(held, row[HELD]):
            trip = trips[begun - 1]
            _book(trip, row, -held)
            trip[TRIP_EXIT_BAR] = row[BAR]
            trip[TRIP_EXIT_PRICE] = row[PRICE]
            trip[TRIP_REASON] = row[REASON]
            held, rest = 0.0, row[HELD]
        if rest != 0.0:
            if held == 0.0:
                begun += 1
                trips[begun - 1] = 0.0
                trips[begun - 1, TRIP_ENTRY_BAR] = row[BAR]
                trips[begun - 1, TRIP_ENTRY_PRICE] = row[PRICE]
                trips[begun - 1, TRIP_UNITS] = rest
            _book(trips[begun - 1], row, rest)
        held = row[HELD]
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
    most = int(np.count_nonzero(run.journal[:, HELD]))
    trips = empty(most * TRIP_FIELDS).reshape(most, TRIP_FIELDS)
    trips = trips[: _round_trips(run.journal, trips)]
    if len(run.journal) and run.journal[-1, HELD] != 0.0:
        trip = trips[-1]
        trip[TRIP_FLOW] += run.journal[-1, HELD] * last_close
        trip[TRIP_EXIT_BAR], trip[TRIP_EXIT_PRICE] = run.equity.size - 1, last_close
        trip[TRIP_REASON] = STILL_OPEN
    return trips


def completed(trips: FloatArray) -> FloatArray:
    """Return the round trips that came to an end: all but one still open after the last bar."""
    still_open = len(trips) > 0 and trips[-1, TRIP_REASON] == STILL_OPEN
    return trips[:-1] if still_open else trips


def fills_of(journal: FloatArray) -> FloatArray:
    """Return the rows in which units changed hands."""
    return np.compress(journal[:, REASON] != FUNDING, journal, axis=0)


def bars_held(run: Run) -> int:
    """Return how many bars close with a position."""
    starts = np.append(run.journal[:, BAR], run.equity.size)
    return int(np.diff(starts)[run.journal[:, HELD] != 0].sum())


def positions(run: Run, initial_capital: float) -> FloatArray:
    """Return float64[n], units times close over equity at each close, signed; 0 where nothing is held.

    Equity is cash + units · close and cash changes only in the journal, so that the rest of equity is the
    position.
    """
    starts = np.concatenate(([0], run.journal[:, BAR], [run.equity.size])).astype(np.int64)
    cash = np.repeat(np.concatenate(([initial_capital], run.journal[:, CASH])), np.diff(starts))
    invested = run.equity - cash
    return np.where(invested != 0, invested / np.where(invested != 0, run.equity, 1.0), 0.0)
