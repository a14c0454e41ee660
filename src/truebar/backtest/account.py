"""The rules of the simulated account, compiled: from targets to equity and journal (METHOD §3, Engine).

One loop holds the account's few numbers in registers; each rule is a function of numbers beside it. Passing
arrays to a function in each bar would count references, at ten times the loop's cost. `truebar.backtest.run`
brings the account through a market; round trips are made from the journal afterwards
(`truebar.backtest.trips`). `tests/unit/backtest/reference.py` is the same engine
in plain Python.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from truebar.arrays import BoolArray, FloatArray, IntArray
from truebar.compiled import compiled_as_numpy, compiled_in_place

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

# Fields of the state of an account between two bars.
CASH_NOW: Final = 0
HELD_NOW: Final = 1  # units, signed
FILLED: Final = 2  # target that was acted on last
ROWS: Final = 3  # of the journal
EVENTS: Final = 4  # of funding that are past
LOCKED: Final = 5  # after a liquidation, until another target
RESTORE: Final = 6  # the target's size at the next open
STATE_FIELDS: Final = 7

MOST_FILLS_IN_A_BAR: Final = 3  # at the open, a liquidation, ruin
ROUNDING: Final = 1e-8


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


@compiled_in_place
def _fills_at(price: float, high: float, low: float, volume: float) -> bool:
    """Return whether anything can fill in a bar that opens and closes at `price`: whether any traded."""
    return volume != 0.0 or not (price == high == low)


@compiled_in_place
def cash_flow(traded: float, price: float, fee: float) -> float:
    """Return the cash that `traded` units at `price` bring in, after the fee.

    Closing what is held and opening the other side at one price are the same as trading the difference.
    """
    return -(traded * price + abs(traded) * price * fee)


@compiled_in_place
def closes(held: float, new_units: float) -> bool:
    """Return whether a change of units ends the position held: an exit or a flip."""
    return held != 0.0 and new_units * held <= 0.0


@compiled_in_place
def _reason(held: float, new_units: float) -> int:
    """Return why units change from `held` to `new_units` because the target did."""
    if held == 0.0:
        return ENTRY
    if new_units == 0.0:
        return EXIT
    return FLIP if held * new_units < 0.0 else RESIZE


@compiled_in_place
def _order_at_open(
    equity: float, held: float, price: float, want: float, changed: bool, rates: Rates
) -> Order:
    """Return the order at a tradable open: fill a changed target, or restore the size of an unchanged one."""
    if equity <= 0.0 and held != 0.0:
        return Order(0.0, price, price, rates.liquidation_fee, LIQUIDATION)
    new_units = want * equity / price
    moved = 1.0 + rates.slippage if new_units > held else 1.0 - rates.slippage
    reason = _reason(held, new_units) if changed else REBALANCED
    return Order(new_units, price, price * moved, rates.fee, reason)


@compiled_in_place
def _forced(price: float, fee: float, reason: int) -> Order:
    """Return the order that closes everything at a price."""
    return Order(0.0, price, price, fee, reason)


@compiled_in_place
def _funding(held: float, per_unit: float) -> Order:
    """Return the row of the journal that a payment of funding makes: no units change hands."""
    return Order(held, per_unit, per_unit, 0.0, FUNDING)


@compiled_in_place
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


@compiled_in_place
def _hold(
    bars: tuple[int, int], wanted: tuple[FloatArray, float], cash: float, held: float,
    prices: tuple[FloatArray, FloatArray], rates: Rates, equity: FloatArray,
) -> tuple[int, bool]:  # fmt: skip
    """Write the equity of bars while the target is the same; return where it ends, and if all were quiet.

    Quiet is a bar in which nothing else can happen: no margin call, no size to restore, no ruin.
    """
    (target, filled), (closes, alarms), bar = wanted, prices, bars[0]
    size, quiet = abs(held), 0
    alarm_margin = (rates.maintenance_margin + ROUNDING) * size  # a low may be above the open by rounding
    while bar < bars[1] and target[bar - 1] == filled:
        value = cash + held * closes[bar]
        equity[bar] = value
        is_safe = (value > 0.0) & (cash + held * alarms[bar] > alarm_margin * alarms[bar])
        quiet += is_safe & (size * closes[bar] <= rates.rebalance_leverage * value)
        bar += 1
    return bar, quiet == bar - bars[0]


@compiled_in_place
def _hold_nothing(
    bars: tuple[int, int], wanted: tuple[FloatArray, float], cash: float, equity: FloatArray
) -> int:
    """Write the equity of bars while the target is the same and nothing is held; return where that ends."""
    (target, filled), bar = wanted, bars[0]
    while bar < bars[1] and target[bar - 1] == filled:
        equity[bar] = cash
        bar += 1
    return bar


@compiled_as_numpy
def follow(  # noqa: PLR0912, PLR0915 - cut up, it would pass a dozen arrays to a function at each fill
    market: Market, target: FloatArray, rates: Rates, state: FloatArray, bars: tuple[int, int],
    equity: FloatArray, journal: FloatArray,
) -> int:  # fmt: skip
    """Bring the account in `state` through the bars from the first to before the last; write equity, journal.

    Args:
        market: arrays of n bars.
        target: float[n], share of equity decided at each close, filled at the next open.
        rates: costs and limits.
        state: float[STATE_FIELDS] after the bar before the first; afterwards, after the last one.
        bars: the first, at least 1, and the one after the last.
        equity: float[n].
        journal: float[room, JOURNAL_FIELDS], with room for MOST_FILLS_IN_A_BAR more rows a bar and one for
            each funding event.

    Returns:
        The bar in which the account was ruined, or n.
    """
    opens, highs, lows, ends, volumes = market[:5]
    worst_long, worst_short, alarm_long, alarm_short, funding_bar, funding_within, per_unit = market[5:]
    cash, held, filled = state[CASH_NOW], state[HELD_NOW], state[FILLED]
    count, event = int(state[ROWS]), int(state[EVENTS])
    locked, restore = state[LOCKED] != 0.0, state[RESTORE] != 0.0
    due = funding_bar[event]
    ruined, bar, careful = target.size, bars[0], 0
    while bar < bars[1]:
        # Most bars lie in stretches of one target in which nothing happens. Which side is held is read from
        # the target, which is known long before the units: a wrong guess of the processor then costs little.
        if not (restore or locked) and bar >= careful:
            stretch, wanted, end = (bar, min(due, bars[1])), (target, filled), bar
            if filled > 0.0:
                end, is_quiet = _hold(stretch, wanted, cash, held, (ends, alarm_long), rates, equity)
                is_quiet = is_quiet and held > 0.0
            elif filled < 0.0:
                end, is_quiet = _hold(stretch, wanted, cash, held, (ends, alarm_short), rates, equity)
                is_quiet = is_quiet and held < 0.0
            else:
                end, is_quiet = _hold_nothing(stretch, wanted, cash, equity), held == 0.0
            if is_quiet and end == bars[1]:
                break
            if is_quiet:
                bar = end
            else:
                careful = end  # bar by bar, lest a long stretch be tried again at each
        want = target[bar - 1]
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
            order = _order_at_open(at_open, held, opened, want, want != filled, rates)
            if order.new_units != held:
                cash += cash_flow(order.new_units - held, order.price, order.fee)
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
        # One comparison for either side or none: after a fill a branch on the side cannot be foreseen. A long
        # position has least left at the lowest price, a short one at the highest.
        margin = rates.maintenance_margin * abs(held)
        left_low = cash + held * worst_long[bar] - margin * worst_long[bar]
        left_high = cash + held * worst_short[bar] - margin * worst_short[bar]
        called = min(left_low, left_high) <= 0.0 and held != 0.0
        if called and (opened != close or _fills_at(opened, highs[bar], lows[bar], volumes[bar])):
            worst = worst_long[bar] if held > 0.0 else worst_short[bar]
            order = _forced(worst, rates.liquidation_fee, LIQUIDATION)
            cash += cash_flow(-held, order.price, order.fee)
            _record(journal, count, bar, held, order, cash)
            held, filled, count, locked, restore = 0.0, 0.0, count + 1, True, False
        value = cash + held * close
        equity[bar] = value
        if value <= 0.0:
            if held != 0.0:
                _record(journal, count, bar, held, _forced(close, 0.0, RUIN), value)
                count += 1
            ruined = bar
            break
        restore = restore or abs(held * close) > rates.rebalance_leverage * value
        bar += 1
    state[CASH_NOW], state[HELD_NOW], state[FILLED] = cash, held, filled
    state[ROWS], state[EVENTS], state[LOCKED], state[RESTORE] = count, event, locked, restore
    return ruined
