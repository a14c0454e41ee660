"""What the journal of an account says: round trips (METHOD §3), fills, and what was held when."""

from __future__ import annotations

from typing import Final, NamedTuple

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


class Ledger(NamedTuple):
    """Round trips of one account, in order of entry.

    `trips`, float[trips, TRIP_FIELDS]: a position still open is the last trip, closed at the last close
    without costs under the reason STILL_OPEN, so that the net results add up to the change of equity.
    `bars_held`: how many bars close with a position.
    """

    trips: FloatArray
    bars_held: int

    @property
    def n_completed(self) -> int:
        """Return how many round trips came to an end: all but one still open after the last bar."""
        still_open = len(self.trips) > 0 and self.trips[-1, TRIP_REASON] == STILL_OPEN
        return len(self.trips) - int(still_open)


class Totals(NamedTuple):
    """Sums over a ledger, in quote currency.

    Of all round trips: fees, slippage, funding, notional traded and net result. Of the completed ones: how
    many won, and what winners gained and losers lost, funding included.
    """

    fees: float
    slippage: float
    funding: float
    notional: float
    net: float
    n_won: int
    gained: float
    lost: float


def totals_of(ledger: Ledger) -> Totals:
    """Return the sums over a ledger, in quote currency."""
    return Totals(*_totals(ledger.trips, ledger.n_completed))


@compiled
def _totals(
    trips: FloatArray, n_completed: int
) -> tuple[float, float, float, float, float, int, float, float]:
    fees = slippage = funding = notional = net = gained = lost = 0.0
    n_won = 0
    for place in range(trips.shape[0]):
        trip = trips[place]
        earned = trip[TRIP_FLOW] - trip[TRIP_FUNDING]
        fees += trip[TRIP_FEES]
        slippage += trip[TRIP_SLIPPAGE]
        funding += trip[TRIP_FUNDING]
        notional += trip[TRIP_NOTIONAL]
        net += earned
        if place < n_completed:
            n_won += earned > 0.0
            gained += max(earned, 0.0)
            lost -= min(earned, 0.0)
    return fees, slippage, funding, notional, net, n_won, gained, lost


@compiled
def _book(trip: FloatArray, row: FloatArray, traded: float) -> None:
    """Add `traded` units of a fill to the round trip that they belong to."""
    price, fee = row[PRICE], row[FEE_RATE]
    trip[TRIP_FLOW] += cash_flow(traded, price, fee)
    trip[TRIP_FEES] += abs(traded) * price * fee
    trip[TRIP_SLIPPAGE] += traded * (price - row[MARKET_PRICE])
    trip[TRIP_NOTIONAL] += abs(traded) * price


@compiled
def _round_trips(journal: FloatArray, trips: FloatArray, bars: int) -> tuple[int, int]:
    """Write the round trips, the last perhaps without its end; return how many began, and the bars held.

    Bars that close with a position are those from a row that leaves one to before the next row, or the end.
    """
    begun, held, since, bars_held = 0, 0.0, 0, 0
    for place in range(journal.shape[0]):
        row = journal[place]
        if held != 0.0:
            bars_held += int(row[BAR]) - since
        since = int(row[BAR])
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
    return begun, bars_held + (bars - since if held != 0.0 else 0)


def round_trips(journal: FloatArray, bars: int, last_close: float) -> Ledger:
    """Return the round trips of an account.

    Args:
        journal: float[rows, JOURNAL_FIELDS].
        bars: of the whole account.
        last_close: price that values a position still open after the last bar, quote currency.
    """
    most = len(journal)  # a row begins one at most; what is not written takes no memory
    trips = empty(most * TRIP_FIELDS).reshape(most, TRIP_FIELDS)
    begun, bars_held = _round_trips(journal, trips, bars)
    trips = trips[:begun]
    if most and journal[-1, HELD] != 0.0:
        trip = trips[-1]
        trip[TRIP_FLOW] += journal[-1, HELD] * last_close
        trip[TRIP_EXIT_BAR], trip[TRIP_EXIT_PRICE] = bars - 1, last_close
        trip[TRIP_REASON] = STILL_OPEN
    return Ledger(trips, bars_held)


def fills_of(journal: FloatArray) -> FloatArray:
    """Return the rows in which units changed hands."""
    return np.compress(journal[:, REASON] != FUNDING, journal, axis=0)


def positions(equity: FloatArray, journal: FloatArray, initial_capital: float) -> FloatArray:
    """Return float64[n], units times close over equity at each close, signed; 0 where nothing is held.

    Equity is cash + units · close and cash changes only in the journal, so that the rest of equity is the
    position.
    """
    starts = np.concatenate(([0], journal[:, BAR], [equity.size])).astype(np.int64)
    cash = np.repeat(np.concatenate(([initial_capital], journal[:, CASH])), np.diff(starts))
    invested = equity - cash
    return np.where(invested != 0, invested / np.where(invested != 0, equity, 1.0), 0.0)
