"""Wilder's average true range, the one estimator whose memory is not a window (METHOD §1)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.bars import Grid
from truebar.compiled import compiled

RANGE_PER_SIGMA: Final = math.sqrt(8 / math.pi)
"""Expected range of a Brownian path over its standard deviation (Feller 1951): makes ATR one of five."""


def average_true_range(
    grid: Grid, high: FloatArray, low: FloatArray, close: FloatArray, window: int
) -> FloatArray:
    """Return Wilder's ATR, float64[n] in price units, NaN before row `window`.

    Seeded at row n with the mean true range of rows 1 … n, then ATR + (TR - ATR)/n (Wilder 1978). The true
    range of the first bar after a gap is its own high - low: what happened across the gap is left out.
    """
    previous = np.concatenate((close[:1], close[:-1]))
    reach = np.maximum(np.abs(high - previous), np.abs(low - previous))
    true_range = np.where(grid.follows(), np.maximum(high - low, reach), high - low)
    return _smooth(true_range, window)


@compiled
def _smooth(true_range: FloatArray, window: int) -> FloatArray:
    average = np.full(true_range.size, np.nan)
    if true_range.size > window:
        value = true_range[1 : window + 1].mean()
        average[window] = value
        for row in range(window + 1, true_range.size):
            value += (true_range[row] - value) / window
            average[row] = value
    return average
