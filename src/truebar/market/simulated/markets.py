"""Synthetic markets by name: SYN-EDGE with a planted signal of known size, SYN-NULL without one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pandas as pd

from truebar.arrays import IntArray
from truebar.counts import whole_number
from truebar.errors import ConfigurationError
from truebar.market.simulated import parameters as given
from truebar.market.simulated.klines import klines
from truebar.market.simulated.states import Shocks, States, evolve
from truebar.times import nanoseconds
from truebar.units import BARS_PER_YEAR, bars_per_day, timeframe_nanoseconds, validate_timeframe

FIRST_OPEN: Final = datetime(2024, 1, 1, tzinfo=UTC)
"""Where synthetic history begins by default; there is no clock in it."""

MIN_BARS: Final = 10
MAX_BARS: Final = 10_000_000
MAX_STRENGTH: Final = 1.0
MAX_DRIFT_PER_YEAR: Final = 5.0


@dataclass(frozen=True, eq=False)
class SyntheticMarket:
    """A generated market and the states behind it.

    Attributes:
        name: SYN-EDGE or SYN-NULL.
        timeframe: of the bars.
        seed: what every shock was drawn from.
        strength: A, the planted signal.
        drift_per_year: log return that every bar has its share of.
        bars: n klines with `truebar.market.KLINE_COLUMNS`; two stretches of bars are missing (halts).
        states: one row per bar, known at its close: v (variance of the next bar's log return before the
            season), a and b (memories of flow), slot (time of day, in bars, at which the next bar opens
            unless the market halts).
    """

    name: str
    timeframe: str
    seed: int
    strength: float
    drift_per_year: float
    bars: pd.DataFrame
    states: pd.DataFrame

    @property
    def drift_per_bar(self) -> float:
        """Log return that every bar has besides signal and shock."""
        return self.drift_per_year / BARS_PER_YEAR[self.timeframe]


def synthetic(
    name: str,
    *,
    seed: int,
    n_bars: int,
    timeframe: str = "15m",
    start: datetime = FIRST_OPEN,
    drift_per_year: float = 0.0,
    **strength: float,
) -> SyntheticMarket:
    """Return the synthetic market that `name` and `seed` define (METHOD §8).

    The log return of a bar is sigma * (A * x + epsilon) plus the drift; x, sigma and the states behind them
    are known at the close before. The same seed gives the same shocks whatever A and the drift are.

    Args:
        name: SYN-EDGE (A = 0.25) or SYN-NULL (A = 0).
        seed: not negative.
        n_bars: bars to return, 10 to 10,000,000. Halts of 6 and 20 bars, before bars that the seed draws,
            stretch them over n_bars + 26 places of the time grid; no state moves in a halt.
        timeframe: length of a bar.
        start: open time of the first bar, on the timeframe's grid; naive is UTC.
        drift_per_year: log return per year, -5 to 5.
        strength: `A`, 0 to 1, of SYN-EDGE.

    There is no warm-up: 500 bars of burn-in are drawn and dropped. Nothing is missing in the bars returned.

    Raises:
        ConfigurationError: for another name, a keyword other than A, or an argument out of bounds.
        UnknownTimeframeError: for a timeframe outside the fixed list.

    >>> market = synthetic("SYN-EDGE", seed=7, n_bars=100, A=0.1)
    >>> len(market.bars), market.strength, list(market.states)
    (100, 0.1, ['v', 'a', 'b', 'slot'])
    """
    validate_timeframe(timeframe)
    planted = _strength(name, strength)
    seed = whole_number("seed", seed, 0)
    n_bars = whole_number("n_bars", n_bars, MIN_BARS, MAX_BARS)
    _check_drift(drift_per_year)
    shock_source, flow_source, trade_source, inside, halt_source = np.random.default_rng(seed).spawn(5)
    length = given.BURN_IN_BARS + n_bars
    drawn = Shocks(
        price=shock_source.standard_t(given.DEGREES, length) * given.SHOCK_SCALE,
        flow=flow_source.standard_normal(length),
        trades=trade_source.standard_normal(length),
    )
    states = evolve(drawn, timeframe).after(given.BURN_IN_BARS)
    shocks = Shocks(*(values[given.BURN_IN_BARS :] for values in (drawn.price, drawn.flow, drawn.trades)))
    open_time = _open_times(start, n_bars, timeframe, halt_source)
    slot = open_time // timeframe_nanoseconds(timeframe) % bars_per_day(timeframe)
    sigma = given.season(timeframe)[slot] * np.sqrt(states.variance[:-1])
    drift = drift_per_year / BARS_PER_YEAR[timeframe]
    log_return = sigma * (planted * states.signal[:-1] + shocks.price) + drift
    _check_prices(log_return)
    bars = klines(states, shocks, sigma, log_return, open_time=open_time, timeframe=timeframe, inside=inside)
    table = _state_table(states, (slot + 1) % bars_per_day(timeframe))
    return SyntheticMarket(name, timeframe, seed, planted, drift_per_year, bars, table)


def _state_table(states: States, next_slot: IntArray) -> pd.DataFrame:
    """Return the states at the close of each bar."""
    columns = {"v": states.variance[1:], "a": states.fast[1:], "b": states.slow[1:], "slot": next_slot}
    return pd.DataFrame(columns)


def _strength(name: str, strength: dict[str, float]) -> float:
    if name not in given.STRENGTHS:
        raise ConfigurationError(
            f"synthetic market {name!r} is unknown; expected {' or '.join(given.STRENGTHS)}."
        )
    unknown = sorted(set(strength) - {"A"})
    if unknown:
        raise ConfigurationError(f"strength {', '.join(unknown)} is unknown; the one of METHOD §8 is A.")
    planted = float(strength.get("A", given.STRENGTHS[name]))
    if not 0 <= planted <= MAX_STRENGTH:
        raise ConfigurationError(f"A is {planted}; expected a number from 0 to {MAX_STRENGTH:g}.")
    if name == "SYN-NULL" and planted != 0:
        raise ConfigurationError(f"SYN-NULL has no signal, but A is {planted}; take SYN-EDGE for one.")
    return planted


def _check_drift(drift_per_year: float) -> None:
    if not (math.isfinite(drift_per_year) and abs(drift_per_year) <= MAX_DRIFT_PER_YEAR):
        raise ConfigurationError(
            f"drift_per_year is {drift_per_year}; expected a log return from {-MAX_DRIFT_PER_YEAR:g} to "
            f"{MAX_DRIFT_PER_YEAR:g}."
        )


def _check_prices(log_return: np.ndarray) -> None:
    """Refuse a history so long that its prices leave the range of numbers."""
    furthest = float(np.abs(np.cumsum(log_return)).max())
    if furthest > 500:
        raise ConfigurationError(
            f"prices move by a log return of {furthest:.0f}, beyond what a number holds; ask for fewer bars, "
            "or a smaller drift."
        )


def _open_times(start: datetime, n_bars: int, timeframe: str, generator: np.random.Generator) -> IntArray:
    """Return int64[n_bars] nanoseconds with two halts, before two different bars other than the first."""
    step = timeframe_nanoseconds(timeframe)
    first = int(nanoseconds([start], "start")[0])
    if first % step:
        raise ConfigurationError(f"start is {start}, not on the {timeframe} grid from 1970-01-01 UTC.")
    skipped = np.zeros(n_bars, dtype=np.int64)
    skipped[1 + generator.choice(n_bars - 1, len(given.HALT_BARS), replace=False)] = given.HALT_BARS
    places = np.arange(n_bars) + np.cumsum(skipped)
    if first + (int(places[-1]) + 1) * step > np.iinfo(np.int64).max:
        raise ConfigurationError(
            f"{n_bars:,} bars of {timeframe} from {start} end after the year 2262; ask for fewer bars."
        )
    return np.asarray(first + places * step, dtype=np.int64)
