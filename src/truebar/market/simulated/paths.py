"""Draws of what may happen in the bars ahead, the same for every row (METHOD §8, oracle)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

from truebar.arrays import FloatArray
from truebar.market.simulated import parameters as given
from truebar.market.simulated.states import variance_factor


class Lattice(NamedTuple):
    """A Korobov lattice.

    Attributes:
        pairs: antithetic pairs of points; a prime, so that coordinates differ for 500 bars and more.
        generator: primitive root of `pairs`.
    """

    pairs: int
    generator: int


SHORT: Final = Lattice(2_039, 1_846)
"""Has little worst-case error (P2) in 6, 14 and 62 dimensions."""

LONG: Final = Lattice(8_191, 1_220)
"""Of six random roots, shifted as below, the one that errs least at 32 bars, in 40 rows of one market."""

SHORT_HORIZON_BARS: Final = 8
"""Up to so many bars ahead the short lattice errs by less than 0.005."""

SHIFT_SEED: Final = 1
"""Of eight shifts the one with which the short lattice errs least at 4, 8 and 32 bars, on one market."""


@dataclass(frozen=True, eq=False)
class Paths:
    """Draws for h bars ahead; the last bar's shock is not among them: its distribution is known.

    Attributes:
        push: float64[h, paths], part of x before each bar that the flow drawn on the way adds to.
        shock: float64[h - 1, paths], epsilon of each bar but the last.
        factor: float64[h - 1, paths], what the variance is multiplied by after each.
        fast: float64[h], weight of a in x before each bar.
        slow: float64[h], weight of b.
    """

    push: FloatArray
    shock: FloatArray
    factor: FloatArray
    fast: FloatArray
    slow: FloatArray


def draw_paths(horizon_bars: int) -> Paths:
    """Return the paths of `horizon_bars` bars: 4,078 to 8 bars, 16,382 beyond, the only one for a single bar.

    The points are a shifted Korobov lattice (Korobov 1959; Sloan & Joe 1994) and its mirror image, so that
    each shock has its own distribution almost exactly. Root mean square and largest error of a probability,
    against 400,000 plain draws for each of 30 rows (`benchmarks/oracle.py`), with their noise of 0.0006:
    0.0007 and 0.0018 at 4 bars, 0.0016 and 0.004 at 8, 0.0010 and 0.0026 at 32. This departs from the 512
    paths of METHOD §8, whose largest error, drawn independently, is 0.02.
    """
    steps = horizon_bars - 1
    lattice = SHORT if horizon_bars <= SHORT_HORIZON_BARS else LONG
    points = _points(lattice, 2 * steps) if steps else np.empty((0, 1))
    shock = stdtrit(given.DEGREES, points[:steps]) * given.SHOCK_SCALE
    flow = ndtri(points[steps:])
    fast, slow = np.zeros((2, horizon_bars, points.shape[1]))
    for step in range(steps):
        fast[step + 1] = given.FAST_MEMORY * fast[step] + given.FAST_WEIGHT * flow[step]
        slow[step + 1] = given.SLOW_MEMORY * slow[step] + given.SLOW_WEIGHT * flow[step]
    ahead = np.arange(horizon_bars, dtype=np.float64)
    return Paths(
        push=given.FAST_SHARE * fast - given.SLOW_SHARE * slow,
        shock=shock,
        factor=variance_factor(shock),
        fast=given.FAST_SHARE * np.power(given.FAST_MEMORY, ahead),
        slow=given.SLOW_SHARE * np.power(given.SLOW_MEMORY, ahead),
    )


def _points(lattice: Lattice, dimensions: int) -> FloatArray:
    """Return float64[dimensions, 2 * pairs], points spread evenly in (0, 1), mirror images at the end."""
    pairs = lattice.pairs
    steps = np.array([pow(lattice.generator, power, pairs) for power in range(dimensions)], dtype=np.int64)
    # To the middle of a cell: a point beside 0 is a shock of ten sigmas that no other one balances.
    cells = np.floor(np.random.default_rng(SHIFT_SEED).random(dimensions) * pairs)
    shift = (cells + 0.5) / pairs
    points = (np.outer(steps, np.arange(pairs)) % pairs / pairs + shift[:, None]) % 1.0
    return np.concatenate((points, 1.0 - points), axis=1)
