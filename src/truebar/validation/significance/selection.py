"""The Sharpe ratio that the luckiest of many correlated trials gets without any skill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray
from truebar.counts import whole_number
from truebar.errors import ConfigurationError, TooFewRowsError
from truebar.validation.significance.block_length import mean_block_length
from truebar.validation.significance.bootstrap import N_RESAMPLES, bootstrap_counts

CELLS_AT_ONCE: Final = 4_000_000
"""Counts drawn at once: 16 MB, and 32 MB more while they are multiplied."""

ROUNDING: Final = 1e-12
"""Share of the mean square that is no variance but what rounding leaves of a constant."""


@dataclass(frozen=True)
class Selection:
    """What choosing the best trial is worth without skill.

    Attributes:
        benchmark: SR₀, per bar: the mean over resamples of the largest Sharpe ratio.
        deviation: standard deviation over resamples of that largest ratio.
        n_trials: trials that were resampled.
        left_out: trials whose returns do not vary; they can be no maximum above 0.
        mean_block: mean block length of the resamples, bars.
        n_resamples: resamples in which a Sharpe ratio is defined.
    """

    benchmark: float
    deviation: float
    n_trials: int
    left_out: int
    mean_block: float
    n_resamples: int


def luckiest_sharpe(
    returns: npt.ArrayLike,
    *,
    horizon_bars: int,
    generator: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
) -> Selection:
    """Return SR₀ on dev: the mean over joint stationary bootstraps of the largest Sharpe ratio of any trial.

    White's reality check (2000) for Sharpe ratios (METHOD §6): each trial's returns are centred, so that none
    has skill, all are resampled by the same rows, so that they stay as correlated as they are, and the best
    of each resample is taken. Give the result to `probabilistic_sharpe_ratio` as `benchmark`. The mean block
    is the longest that `mean_block_length` finds for any trial: the influence of a row on the ratio of
    centred returns is its return.

    Args:
        returns: float[bars, trials], net per-bar out-of-fold returns of all finished trials on the same
            bars, in time order, flat bars included.
        horizon_bars: h, bars that one label spans.
        generator: source of randomness; the same state gives the same result, to rounding.
        n_resamples: B.

    A trial that does not vary has no Sharpe ratio and is left out, as is, in a resample, one that does not
    vary there. Memory: 24 bytes a bar and trial, and 48 MB. The result may be used from the last label_end
    of dev on.

    Raises:
        ConfigurationError: when the returns are not a finite table, or as `stationary_bootstrap`.
        TooFewRowsError: with fewer than two bars, or where no trial varies.
    """
    values = np.asarray(returns, dtype=np.float64)
    if values.ndim != 2 or not np.all(np.isfinite(values)):
        raise ConfigurationError(f"expected finite returns[bars, trials]; found shape {values.shape}.")
    bars, trials = values.shape
    varies = np.ptp(values, axis=0) > 0 if bars else np.zeros(trials, dtype=np.bool_)
    if bars < 2 or not varies.any():
        raise TooFewRowsError(
            f"{np.count_nonzero(varies)} of {trials} trials vary over {bars} bars; expected at least one "
            "trial that traded. Without one there is no luck to compare with."
        )
    centred = values[:, varies]
    centred -= centred.mean(axis=0)
    block = max(mean_block_length(column, horizon_bars=horizon_bars) for column in centred.T)
    wanted = whole_number("n_resamples", n_resamples, 1)
    largest = _largest_ratios(centred, block, wanted, generator)
    return Selection(
        benchmark=float(largest.mean()),
        deviation=float(largest.std()),
        n_trials=centred.shape[1],
        left_out=trials - centred.shape[1],
        mean_block=block,
        n_resamples=largest.size,
    )


def _largest_ratios(
    centred: FloatArray, block: float, n_resamples: int, generator: np.random.Generator
) -> FloatArray:
    """Return the largest Sharpe ratio of each resample in which one is defined."""
    bars = len(centred)
    squares = centred**2
    at_once = max(1, CELLS_AT_ONCE // bars)
    largest = []
    for first in range(0, n_resamples, at_once):
        wanted = min(at_once, n_resamples - first)
        drawn = bootstrap_counts(bars, mean_block=block, n_resamples=wanted, generator=generator)
        weights = drawn.astype(np.float64)
        mean, square = weights @ centred / bars, weights @ squares / bars
        variance = (square - mean**2) * bars / (bars - 1)
        defined = variance > ROUNDING * square
        ratios = np.where(defined, mean / np.sqrt(np.where(defined, variance, 1.0)), -np.inf)
        largest.append(np.asarray(ratios.max(axis=1)))
    found: FloatArray = np.concatenate(largest)
    found = found[np.isfinite(found)]
    if found.size == 0:
        raise TooFewRowsError(f"no trial varies in any of {n_resamples} resamples of {bars} bars.")
    return found
