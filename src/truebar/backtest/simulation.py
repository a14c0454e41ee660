"""Bring an account through a market chunk by chunk, each looked through while the cache still holds it."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from truebar.arrays import FloatArray
from truebar.backtest.account import (
    CASH_NOW,
    JOURNAL_FIELDS,
    MOST_FILLS_IN_A_BAR,
    ROWS,
    STATE_FIELDS,
    Market,
    Rates,
    follow,
)
from truebar.backtest.memory import empty
from truebar.bars import are_possible
from truebar.compiled import compiled
from truebar.errors import CorruptDataError

CHUNK_ROWS: Final = 8_192
"""Bars that are checked and then followed: 64 KiB of each column."""

BARS_PER_FILL: Final = 8
"""One row for so many bars is what the journal has room for at first."""


class Run(NamedTuple):
    """What an account did: equity float[n] at each close, and its journal float[rows, JOURNAL_FIELDS]."""

    equity: FloatArray
    journal: FloatArray


class Bounds(NamedTuple):
    """Least and most share of equity that a target may be."""

    least: float
    most: float


EITHER_SIDE: Final = Bounds(-1.0, 1.0)


def simulate(market: Market, target: FloatArray, rates: Rates, initial_capital: float) -> Run:
    """Return what an account that follows `target` does; for prices and targets that have been checked.

    Args:
        market: arrays of n bars.
        target: float[n], share of equity decided at each close, filled at the next open.
        rates: costs and limits.
        initial_capital: equity before the first bar, quote currency.

    Raises:
        CorruptDataError: for a price or a target that is not possible.
    """
    run = simulate_unchecked(market, target, rates, initial_capital, EITHER_SIDE)
    if run is None:
        raise CorruptDataError(
            "a price or target of the simulated account is not possible: expected positive prices within "
            "their bars and targets in [-1, 1]. Read them with market_arrays and checked_target."
        )
    return run


def simulate_unchecked(
    market: Market, target: FloatArray, rates: Rates, initial_capital: float, bounds: Bounds
) -> Run | None:
    """Return what an account does, or None where a price is not possible or a target out of bounds.

    What of it is wrong says who knows where it came from (`checked_prices`, `checked_target`).
    """
    equity, state = empty(target.size), np.zeros(STATE_FIELDS)
    room = target.size // BARS_PER_FILL + MOST_FILLS_IN_A_BAR * CHUNK_ROWS + market.funding_bar.size
    journal = empty(room * JOURNAL_FIELDS).reshape(room, JOURNAL_FIELDS)
    state[CASH_NOW] = equity[0] = initial_capital
    is_possible, journal = _simulate(market, target, rates, bounds, state, equity, journal)
    return Run(equity, journal[: int(state[ROWS])]) if is_possible else None


@compiled
def _simulate(
    market: Market, target: FloatArray, rates: Rates, bounds: Bounds, state: FloatArray,
    equity: FloatArray, journal: FloatArray,
) -> tuple[bool, FloatArray]:  # fmt: skip
    """Return whether all input is possible, and the journal, longer than the given one where it needs be."""
    opens, highs, lows, closes, _ = market[:5]
    bars = over = target.size
    for begin in range(0, bars, CHUNK_ROWS):
        first, last = max(begin, 1), min(begin + CHUNK_ROWS, bars)
        here = slice(begin, last)
        if not are_possible(opens[here], highs[here], lows[here], closes[here]):
            return False, journal
        if not are_within(target[here], bounds.least, bounds.most):
            return False, journal
        if over < bars:  # ruined: nothing comes after it, but what is wrong is still found
            continue
        needed = int(state[ROWS]) + MOST_FILLS_IN_A_BAR * CHUNK_ROWS + market.funding_bar.size
        if journal.shape[0] < needed:
            longer = np.empty((2 * needed, JOURNAL_FIELDS))
            longer[: journal.shape[0]] = journal
            journal = longer
        over = follow(market, target, rates, state, (first, last), equity, journal)
    equity[over:] = equity[min(over, bars - 1)]
    return True, journal


@compiled
def are_within(target: FloatArray, least: float, most: float) -> bool:
    """Return whether every target is within its bounds; NaN is not."""
    good = 0
    for row in range(target.size):
        good += (least <= target[row]) & (target[row] <= most)
    return good == target.size
