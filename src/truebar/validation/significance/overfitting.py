"""The probability of backtest overfitting: does the best trial stay good out of sample?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray
from truebar.counts import whole_number
from truebar.errors import ConfigurationError, TooFewRowsError


@dataclass(frozen=True)
class Overfitting:
    """How often the best trial of one half is among the worse ones of the other; never part of a verdict.

    Attributes:
        probability: share of splits in which the best trial in sample is not above the median out of sample.
        slope: of the best trial's Sharpe ratio out of sample on that in sample, over the splits.
        n_trials: trials compared.
        left_out: trials without variance in some split.
        n_splits: ways to halve the blocks.
    """

    probability: float
    slope: float
    n_trials: int
    left_out: int
    n_splits: int


def _half_sharpes(returns: FloatArray, blocks: int) -> tuple[FloatArray, FloatArray]:
    """Return float[splits, trials], Sharpe ratios in and out of sample; NaN without variance."""
    parts = np.array_split(returns, blocks)
    halves = np.array(list(combinations(range(blocks), blocks // 2)))
    chosen = np.zeros((len(halves), blocks))
    np.put_along_axis(chosen, halves, 1.0, axis=1)
    counts = np.array([float(len(part)) for part in parts])
    first, second = (np.array([(part**power).sum(axis=0) for part in parts]) for power in (1, 2))

    def sharpe(weights: FloatArray) -> FloatArray:
        rows = (weights @ counts)[:, None]
        mean = weights @ first / rows
        variance = weights @ second / rows - mean**2
        # What rounding leaves of a constant series is no variance.
        varies = variance > 1e-12 * (weights @ second / rows)
        return np.where(varies, mean / np.sqrt(np.where(varies, variance, 1.0)), np.nan)

    return sharpe(chosen), sharpe(1.0 - chosen)


def probability_of_backtest_overfitting(returns: npt.ArrayLike, *, blocks: int = 16) -> Overfitting:
    """Return how far the choice of the best trial is luck, by symmetric cross-validation.

    Bailey, Borwein, López de Prado & Zhu (2017): time is cut into `blocks`; in each way to take half of
    them the trial with the best Sharpe ratio is looked up in the other half.

    Args:
        returns: float[bars, trials], net per-bar returns of finished trials on common rows, in time order.
        blocks: S, even.

    Raises:
        ConfigurationError: when blocks is odd or below 2, or a return is not finite.
        TooFewRowsError: with fewer bars than two a block, or fewer than two trials that vary.
    """
    values = np.asarray(returns, dtype=np.float64)
    blocks = whole_number("blocks", blocks, 2)
    if values.ndim != 2 or blocks % 2 or not np.all(np.isfinite(values)):
        raise ConfigurationError(
            f"expected finite returns[bars, trials] and an even number of blocks; found {values.shape} "
            f"and {blocks}."
        )
    if values.shape[0] < 2 * blocks:
        raise TooFewRowsError(f"{values.shape[0]} bars are too few for {blocks} blocks of at least 2.")
    inside, outside = _half_sharpes(values, blocks)
    varies = np.isfinite(inside).all(axis=0) & np.isfinite(outside).all(axis=0)
    inside, outside = inside[:, varies], outside[:, varies]
    trials, splits = inside.shape[1], len(inside)
    if trials < 2:
        raise TooFewRowsError(
            f"{trials} of {values.shape[1]} trials vary in every split; at least 2 are needed."
        )
    best = inside.argmax(axis=1)[:, None]
    theirs, here = np.take_along_axis(outside, best, axis=1), np.take_along_axis(inside, best, axis=1)[:, 0]
    below, equal = (outside < theirs).sum(axis=1), (outside == theirs).sum(axis=1)
    rank = (below + (equal + 1) / 2) / (trials + 1)
    slope = float(np.polyfit(here, theirs[:, 0], 1)[0]) if np.ptp(here) > 0 else 0.0
    return Overfitting(float(np.mean(rank <= 0.5)), slope, trials, values.shape[1] - trials, splits)
