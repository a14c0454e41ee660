"""The simulated account as compiled code: bar by bar from targets to equity and fills (METHOD §3, Engine).

One loop holds the account's few numbers in registers; each rule is a function of numbers beside it. Passing
arrays to a function in each bar would count references, at ten times the loop's cost. Round trips are made
from the fills afterwards (`truebar.backtest.trips`). `tests/unit/backtest/reference.py` is the same engine
in plain Python.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from truebar.arrays import BoolArray, FloatArray, IntArray
from truebar.compiled import compiled

# Fields of a fill.
FILL_BAR: Final = 0
FILL_UNITS: Final = 1  # traded, signed
FILL_PRICE: Final = 2
FILL_MARKET_PRICE: Final = 3  # before slippage
FILL_FEE_RATE: Final = 4
FILL_HELD: Final = 5  # units after the fill, signed
FILL_FUNDING: Final = 6  # paid since the fill before
FILL_REASON: Final = 7
FILL_FIELDS: Final = 8

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

MOST_FILLS_IN_A_BAR: Final = 3  # at the open, a liquidation, ruin
BARS_PER_FILL: Final = 2  # what the list of fills has room for at first


class Market(NamedTuple):
    """What happens to the account: prices in quote currency, float[n] each, and funding events.

    `funding_bar`, int[m + 1], names the bar of each funding event in order of time, and ends with n;
    `funding_within` says whether it falls due after that bar's open (else before its fill);
    `funding_per_unit`, quote currency, is what one long unit pays.
    """

    open: FloatArray
    close: FloatArray
    worst_long: FloatArray
    worst_short: FloatArray
    tradable: BoolArray
    funding_bar: IntArray
    funding_within: BoolArray
    funding_per_unit: FloatArray


class Rates(NamedTuple):
    """Costs and limits as plain shares of price, notional or equity."""

    fee: float
    slippage: float
    liquidation_fee: float
    maintenance_margin: float
    rebalance_leverage: float


class Order(NamedTuple):
    """One change of the units held: to how many, at which price before and after slippage, and why."""

    new_units: float
    market_price: float
    price: float
    fee: float
    reason: int


class Run(NamedTuple):
    """What an account did: equity float[n] at each close, its fills, and funding paid since the last one."""

    equity: FloatArray
    fills: FloatArray
    funding_since: float


@compiled
def cash_flow(traded: float, price: float, fee: float) -> float:
    """Return the cash that `traded` units at `price` bring in, after the fee."""
    return -(traded * price + abs(traded) * price * fee)


@compiled
def closes(held: float, new_units: float) -> bool:
    """Return whether a change of units ends the position held: an exit or a flip."""
    return held != 0.0 and new_units * held <= 0.0


@compiled
def _cash_after(cash: float, held: float, order: Order) -> float:
    """Return the cash after one order: a position that ends is closed first, then the rest is traded."""
    if closes(held, order.new_units):
        cash += cash_flow(-held, order.price, order.fee)
        held = 0.0
    rest = order.new_units - held
    return cash + cash_flow(rest, order.price, order.fee) if rest != 0.0 else cash


@compiled
def _reason(held: float, new_units: float) -> int:
    """Return why units change from `held` to `new_units` because the target did."""
    if held == 0.0:
        return ENTRY
    if new_units == 0.0:
        return EXIT
    return FLIP if held * new_units < 0.0 else RESIZE


@compiled
def _order_at_open(
    equity: float, held: float, price: float, want: float, changed: bool, rates: Rates
) -> Order:
    """Return the order at a tradable open: fill a changed target, or restore the size of an unchanged one."""
    if held != 0.0 and equity <= 0.0:
        return Order(0.0, price, price, rates.liquidation_fee, LIQUIDATION)
    new_units = want * equity / price
    moved = 1.0 + rates.slippage if new_units > held else 1.0 - rates.slippage
    reason = _reason(held, new_units) if changed else REBALANCED
    return Order(new_units, price, price * moved, rates.fee, reason)


@compiled
def _forced(price: float, fee: float, reason: int) -> Order:
    """Return the order that closes everything at a price."""
    return Order(0.0, price, price, fee, reason)


@compiled
def _record(fills: FloatArray, count: int, bar: int, held: float, order: Order, funding: float) -> None:
    fill = fills[count]
    fill[FILL_BAR] = bar
    fill[FILL_UNITS] = order.new_units - held
    fill[FILL_PRICE] = order.price
    fill[FILL_MARKET_PRICE] = order.market_price
    fill[FILL_FEE_RATE] = order.fee
    fill[FILL_HELD] = order.new_units
    fill[FILL_FUNDING] = funding
    fill[FILL_REASON] = order.reason


@compiled
def _follow(
    market: Market, target: FloatArray, rates: Rates, capital: float, equity: FloatArray, fills: FloatArray
) -> tuple[int, int, float]:
    """Write equity and fills; return (last bar of the account, fills, funding paid since the last one).

    The last bar is the last one, or that of its ruin, or 0 where there is no room for the fills.
    """
    opens, closes_at, worst_long, worst_short, tradables, funding_bar, funding_within, per_unit = market
    cash, held, filled, funding, count, event = capital, 0.0, 0.0, 0.0, 0, 0
    locked, restore = False, False
    equity[0] = capital
    for bar in range(1, target.size):
        want, opened, close, tradable = target[bar - 1], opens[bar], closes_at[bar], tradables[bar]
        if locked:  # until the target changes to a non-zero value; the earliest liquidation is in bar 1
            locked = want in (0.0, target[bar - 2])
            want = 0.0 if locked else want
        while funding_bar[event] < bar or (funding_bar[event] == bar and not funding_within[event]):
            cash, funding = cash - held * per_unit[event], funding + held * per_unit[event]
            event += 1
        at_open = cash + held * opened
        if tradable and (want != filled or restore or at_open <= 0.0):
            order = _order_at_open(at_open, held, opened, want, want != filled, rates)
            if order.new_units != held:
                if count + MOST_FILLS_IN_A_BAR > fills.shape[0]:
                    return 0, count, funding
                _record(fills, count, bar, held, order, funding)
                cash, held, funding, count = _cash_after(cash, held, order), order.new_units, 0.0, count + 1
            filled, restore = want, False
        while funding_bar[event] == bar:
            cash, funding = cash - held * per_unit[event], funding + held * per_unit[event]
            event += 1
        worst = worst_long[bar] if held > 0.0 else worst_short[bar]
        if held != 0.0 and tradable and cash + held * worst <= rates.maintenance_margin * abs(held) * worst:
            _record(fills, count, bar, held, _forced(worst, rates.liquidation_fee, LIQUIDATION), funding)
            cash = _cash_after(cash, held, _forced(worst, rates.liquidation_fee, LIQUIDATION))
            held, funding, count, filled, locked, restore = 0.0, 0.0, count + 1, 0.0, True, False
        value = cash + held * close
        equity[bar] = value
        if value <= 0.0:
            if held != 0.0:
                _record(fills, count, bar, held, _forced(close, 0.0, RUIN), funding)
                return bar, count + 1, 0.0
            return bar, count, 0.0
        restore = restore or abs(held * close) > rates.rebalance_leverage * value
    return target.size - 1, count, funding


def simulate(market: Market, target: FloatArray, rates: Rates, initial_capital: float) -> Run:
    """Return equity and fills of an account that follows `target`.

    Args:
        market: arrays of n bars.
        target: float[n], share of equity decided at each close, filled at the next open.
        rates: costs and limits.
        initial_capital: equity before the first bar, quote currency.

    Returns:
        equity float[n], at each close; fills float[fills, FILL_FIELDS]; funding paid since the last fill.
    """
    # Allocated here: numpy asks for huge pages and numba does not, which costs more than the loop.
    equity, room = np.empty(target.size), target.size // BARS_PER_FILL + MOST_FILLS_IN_A_BAR
    last = 0
    while last == 0:
        fills = np.empty((room, FILL_FIELDS))
        last, count, funding = _follow(market, target, rates, initial_capital, equity, fills)
        room *= 2
    equity[last:] = equity[last]
    return Run(equity, fills[:count].copy(), funding)
