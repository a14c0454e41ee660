"""The numbers of METHOD §8, and what follows from them."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.units import BARS_PER_YEAR, bars_per_day

STRENGTHS: Final = {"SYN-EDGE": 0.25, "SYN-NULL": 0.0}
"""A of each market: share of a standard deviation that informed flow adds to the next return."""

BURN_IN_BARS: Final = 500
HALT_BARS: Final = (6, 20)

DEGREES: Final = 5
"""Degrees of freedom of Student's t, of which the shocks are drawn."""

SHOCK_SCALE: Final = math.sqrt((DEGREES - 2) / DEGREES)
"""Brings Student's t to a variance of one."""

ARCH: Final = 0.05
LEVERAGE: Final = 0.04
"""Added to `ARCH` after a negative shock."""

GARCH: Final = 0.92
BASE_SHARE: Final = 1 - ARCH - LEVERAGE / 2 - GARCH
"""omega in units of the base variance, so that the base is the mean of the variance without its cap."""

CAP: Final = 25.0
"""Largest variance, in units of the base."""

YEARLY_VOLATILITY: Final = 1.0

SEASON_SWING: Final = 0.35
SEASON_PHASE: Final = -1.0

FAST_MEMORY: Final = 0.8
FAST_WEIGHT: Final = 0.6
SLOW_MEMORY: Final = 0.97
SLOW_WEIGHT: Final = math.sqrt(1 - SLOW_MEMORY**2)
WEAR: Final = 0.8
"""Share of the slow memory that is taken off the fast one: what was bought wears off."""

SHARE_OF_SHOCK: Final = 0.08
SHARE_OF_FLOW: Final = 0.13
SHOCK_LIMIT: Final = 4.0
"""Beyond it a shock moves the takers' share no further."""

OPEN_SPREAD: Final = 0.02
"""Deviation of the open from the close before, in units of sigma."""

BRIDGE_STEPS: Final = 8
MEAN_VOLUME: Final = 1_000.0
VOLUME_SPREAD: Final = 0.4
QUIET_VOLUME: Final = 0.3
TRADES_SPREAD: Final = 0.35
TRADES_MEMORY: Final = 0.9

FIRST_PRICE: Final = 100.0
"""Close before the first bar, quote currency."""


def _signal_deviation() -> float:
    """Return the stationary standard deviation of a - WEAR * b; a and b have variance one."""
    covariance = FAST_WEIGHT * SLOW_WEIGHT / (1 - FAST_MEMORY * SLOW_MEMORY)
    return math.sqrt(1 + WEAR**2 - 2 * WEAR * covariance)


FAST_SHARE: Final = 1 / _signal_deviation()
SLOW_SHARE: Final = WEAR / _signal_deviation()
"""x = FAST_SHARE * a - SLOW_SHARE * b has variance one."""


def base_variance(timeframe: str) -> float:
    """Return the base of the variance per bar, squared log return.

    >>> round(base_variance("15m") ** 0.5, 5)
    0.00534
    """
    return YEARLY_VOLATILITY**2 / BARS_PER_YEAR[timeframe]


def season(timeframe: str) -> FloatArray:
    """Return s by slot, the factor of sigma at each time of the day, with mean square one.

    >>> float((season("15m") ** 2).mean().round(12))
    1.0
    """
    slots = bars_per_day(timeframe)
    factor = np.exp(SEASON_SWING * np.sin(2 * np.pi * np.arange(slots) / slots + SEASON_PHASE))
    return np.asarray(factor / np.sqrt(np.mean(factor**2)))
