"""Trailing windows over the bars' grid: count, mean, spread and extremes in O(n), bit for bit repeatable.

A window of w slots ending at slot s covers the slots s-w+1 … s. Slots are cut into blocks of w, counted from
1970. Every window is then the end of one block and the beginning of the next, so its value is one merge
of a running state from the left and one from the right (van Herk 1992; Gil & Werman 1993, for extremes;
here also for moments). Nothing is ever subtracted, so a huge bar leaves no trace after it has left, and a
value depends on the bars of its window alone, not on where the history begins: a recomputed tail has the
same bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from truebar.arrays import BoolArray, FloatArray, IntArray
from truebar.compiled import compiled


@dataclass(frozen=True)
class Moments:
    """Moments of the values in each trailing window, NaN values left out.

    Attributes:
        count: float64[n], number of values.
        mean: float64[n]; 0 where there is no value.
        squares: float64[n], sum of squared deviations from the mean.
    """

    count: FloatArray
    mean: FloatArray
    squares: FloatArray

    def sample_variance(self) -> FloatArray:
        """Return squares / (count - 1); NaN with fewer than two values."""
        enough = self.count > 1
        return np.where(enough, self.squares / np.where(enough, self.count - 1, 1), np.nan)

    def mean_or_nan(self) -> FloatArray:
        """Return the mean; NaN where there is no value."""
        return np.where(self.count > 0, self.mean, np.nan)


def first_rows(slot: IntArray, window: int) -> IntArray:
    """Return int64[n]: the first row of each row's trailing window of `window` slots."""
    return np.searchsorted(slot, slot - window + 1, side="left").astype(np.int64)


def rows_in(slot: IntArray, window: int) -> IntArray:
    """Return int64[n]: how many bars of each trailing window exist."""
    return np.arange(slot.size) - first_rows(slot, window) + 1


def count_in(slot: IntArray, window: int, chosen: BoolArray) -> IntArray:
    """Return int64[n]: how many chosen rows lie in each trailing window."""
    total = np.concatenate(([0], np.cumsum(chosen, dtype=np.int64)))
    return total[1:] - total[first_rows(slot, window)]


def moments(slot: IntArray, values: FloatArray, window: int) -> Moments:
    """Return count, mean and spread of `values` in each trailing window.

    Args:
        slot: int64[n], grid places, strictly ascending.
        values: float64[n]; NaN is left out.
        window: slots.

    Row t may be used when the bar of row t is known. States are updated by Welford (1962) and merged by
    Chan, Golub & LeVeque (1979), so equal values have a spread of exactly zero.
    """
    block = slot // window
    until = _running_moments(block, values)  # from the beginning of its block to each row
    since = _running_moments(block[::-1], values[::-1])[:, ::-1]  # from each row to the end of its block
    first = first_rows(slot, window)
    before, mean, squares = np.where(block[first] < block, since[:, first], 0.0)
    count = before + until[0]
    share = until[0] / np.maximum(count, 1)
    delta = until[1] - mean
    return Moments(count, mean + delta * share, squares + until[2] + delta * delta * (before * share))


def extremes(slot: IntArray, low: FloatArray, high: FloatArray, window: int) -> tuple[FloatArray, FloatArray]:
    """Return the lowest `low` and the highest `high` in each trailing window of `window` slots."""
    return -_highest(slot, -low, window), _highest(slot, high, window)


def _highest(slot: IntArray, values: FloatArray, window: int) -> FloatArray:
    block = slot // window
    since = _running_highest(block[::-1], values[::-1])[::-1]
    first = first_rows(slot, window)
    return np.maximum(_running_highest(block, values), np.where(block[first] < block, since[first], -np.inf))


@compiled
def _running_moments(block: IntArray, values: FloatArray) -> FloatArray:
    """Return float64[3, n]: count, mean and squared deviations from the beginning of each row's block."""
    states = np.empty((3, values.size))
    count, mean, squares = 0.0, 0.0, 0.0
    for row in range(values.size):
        if row == 0 or block[row] != block[row - 1]:
            count, mean, squares = 0.0, 0.0, 0.0
        if not np.isnan(values[row]):
            count += 1.0
            delta = values[row] - mean
            mean += delta / count
            squares += delta * (values[row] - mean)
        states[0, row], states[1, row], states[2, row] = count, mean, squares
    return states


@compiled
def _running_highest(block: IntArray, values: FloatArray) -> FloatArray:
    """Return float64[n]: the highest value from the beginning of each row's block."""
    highest = values.copy()
    for row in range(1, values.size):
        if block[row] == block[row - 1] and highest[row - 1] > highest[row]:
            highest[row] = highest[row - 1]
    return highest
