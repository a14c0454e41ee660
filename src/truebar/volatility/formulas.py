"""The four estimators that are means over a window; prices are logs: o, h, l, c (METHOD §1)."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np

from truebar.arrays import FloatArray
from truebar.bars import Grid
from truebar.windows import moments

Logs: TypeAlias = tuple[FloatArray, FloatArray, FloatArray, FloatArray]
"""Logs of open, high, low and close, float64[n] each."""


def since_previous_close(grid: Grid, logs: FloatArray, close: FloatArray) -> FloatArray:
    """Return logs[t] - close[t-1], float64[n]; NaN where the previous grid bar is missing."""
    change = np.full(close.size, np.nan)
    change[1:] = logs[1:] - close[:-1]
    return np.where(grid.follows(), change, np.nan)


def _root_of_mean(grid: Grid, terms: FloatArray, window: int) -> FloatArray:
    # Rounding may leave a term that is zero in exact arithmetic a little below it.
    return np.sqrt(moments(grid.slot, np.maximum(terms, 0), window).mean_or_nan())


def realized(grid: Grid, logs: Logs, window: int) -> FloatArray:
    """Return √mean(r²), r = c - c₋₁."""
    close = logs[3]
    return _root_of_mean(grid, since_previous_close(grid, close, close) ** 2, window)


def parkinson(grid: Grid, logs: Logs, window: int) -> FloatArray:
    """Return √(mean((h-l)²) / (4 ln 2)), Parkinson (1980)."""
    _, high, low, _ = logs
    return _root_of_mean(grid, (high - low) ** 2 / (4 * math.log(2)), window)


def garman_klass(grid: Grid, logs: Logs, window: int) -> FloatArray:
    """Return √mean(½(h-l)² - (2 ln 2 - 1)(c-o)²), Garman & Klass (1980)."""
    opened, high, low, close = logs
    terms = (high - low) ** 2 / 2 - (2 * math.log(2) - 1) * (close - opened) ** 2
    return _root_of_mean(grid, terms, window)


def yang_zhang(grid: Grid, logs: Logs, window: int) -> FloatArray:
    """Return √(var(o-c₋₁) + κ var(c-o) + (1-κ) mean((h-c)(h-o) + (l-c)(l-o))), Yang & Zhang (2000).

    κ = 0.34 / (1.34 + (n+1)/(n-1)); sample variances. The first bar after a gap has no overnight term; its
    other two stay.
    """
    opened, high, low, close = logs
    kappa = 0.34 / (1.34 + (window + 1) / (window - 1))
    overnight = moments(grid.slot, since_previous_close(grid, opened, close), window).sample_variance()
    within = moments(grid.slot, close - opened, window).sample_variance()
    terms = (high - close) * (high - opened) + (low - close) * (low - opened)
    drift_free = moments(grid.slot, np.maximum(terms, 0), window).mean_or_nan()
    return np.sqrt(overnight + kappa * within + (1 - kappa) * drift_free)


BY_NAME: Final = MappingProxyType(
    {
        "realized": realized,
        "parkinson": parkinson,
        "garman_klass": garman_klass,
        "yang_zhang": yang_zhang,
    }
)
