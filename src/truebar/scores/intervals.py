"""Intervals of scores: resample rows in time order, weigh, take percentiles (METHOD §6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray
from truebar.compiled import compiled
from truebar.validation.significance import (
    N_RESAMPLES,
    CountArray,
    bootstrap_counts,
    mean_block_length,
)

LOW_PERCENT: Final = 2.5
HIGH_PERCENT: Final = 97.5

CHUNK_CELLS: Final = 4_000_000
"""Counts drawn at once: 16 MB, so that a long history never needs its whole matrix of resamples."""

LEAST_DEFINED: Final = 0.5
"""Share of resamples in which a statistic must be defined for its interval to mean anything."""

Statistic = Callable[[CountArray], FloatArray]
"""Values[resamples] of a statistic from how often each resample has each row."""

Interval = tuple[float | None, float | None]


@dataclass(frozen=True)
class Resampling:
    """How intervals are drawn.

    Attributes:
        horizon_bars: h, bars that one label spans; a block has at least twice as many on average.
        generator: source of randomness, from hash(recipe, data digest).
        n_resamples: B.
    """

    horizon_bars: int
    generator: np.random.Generator
    n_resamples: int = N_RESAMPLES


def percentiles(values: FloatArray) -> Interval:
    """Return the 2.5 and 97.5 percentiles of the finite values; none if too few are finite."""
    finite = values[np.isfinite(values)]
    if finite.size < max(1, LEAST_DEFINED * values.size):
        return None, None
    low, high = np.percentile(finite, [LOW_PERCENT, HIGH_PERCENT])
    return float(low), float(high)


def bootstrap_values(statistic: Statistic, influence: npt.ArrayLike, how: Resampling) -> FloatArray:
    """Return float64[B], the statistic in each stationary-bootstrap resample.

    Args:
        statistic: from int32[resamples, n] counts to float64[resamples].
        influence: float[n], influence of each row on the statistic, in time order; it sets the block.
        how: horizon, generator and number of resamples.
    """
    values = np.asarray(influence, dtype=np.float64)
    block = mean_block_length(values, horizon_bars=how.horizon_bars)
    at_once = max(1, CHUNK_CELLS // max(values.size, 1))
    parts = []
    for first in range(0, how.n_resamples, at_once):
        wanted = min(at_once, how.n_resamples - first)
        counts = bootstrap_counts(values.size, mean_block=block, n_resamples=wanted, generator=how.generator)
        parts.append(statistic(counts))
    return np.concatenate(parts)


def bootstrap_interval(statistic: Statistic, influence: npt.ArrayLike, how: Resampling) -> Interval:
    """Return the two-sided 95 % percentile interval of a statistic; same arguments as `bootstrap_values`."""
    return percentiles(bootstrap_values(statistic, influence, how))


@compiled
def weighted_sums(counts: CountArray, columns: FloatArray) -> FloatArray:
    """Return float64[resamples, c], the sums of `columns` (float64[n, c]) in each resample."""
    resamples, rows = counts.shape
    sums = np.zeros((resamples, columns.shape[1]))
    for resample in range(resamples):
        for row in range(rows):
            weight = counts[resample, row]
            if weight != 0:
                for column in range(columns.shape[1]):
                    sums[resample, column] += weight * columns[row, column]
    return sums


def mean_interval(values: FloatArray, how: Resampling) -> Interval:
    """Return the interval of the mean of float64[n]; its influence series is the series itself."""
    column = np.ascontiguousarray(values[:, None])
    return bootstrap_interval(lambda counts: weighted_sums(counts, column)[:, 0] / values.size, values, how)
