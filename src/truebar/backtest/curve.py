"""What one pass over an equity curve tells: its returns, their moments, and the drawdowns, chunk by chunk.

A chunk is looked at while the cache still holds it; a pass of its own for each number would wait for memory.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from truebar.arrays import FloatArray
from truebar.backtest.memory import empty
from truebar.compiled import compiled, compiled_in_any_order

CHUNK_ROWS: Final = 2_048
"""Bars that are looked at in one go: 16 KiB of equity and of returns stay in a core's own cache."""

BLOCK_ROWS: Final = 64
"""Bars that are compared with the high before them at once."""

# Fields of the sums over the part of a curve that is past.
_RETURNS: Final = 0  # how many
_MEAN: Final = 1
_SQUARES: Final = 2  # of the returns' distances from their mean
_LOSSES: Final = 3  # squares of the returns below 0
_EQUITY: Final = 4
_PEAK: Final = 5
_TROUGH: Final = 6  # since the peak
_UNDER: Final = 7  # bars since the peak
_LONGEST: Final = 8
_DEEPEST: Final = 9
_FIELDS: Final = 10


class Moments(NamedTuple):
    """Of n per-bar returns: mean, sample standard deviation (0 for n < 2) and downside deviation about 0."""

    n: int
    mean: float
    deviation: float
    downside: float


class Curve(NamedTuple):
    """What an equity curve float[n] is like.

    `returns`, float[n-1]: equity_t / equity_{t-1} - 1; 0 once equity has been zero or less.
    `moments`: theirs.
    `mean_equity`: quote currency. `deepest`: largest share below an earlier high, above 1 with debt;
    `longest`: the most bars in a row below an earlier high.
    """

    returns: FloatArray
    moments: Moments
    mean_equity: float
    deepest: float
    longest: int


def curve(equity: FloatArray) -> Curve:
    """Return what an equity curve of at least one bar is like; its first value is positive.

    >>> found = curve(np.array([100.0, 120.0, 90.0, 110.0, 125.0]))
    >>> found.deepest, found.longest, found.returns[:2].tolist()
    (0.25, 2, [0.19999999999999996, -0.25])
    """
    returns, sums = empty(equity.size - 1), np.zeros(_FIELDS)
    sums[_EQUITY] = sums[_PEAK] = sums[_TROUGH] = equity[0]
    _follow(equity, returns, sums)
    deepest = max(sums[_DEEPEST], 1.0 - sums[_TROUGH] / sums[_PEAK])
    longest = int(max(sums[_LONGEST], sums[_UNDER]))
    return Curve(returns, _moments(sums), sums[_EQUITY] / equity.size, float(deepest), longest)


def moments_of(returns: FloatArray) -> Moments:
    """Return the moments of per-bar returns.

    >>> [round(value, 12) for value in moments_of(np.array([0.03, -0.01, 0.0, 0.0]))]
    [4, 0.005, 0.017320508076, 0.005]
    """
    sums = np.zeros(_FIELDS)
    for first in range(0, returns.size, CHUNK_ROWS):
        _take_in(returns[first : first + CHUNK_ROWS], sums)
    return _moments(sums)


def _moments(sums: FloatArray) -> Moments:
    count = int(sums[_RETURNS])
    if count == 0:
        return Moments(0, 0.0, 0.0, 0.0)
    deviation = math.sqrt(sums[_SQUARES] / (count - 1)) if count > 1 else 0.0
    return Moments(count, float(sums[_MEAN]), deviation, math.sqrt(sums[_LOSSES] / count))


@compiled
def _follow(equity: FloatArray, returns: FloatArray, sums: FloatArray) -> None:
    """Write the returns and take each chunk of them, and of equity, into the sums."""
    for first in range(0, returns.size, CHUNK_ROWS):
        out = returns[first : first + CHUNK_ROWS]
        before, now = equity[first : first + out.size], equity[first + 1 : first + 1 + out.size]
        for row in range(out.size):
            out[row] = now[row] / before[row] - 1.0 if before[row] > 0.0 else 0.0
        _take_in(out, sums)
        sums[_EQUITY] += _total(now)
        _follow_drawdown(now, sums)


@compiled
def _follow_drawdown(equity: FloatArray, sums: FloatArray) -> None:
    peak, trough, under = sums[_PEAK], sums[_TROUGH], int(sums[_UNDER])
    longest, deepest = int(sums[_LONGEST]), sums[_DEEPEST]
    for first in range(0, equity.size, BLOCK_ROWS):
        block = equity[first : first + BLOCK_ROWS]
        lowest, highest = _extremes(block)
        if highest < peak:  # most blocks lie below an earlier high as a whole
            under += block.size
            trough = min(trough, lowest)
            continue
        for row in range(block.size):
            value = block[row]
            if value < peak:
                under += 1
                trough = min(trough, value)
                continue
            if under > 0:  # one division for each climb, not for each bar: the lowest value is the deepest
                deepest, longest = max(deepest, 1.0 - trough / peak), max(longest, under)
            peak, trough, under = value, value, 0
    sums[_PEAK], sums[_TROUGH], sums[_UNDER] = peak, trough, under
    sums[_LONGEST], sums[_DEEPEST] = longest, deepest


@compiled_in_any_order
def _extremes(values: FloatArray) -> tuple[float, float]:
    lowest = highest = values[0]
    for row in range(values.size):
        lowest, highest = min(lowest, values[row]), max(highest, values[row])
    return lowest, highest


@compiled_in_any_order
def _total(values: FloatArray) -> float:
    total = 0.0
    for row in range(values.size):
        total += values[row]
    return total


@compiled
def _take_in(values: FloatArray, sums: FloatArray) -> None:
    """Take returns, at least one, into count, mean, squares and losses.

    Chan, Golub & LeVeque (1983), "Algorithms for computing the sample variance": parts are merged by their
    means, and each part is shifted by its own first value, so that equal returns vary by exactly 0.
    """
    shift = values[0]
    away, squares, losses = _add_up(values, shift)
    count, before = float(values.size), sums[_RETURNS]
    squares = max(squares - away * away / count, 0.0)
    distance, together = shift + away / count - sums[_MEAN], before + count
    sums[_MEAN] += distance * (count / together)
    sums[_SQUARES] += squares + distance * distance * before * count / together
    sums[_LOSSES] += losses
    sums[_RETURNS] = together


@compiled_in_any_order
def _add_up(values: FloatArray, shift: float) -> tuple[float, float, float]:
    """Return the sums of r - shift, of its square, and of min(r, 0)²."""
    away = squares = losses = 0.0
    for row in range(values.size):
        distance, loss = values[row] - shift, min(values[row], 0.0)
        away += distance
        squares += distance * distance
        losses += loss * loss
    return away, squares, losses
