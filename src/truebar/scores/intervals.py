"""Intervals of scores: resample rows in time order, weigh, take percentiles (METHOD §6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.compiled import compiled
from truebar.counts import whole_number
from truebar.scores.metric import Metric
from truebar.validation.significance import (
    N_RESAMPLES,
    CountArray,
    bootstrap_counts,
    mean_block_length,
)

LOW_PERCENT: Final = 2.5
HIGH_PERCENT: Final = 97.5

CHUNK_CELLS: Final = 131_072
"""Counts drawn at once: 512 KiB, which a processor's cache holds while the statistics read them."""

LEAST_DEFINED: Final = 0.5
"""Share of resamples in which a statistic must be defined for its interval to mean anything."""

LEAST_BLOCKS: Final = 2
"""Mean blocks that the rows must hold for an interval: fewer resample little but themselves."""

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

    Raises:
        ConfigurationError: when horizon or resamples are no whole number of at least 1.
    """

    horizon_bars: int
    generator: np.random.Generator
    n_resamples: int = N_RESAMPLES

    def __post_init__(self) -> None:
        for name in ("horizon_bars", "n_resamples"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 1))


def percentiles(values: FloatArray) -> Interval:
    """Return the 2.5 and 97.5 percentiles of the finite values; none if too few are finite."""
    finite = values[np.isfinite(values)]
    if finite.size < max(1, LEAST_DEFINED * values.size):
        return None, None
    low, high = np.percentile(finite, [LOW_PERCENT, HIGH_PERCENT])
    return float(low), float(high)


@dataclass(frozen=True)
class Estimate:
    """A statistic that waits for its interval.

    Attributes:
        statistic: from int32[resamples, n] counts to float64[resamples].
        influence: float64[n], influence of each row on the statistic, in time order; it sets the block.
    """

    statistic: Statistic
    influence: FloatArray


def bootstrap_values(estimates: Mapping[str, Estimate], how: Resampling) -> dict[str, FloatArray]:
    """Return float64[B] by name: each statistic in each stationary-bootstrap resample of the same rows.

    Statistics whose mean blocks are equal see the same resamples; the blocks are taken in the order in which
    they first appear, each with the generator's next numbers.

    Args:
        estimates: by name; all of the same n rows.
        how: horizon, generator and number of resamples.

    NaN in every resample where the rows hold less than two mean blocks.
    """
    by_block: dict[float, list[str]] = {}
    for name, estimate in estimates.items():
        block = mean_block_length(estimate.influence, horizon_bars=how.horizon_bars)
        by_block.setdefault(block, []).append(name)
    values = {name: np.full(how.n_resamples, np.nan) for name in estimates}
    for block, names in by_block.items():
        rows = estimates[names[0]].influence.size
        if rows < LEAST_BLOCKS * block:
            continue
        at_once = max(1, CHUNK_CELLS // max(rows, 1))
        for first in range(0, how.n_resamples, at_once):
            wanted = min(at_once, how.n_resamples - first)
            counts = bootstrap_counts(rows, mean_block=block, n_resamples=wanted, generator=how.generator)
            for name in names:
                values[name][first : first + wanted] = estimates[name].statistic(counts)
    return values


def bootstrap_intervals(estimates: Mapping[str, Estimate], how: Resampling) -> dict[str, Interval]:
    """Return two-sided 95 % percentile intervals by name; arguments as `bootstrap_values`.

    There is no interval (None, None) where the statistic is defined in less than half of the resamples.
    """
    return {name: percentiles(values) for name, values in bootstrap_values(estimates, how).items()}


def with_intervals(
    metrics: Mapping[str, Metric], estimates: Mapping[str, Estimate], how: Resampling
) -> dict[str, Metric]:
    """Return the metrics, those that have an estimate with its 95 % interval."""
    found = dict(metrics)
    for name, (low, high) in bootstrap_intervals(estimates, how).items():
        found[name] = replace(found[name], low=low, high=high)
    return found


@compiled
def _weighted_sums(counts: CountArray, columns: FloatArray) -> FloatArray:
    """Return Σ over rows of count · column; four sums side by side, because one would wait for itself."""
    resamples, rows = counts.shape
    sums = np.empty((resamples, columns.shape[0]))
    whole = rows - rows % 4
    for resample in range(resamples):
        for column in range(columns.shape[0]):
            first = second = third = fourth = 0.0
            for row in range(0, whole, 4):
                first += counts[resample, row] * columns[column, row]
                second += counts[resample, row + 1] * columns[column, row + 1]
                third += counts[resample, row + 2] * columns[column, row + 2]
                fourth += counts[resample, row + 3] * columns[column, row + 3]
            for row in range(whole, rows):
                first += counts[resample, row] * columns[column, row]
            sums[resample, column] = (first + second) + (third + fourth)
    return sums


def weighted_sums(counts: CountArray, columns: FloatArray) -> FloatArray:
    """Return float64[resamples, c], the sums in each resample of c columns, given as float64[c, n]."""
    return _weighted_sums(counts, np.ascontiguousarray(columns))


def mean_estimate(values: FloatArray) -> Estimate:
    """Return the estimate of the mean of float64[n]; its influence series is the series itself."""
    columns = np.ascontiguousarray(values[None, :])
    return Estimate(lambda counts: weighted_sums(counts, columns)[:, 0] / values.size, values)
