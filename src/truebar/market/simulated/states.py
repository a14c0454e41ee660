"""The hidden states of a synthetic market, bar by bar: variance and memories of flow (METHOD §8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from truebar.arrays import FloatArray
from truebar.compiled import compiled
from truebar.market.simulated import parameters as given


@dataclass(frozen=True, eq=False)
class Shocks:
    """What is drawn for each bar, float64[n] each.

    Attributes:
        price: epsilon, standardised Student t with 5 degrees.
        flow: u, standard normal.
        trades: standard normal, for the number of trades.
    """

    price: FloatArray
    flow: FloatArray
    trades: FloatArray


@dataclass(frozen=True, eq=False)
class States:
    """States at the close of each bar and before it, float64[n + 1]: row 0 is known before the first bar.

    Attributes:
        variance: v of the bar that comes next, before the season, squared log return.
        fast: a, memory of flow.
        slow: b, memory of flow.
        trades: q, what trades are divided by, as a logarithm in units of its spread.
    """

    variance: FloatArray
    fast: FloatArray
    slow: FloatArray
    trades: FloatArray

    @property
    def signal(self) -> FloatArray:
        """Return x, the informed push on the return of the bar that comes next, in its sigmas, over A."""
        return given.FAST_SHARE * self.fast - given.SLOW_SHARE * self.slow

    def after(self, bars: int) -> States:
        """Return the states from the close of bar `bars` on, the first bars counting as burn-in."""
        return States(self.variance[bars:], self.fast[bars:], self.slow[bars:], self.trades[bars:])


def evolve(shocks: Shocks, timeframe: str) -> States:
    """Return the states that the shocks of consecutive bars lead to, from the base variance and no flow.

    v' = omega + (0.05 + 0.04 * 1[epsilon < 0]) * v * epsilon² + 0.92 v, at most 25 times its base.
    """
    quiet_weight = float(np.sqrt(1 - given.TRADES_MEMORY**2))
    base = given.base_variance(timeframe)
    factor = variance_factor(shocks.price)
    return States(
        variance=_variances(factor, base, given.BASE_SHARE * base, given.CAP * base),
        fast=_memory(shocks.flow, given.FAST_MEMORY, given.FAST_WEIGHT),
        slow=_memory(shocks.flow, given.SLOW_MEMORY, given.SLOW_WEIGHT),
        trades=_memory(shocks.trades, given.TRADES_MEMORY, quiet_weight),
    )


def variance_factor(shock: FloatArray) -> FloatArray:
    """Return what the variance of a bar is multiplied by, besides omega, after each shock."""
    return given.GARCH + (given.ARCH + given.LEVERAGE * (shock < 0)) * shock**2


@compiled
def _variances(factor: FloatArray, first: float, omega: float, cap: float) -> FloatArray:
    """Return float64[n + 1], the variance before each bar and after the last."""
    variance = np.empty(factor.size + 1)
    variance[0] = first
    for row in range(factor.size):
        variance[row + 1] = min(omega + factor[row] * variance[row], cap)
    return variance


@compiled
def _memory(shock: FloatArray, kept: float, weight: float) -> FloatArray:
    """Return float64[n + 1], an autoregression of order one from zero."""
    memory = np.zeros(shock.size + 1)
    for row in range(shock.size):
        memory[row + 1] = kept * memory[row] + weight * shock[row]
    return memory
