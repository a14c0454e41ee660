"""What the hidden states say about the return over the bars ahead (METHOD §8, oracle)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.polynomial import chebyshev

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled
from truebar.market.simulated import parameters as given
from truebar.market.simulated.markets import SyntheticMarket
from truebar.market.simulated.paths import Paths, draw_paths

PATHS_AT_ONCE: Final = 512
"""Paths of one pass over the rows; their states stay in the nearest cache."""

SERIES_TERMS: Final = 8


@dataclass(frozen=True, eq=False)
class Outlook:
    """What is known at the close of each bar about the log return R over the horizon, float64[n] each.

    Attributes:
        up: P(R > tau).
        down: P(R < -tau).
        expected_return: E[R].
    """

    up: FloatArray
    down: FloatArray
    expected_return: FloatArray


class _Market(NamedTuple):
    """The market's numbers, in the form that compiled code takes."""

    strength: float
    drift: float
    omega: float
    cap: float
    season: FloatArray


class _Rows(NamedTuple):
    """States and thresholds of the rows, float64[n] or int64[n] each."""

    variance: FloatArray
    fast: FloatArray
    slow: FloatArray
    slot: IntArray
    tau: FloatArray


def look_ahead(market: SyntheticMarket, tau: FloatArray, horizon_bars: int) -> Outlook:
    """Return the outlook of every row, given its states, if the market never halts.

    Args:
        market: n bars.
        tau: float64[n], threshold of the log return, known at each close; not negative. NaN gives NaN.
        horizon_bars: h.

    h - 1 bars are drawn (`draw_paths`), the last is taken by the distribution function: one bar is exact.
    Beyond it that function is a polynomial within 0.000004.
    """
    base = given.base_variance(market.timeframe)
    numbers = _Market(
        market.strength,
        market.drift_per_bar,
        given.BASE_SHARE * base,
        given.CAP * base,
        given.season(market.timeframe),
    )
    state = market.states
    variance, fast, slow, slot = (state[name].to_numpy() for name in ("v", "a", "b", "slot"))
    rows = _Rows(variance, fast, slow, slot, np.ascontiguousarray(tau))
    paths = draw_paths(horizon_bars)
    if horizon_bars == 1:
        return _one_bar(numbers, rows, paths)
    up, down, expected = np.zeros((3, tau.size))
    series = _series()
    count = paths.push.shape[1]
    stir = market.strength * paths.push[:-1] + paths.shock
    for first in range(0, count, PATHS_AT_ONCE):
        part = slice(first, first + PATHS_AT_ONCE)
        _add_paths(
            numbers,
            rows,
            np.ascontiguousarray(market.strength * paths.push[-1, part]),
            np.ascontiguousarray(stir[:, part]),
            np.ascontiguousarray(paths.factor[:, part]),
            market.strength * paths.fast,
            market.strength * paths.slow,
            series,
            up,
            down,
            expected,
        )
    return Outlook(0.5 + up / count, 0.5 + down / count, expected / count)


def _one_bar(market: _Market, rows: _Rows, paths: Paths) -> Outlook:
    """Return the outlook over one bar, exact."""
    sigma = market.season[rows.slot] * np.sqrt(rows.variance)
    push = market.strength * (paths.fast[0] * rows.fast - paths.slow[0] * rows.slow)
    expected = market.drift + sigma * push
    return Outlook(
        up=shock_distribution((expected - rows.tau) / sigma),
        down=shock_distribution((-rows.tau - expected) / sigma),
        expected_return=expected,
    )


def shock_distribution(shock: FloatArray) -> FloatArray:
    """Return P(epsilon < shock) of the standardised Student t with 5 degrees, exact.

    With theta = arctan(t / √5): 1/2 + (theta + sin theta · (cos theta + 2/3 cos³ theta)) / pi
    (Abramowitz & Stegun 1964, 26.7.3). NaN stays NaN.

    >>> shock_distribution(np.array([0.0])).tolist()
    [0.5]
    """
    angle = np.arctan(shock / (given.SHOCK_SCALE * math.sqrt(given.DEGREES)))
    return 0.5 + _beyond_half(angle)


def _beyond_half(angle: FloatArray) -> FloatArray:
    cosine = np.cos(angle)
    return np.asarray((angle + np.sin(angle) * (cosine + 2 / 3 * cosine**3)) / np.pi)


def _series() -> tuple[float, ...]:
    """Return the odd coefficients of `shock_distribution` - 1/2 as a polynomial in sin theta.

    It needs no arctan, so that the loop over paths runs in vector instructions, eight times as fast.
    """
    nodes = chebyshev.chebpts1(2 * SERIES_TERMS)
    coefficients = chebyshev.chebfit(nodes, _beyond_half(np.arcsin(nodes)), nodes.size - 1)
    coefficients[0::2] = 0.0
    return tuple(float(value) for value in chebyshev.cheb2poly(coefficients)[1::2])


@compiled
def _odd(x: float, series: tuple[float, ...]) -> float:
    """Return the odd polynomial with these eight coefficients at x."""
    y = x * x
    high = series[4] + y * (series[5] + y * (series[6] + y * series[7]))
    return x * (series[0] + y * (series[1] + y * (series[2] + y * (series[3] + y * high))))


@compiled
def _add_paths(
    market: _Market,
    rows: _Rows,
    push: FloatArray,
    stir: FloatArray,
    factor: FloatArray,
    fast: FloatArray,
    slow: FloatArray,
    series: tuple[float, ...],
    up: FloatArray,
    down: FloatArray,
    expected: FloatArray,
) -> None:
    """Add to each row the sums over paths of P(up) - 1/2, P(down) - 1/2 and E[R].

    E[R] leaves the draws of shock and flow out: they are independent of sigma and have the mean zero.
    Each loop over paths is one that the compiler turns into vector instructions: no sum in it, and
    np.divide, because / asks whether the divisor is zero.
    """
    steps, paths = factor.shape
    variance, total, expectation = np.empty(paths), np.empty(paths), np.empty(paths)
    above, below = np.empty(paths), np.empty(paths)
    for row in range(rows.tau.size):
        variance[:] = rows.variance[row]
        total[:] = (steps + 1) * market.drift
        expectation[:] = (steps + 1) * market.drift
        for step in range(steps):
            season = market.season[(rows.slot[row] + step) % market.season.size]
            known = fast[step] * rows.fast[row] - slow[step] * rows.slow[row]
            for path in range(paths):
                sigma = season * np.sqrt(variance[path])
                expectation[path] += sigma * known
                total[path] += sigma * (known + stir[step, path])
                variance[path] = min(market.omega + factor[step, path] * variance[path], market.cap)
        season = market.season[(rows.slot[row] + steps) % market.season.size]
        known = fast[steps] * rows.fast[row] - slow[steps] * rows.slow[row]
        for path in range(paths):
            square = season * season * variance[path]
            sigma = np.sqrt(square)
            expectation[path] += sigma * known
            middle = total[path] + sigma * (known + push[path])
            # sin theta for t / √5 = (middle - tau) / (√3 sigma), the shock's scale being √(3/5)
            ahead, behind = middle - rows.tau[row], -rows.tau[row] - middle
            above[path] = _odd(np.divide(ahead, np.sqrt(3.0 * square + ahead * ahead)), series)
            below[path] = _odd(np.divide(behind, np.sqrt(3.0 * square + behind * behind)), series)
        rising = falling = mean = 0.0
        for path in range(paths):
            rising += above[path]
            falling += below[path]
            mean += expectation[path]
        up[row] += rising
        down[row] += falling
        expected[row] += mean
