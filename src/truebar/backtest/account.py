"""The simulated account as compiled code: bar by bar from targets to equity and journal (METHOD §3, Engine).

One loop holds the account's few numbers in registers; each rule is a function of numbers beside it. Passing
arrays to a function in each bar would count references, at ten times the loop's cost. Round trips are made
from the journal afterwards (`truebar.backtest.trips`). `tests/unit/backtest/reference.py` is the same engine
in plain Python.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from truebar.arrays import BoolArray, FloatArray, IntArray
from truebar.backtest.memory import empty
from truebar.compiled import compiled

# Fields of a row of the journal: one for each change of the account's cash.
BAR: Final = 0
UNITS: Final = 1  # traded, signed; 0 for funding
PRICE: Final = 2  # after slippage; of funding, what it costs a unit
MARKET_PRICE: Final = 3  # before slippage
FEE_RATE: Final = 4
HELD: Final = 5  # units afterwards, signed
CASH: Final = 6  # afterwards
REASON: Final = 7
JOURNAL_FIELDS: Final = 8

ENTRY: Final = 0
EXIT: Final = 1
FLIP: Final = 2
RESIZE: Final = 3
REBALANCED: Final = 4
LIQUIDATION: Final = 5
RUIN: Final = 6
STILL_OPEN: Final = 7
FUNDING: Final = 8
REASONS: Final = ("entry", "exit", "flip", "resize", "rebalance", "liquidation", "ruin", "open", "funding")
"""Names of the reason codes, by code."""

MOST_FILLS_IN_A_BAR: Final = 3  # at the open, a liquidation, ruin
ROUNDING: Final = 1e-8
BARS_PER_FILL: Final = 8  # what the journal has room for at first


class Market(NamedTuple):
    """What happens to the account: prices in quote currency, float[n] each, and funding events.

    `worst_long` and `worst_short` are the lowest and highest mark price (else trade price) of each bar;
    `alarm_long` and `alarm_short` are these too, and the open where that is worse.
    `funding_bar`, int[m + 1], names the bar of each funding event in order of time, and ends with n;
    `funding_within` says whether it falls due after that bar's open (else before its fill);
    `funding_per_unit`, quote currency, is what one long unit pays.
    """

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    worst_long: FloatArray
    worst_short: FloatArray
    alarm_long: FloatArray
    alarm_short: FloatArray
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
    """What an account did: equity float[n] at each close, and its journal, float[rows, JOURNAL_FIELDS]."""

    equity: FloatArray
    journal: FloatArray


@compiled
def _fills_at(price: float, high: float, low: float, volume: float) -> bool:
    """Return whether anything can fill in a bar that opens and closes at `price`: whether any traded."""
    return volume != 0.0 or not (price == high == low)


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
def _funding(held: float, per_unit: float) -> Order:
    """Return the row of the journal that a payment of funding makes: no units change hands."""
    return Order(held, per_unit, per_unit, 0.0, FUNDING)


@compiled
def _record(journal: FloatArray, count: int, bar: int, held: float, order: Order, cash: float) -> None:
    # One element at a time: a view of the row would count references.
    journal[count, BAR] = bar
    journal[count, UNITS] = order.new_units - held
    journal[count, PRICE] = order.price
    journal[count, MARKET_PRICE] = order.market_price
    journal[count, FEE_RATE] = order.fee
    journal[count, HELD] = order.new_units
    journal[count, CASH] = cash
    journal[count, REASON] = order.reason


@compiled
def _follow(  # noqa: PLR0912, PLR0915 - cut up, it would pass a dozen arrays to a function at each fill
    market: Market, target: FloatArray, rates: Rates, capital: float, equity: FloatArray, journal: FloatArray
) -> tuple[int, int]:
    """Write equity and journal; return the last bar of the account and the rows of the journal.

    The last bar is the last one, or that of its ruin, or 0 where there is no room for the journal.
    """
    opens, highs, lows, ends, volumes = market[:5]
    worst_long, worst_short, alarm_long, alarm_short, funding_bar, funding_within, per_unit = market[5:]
    cash, held, filled, count, event = capital, 0.0, 0.0, 0, 0
    locked, restore, due = False, False, funding_bar[0]
    room = journal.shape[0] - MOST_FILLS_IN_A_BAR - funding_bar.size  # all funding fits, whatever comes
    alarm_margin = rates.maintenance_margin + ROUNDING  # a low may be above the open by rounding
    equity[0] = capital
    for bar in range(1, target.size):
        want = target[bar - 1]
        if want == filled and due > bar and not (restore or locked):  # most bars, for which this is enough
            if held == 0.0:
                equity[bar] = cash
                continue
            value, size = cash + held * ends[bar], abs(held)
            alarm = alarm_long[bar] if held > 0.0 else alarm_short[bar]
            if value > 0.0 and cash + held * alarm > alarm_margin * size * alarm:
                equity[bar] = value
                restore = size * ends[bar] > rates.rebalance_leverage * value
                continue
        opened, close = opens[bar], ends[bar]
        if locked:  # until the target changes to a non-zero value; the earliest liquidation is in bar 1
            locked = want in (0.0, target[bar - 2])
            want = 0.0 if locked else want
        while due <= bar and (due < bar or not funding_within[event]):
            if held != 0.0:
                cash -= held * per_unit[event]
                _record(journal, count, bar, held, _funding(held, per_unit[event]), cash)
                count += 1
            event += 1
            due = funding_bar[event]
        at_open = cash + held * opened
        acts = want != filled or restore or at_open <= 0.0
        if acts and (opened != close or _fills_at(opened, highs[bar], lows[bar], volumes[bar])):
            if count - event > room:
                return 0, count
            order = _order_at_open(at_open, held, opened, want, want != filled, rates)
            if order.new_units != held:
                cash = _cash_after(cash, held, order)
                _record(journal, count, bar, held, order, cash)
                held, count = order.new_units, count + 1
            filled, restore = want, False
        while due == bar:
            if held != 0.0:
                cash -= held * per_unit[event]
                _record(journal, count, bar, held, _funding(held, per_unit[event]), cash)
                count += 1
            event += 1
            due = funding_bar[event]
        worst = worst_long[bar] if held > 0.0 else worst_short[bar]
        called = held != 0.0 and cash + held * worst <= rates.maintenance_margin * abs(held) * worst
        if called and (opened != close or _fills_at(opened, highs[bar], lows[bar], volumes[bar])):
            order = _forced(worst, rates.liquidation_fee, LIQUIDATION)
            cash = _cash_after(cash, held, order)
            _record(journal, count, bar, held, order, cash)
            held, filled, count, locked, restore = 0.0, 0.0, count + 1, True, False
        value = cash + held * close
        equity[bar] = value
        if value <= 0.0:
            if held != 0.0:
                _record(journal, count, bar, held, _forced(close, 0.0, RUIN), value)
                count += 1
            return bar, count
        restore = restore or abs(held * close) > rates.rebalance_leverage * value
    return target.size - 1, count


def simulate(market: Market, target: FloatArray, rates: Rates, initial_capital: float) -> Run:
    """Return equity and journal of an account that follows `target`.

    Args:
        market: arrays of n bars.
        target: float[n], share of equity decided at each close, filled at the next open.
        rates: costs and limits.
        initial_capital: equity before the first bar, quote currency.
    """
    equity, last = empty(target.size), 0
    room = target.size // BARS_PER_FILL + MOST_FILLS_IN_A_BAR + market.funding_bar.size
    while last == 0:
        journal = empty(room * JOURNAL_FIELDS).reshape(room, JOURNAL_FIELDS)
        last, count = _follow(market, target, rates, initial_capital, equity, journal)
        room *= 2
    equity[last:] = equity[last]
    return Run(equity, journal[:count])
