"""The simulated account as compiled code: bar by bar from targets to equity and ledger (METHOD §3, Engine).

State lives in one array, so that the loop stays at some nanoseconds a bar and each rule is a function of
its own. `tests/unit/backtest/reference.py` is the same engine in plain Python.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from truebar.arrays import BoolArray, FloatArray
from truebar.compiled import compiled

# Places in the account's array.
CASH: Final = 0
UNITS: Final = 1
FILLED: Final = 2  # target that the units were last sized for
LOCKED: Final = 3  # 1 after a liquidation, until the target changes to a non-zero value
REBALANCE: Final = 4  # 1 when the next tradable open restores the target size
FILL_COUNT: Final = 5
TRIP_COUNT: Final = 6
TRIP: Final = 7  # the open round trip begins here, in the order of the TRIP_ fields
ACCOUNT_FIELDS: Final = 15

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

# Fields of a fill.
FILL_BAR: Final = 0
FILL_UNITS: Final = 1
FILL_PRICE: Final = 2
FILL_FEE: Final = 3
FILL_SLIPPAGE: Final = 4
FILL_REASON: Final = 5
FILL_FIELDS: Final = 6

ENTRY: Final = 0
EXIT: Final = 1
FLIP: Final = 2
RESIZE: Final = 3
REBALANCED: Final = 4
LIQUIDATION: Final = 5
RUIN: Final = 6
STILL_OPEN: Final = 7
REASONS: Final = ("entry", "exit", "flip", "resize", "rebalance", "liquidation", "ruin", "open")
"""Names of the reason codes, by code."""


class Market(NamedTuple):
    """What happens to the account, float[n] each: prices in quote currency, funding per unit held."""

    open: FloatArray
    close: FloatArray
    worst_long: FloatArray
    worst_short: FloatArray
    tradable: BoolArray
    funding_before_fill: FloatArray
    funding_within_bar: FloatArray


class Rates(NamedTuple):
    """Costs and limits as plain shares of price, notional or equity."""

    fee: float
    slippage: float
    liquidation_fee: float
    maintenance_margin: float
    rebalance_leverage: float


class Ledger(NamedTuple):
    """Preallocated rows of fills and of finished round trips."""

    fills: FloatArray
    trips: FloatArray


class Order(NamedTuple):
    """One change of the units held: to how many, at which price before slippage, and why."""

    bar: int
    new_units: float
    price: float
    slippage: float
    fee: float
    reason: int


class Quote(NamedTuple):
    """A price at which something happens in a bar."""

    bar: int
    price: float


@compiled
def _book(account: FloatArray, traded: float, price: float, order: Order) -> None:
    """Move cash for `traded` units at `price` and add the costs to the open round trip."""
    fee = abs(traded) * price * order.fee
    account[CASH] -= traded * price + fee
    account[TRIP + TRIP_FLOW] -= traded * price + fee
    account[TRIP + TRIP_FEES] += fee
    account[TRIP + TRIP_SLIPPAGE] += traded * (price - order.price)
    account[TRIP + TRIP_NOTIONAL] += abs(traded) * price


@compiled
def _close_trip(account: FloatArray, trips: FloatArray, bar: int, price: float, reason: int) -> None:
    """Write the open round trip as a row and clear it."""
    row = trips[int(account[TRIP_COUNT])]
    row[:TRIP_EXIT_BAR] = account[TRIP : TRIP + TRIP_EXIT_BAR]
    row[TRIP_EXIT_BAR] = bar
    row[TRIP_EXIT_PRICE] = price
    row[TRIP_REASON] = reason
    account[TRIP_COUNT] += 1
    account[TRIP : TRIP + TRIP_EXIT_BAR] = 0.0


@compiled
def _execute(account: FloatArray, ledger: Ledger, order: Order) -> None:
    """Fill one order whole, at the order's price moved by slippage against the side traded."""
    held = account[UNITS]
    traded = order.new_units - held
    if traded == 0.0:
        return
    price = order.price * (1.0 + order.slippage if traded > 0 else 1.0 - order.slippage)
    rest = traded
    if held != 0.0 and order.new_units * held <= 0.0:
        _book(account, -held, price, order)
        _close_trip(account, ledger.trips, order.bar, price, order.reason)
        held, rest = 0.0, order.new_units
    if rest != 0.0:
        if held == 0.0:
            account[TRIP + TRIP_ENTRY_BAR] = order.bar
            account[TRIP + TRIP_ENTRY_PRICE] = price
            account[TRIP + TRIP_UNITS] = rest
        _book(account, rest, price, order)
    account[UNITS] = order.new_units
    fill = ledger.fills[int(account[FILL_COUNT])]
    fill[FILL_BAR] = order.bar
    fill[FILL_UNITS] = traded
    fill[FILL_PRICE] = price
    fill[FILL_FEE] = abs(traded) * price * order.fee
    fill[FILL_SLIPPAGE] = traded * (price - order.price)
    fill[FILL_REASON] = order.reason
    account[FILL_COUNT] += 1


@compiled
def _pay_funding(account: FloatArray, per_unit: float) -> None:
    """Pay, or receive, the funding due on the units held."""
    amount = account[UNITS] * per_unit
    account[CASH] -= amount
    account[TRIP + TRIP_FUNDING] += amount


@compiled
def _reason(held: float, new_units: float) -> int:
    """Return why units change from `held` to `new_units` because the target did."""
    if held == 0.0:
        return ENTRY
    if new_units == 0.0:
        return EXIT
    return FLIP if held * new_units < 0.0 else RESIZE


@compiled
def _trade_open(account: FloatArray, ledger: Ledger, quote: Quote, want: float, rates: Rates) -> None:
    """Act at a tradable open: fill a changed target, or restore the size of an unchanged one."""
    held = account[UNITS]
    equity = account[CASH] + held * quote.price
    if held != 0.0 and equity <= 0.0:
        ruin = Order(quote.bar, 0.0, quote.price, 0.0, rates.liquidation_fee, LIQUIDATION)
        _execute(account, ledger, ruin)
        return
    new_units = want * equity / quote.price
    reason = _reason(held, new_units) if want != account[FILLED] else REBALANCED
    _execute(account, ledger, Order(quote.bar, new_units, quote.price, rates.slippage, rates.fee, reason))
    account[FILLED] = want
    account[REBALANCE] = 0.0


@compiled
def _liquidate(account: FloatArray, ledger: Ledger, quote: Quote, rates: Rates) -> None:
    """Close everything at the bar's worst price and stay flat until the target changes to another side."""
    _execute(account, ledger, Order(quote.bar, 0.0, quote.price, 0.0, rates.liquidation_fee, LIQUIDATION))
    account[FILLED] = 0.0
    account[LOCKED] = 1.0
    account[REBALANCE] = 0.0


@compiled
def _unlocks(want: float, before: float) -> bool:
    """Return whether a target that was `before` lets a liquidated account trade again."""
    return want not in (0.0, before)


@compiled
def simulate(
    market: Market, target: FloatArray, rates: Rates, initial_capital: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return (equity at close, units at close, fills, round trips) of an account that follows `target`.

    Args:
        market: arrays of n bars.
        target: float[n], share of equity decided at each close, filled at the next open.
        rates: costs and limits.
        initial_capital: equity before the first bar, quote currency.

    Returns:
        equity float[n], units float[n], fills float[fills, FILL_FIELDS], trips float[trips, TRIP_FIELDS].
        A position still open at the end is the last trip, closed at the last close without costs under
        the reason STILL_OPEN, so that the net results of the trips add up to the change of equity.
    """
    rows = target.size
    account = np.zeros(ACCOUNT_FIELDS)
    account[CASH] = initial_capital
    ledger = Ledger(np.empty((2 * rows, FILL_FIELDS)), np.empty((2 * rows + 1, TRIP_FIELDS)))
    equity, units = np.empty(rows), np.zeros(rows)
    equity[0] = initial_capital
    for bar in range(1, rows):
        want = target[bar - 1]
        if account[LOCKED] == 1.0:  # the earliest liquidation is in bar 1
            account[LOCKED] = 0.0 if _unlocks(want, target[bar - 2]) else 1.0
            want = 0.0 if account[LOCKED] == 1.0 else want
        if account[UNITS] != 0.0 and market.funding_before_fill[bar] != 0.0:
            _pay_funding(account, market.funding_before_fill[bar])
        # No call per bar: each would count references to a dozen arrays, at ten times the loop's cost.
        opened = market.open[bar]
        acts = want != account[FILLED] or account[REBALANCE] == 1.0
        if market.tradable[bar] and (acts or account[CASH] + account[UNITS] * opened <= 0.0):
            _trade_open(account, ledger, Quote(bar, opened), want, rates)
        held = account[UNITS]
        if held != 0.0 and market.funding_within_bar[bar] != 0.0:
            _pay_funding(account, market.funding_within_bar[bar])
        worst = market.worst_long[bar] if held > 0.0 else market.worst_short[bar]
        margin = rates.maintenance_margin * abs(held) * worst
        if held != 0.0 and market.tradable[bar] and account[CASH] + held * worst <= margin:
            _liquidate(account, ledger, Quote(bar, worst), rates)
        close = market.close[bar]
        value = account[CASH] + account[UNITS] * close
        equity[bar], units[bar] = value, account[UNITS]
        if value <= 0.0:
            _execute(account, ledger, Order(bar, 0.0, close, 0.0, 0.0, RUIN))
            equity[bar:], units[bar:] = value, 0.0
            break
        if abs(account[UNITS] * close) > rates.rebalance_leverage * value:
            account[REBALANCE] = 1.0
    if account[UNITS] != 0.0:
        close = market.close[rows - 1]
        account[TRIP + TRIP_FLOW] += account[UNITS] * close
        _close_trip(account, ledger.trips, rows - 1, close, STILL_OPEN)
    return (
        equity,
        units,
        ledger.fills[: int(account[FILL_COUNT])].copy(),
        ledger.trips[: int(account[TRIP_COUNT])].copy(),
    )
