"""What an account's returns say beyond their luck: intervals and the deflated Sharpe ratio (METHOD §6)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.errors import ConfigurationError
from truebar.scores.intervals import Estimate, Resampling, weighted_sums, with_intervals
from truebar.scores.metric import Metric
from truebar.validation.significance import CountArray, deflated_sharpe_ratio

LUCK: Final = 0.5
"""Mean of a probability that the Sharpe ratio is not luck, where it is."""


def sharpe_interval(sharpe: Metric, returns: FloatArray, *, bars_per_year: float, how: Resampling) -> Metric:
    """Return the yearly Sharpe ratio with its 95 % interval; an undefined one stays as it is.

    Args:
        sharpe: from `truebar.backtest.metrics.sharpe_ratio` of the same returns.
        returns: float[n], per bar, in time order.
        bars_per_year: of the timeframe.
        how: horizon, generator and number of resamples.
    """
    if sharpe.value is None:
        return sharpe
    size, centre = returns.size, float(returns.mean())
    away = returns - centre
    columns = np.vstack((away, away**2))

    def yearly(counts: CountArray) -> FloatArray:
        first, second = weighted_sums(counts, columns).T / size
        variance = np.maximum(second - first**2, 0.0) * size / (size - 1)
        with_spread = variance > 0
        deviation = np.sqrt(np.where(with_spread, variance, 1.0))
        return np.where(with_spread, (first + centre) / deviation * math.sqrt(bars_per_year), np.nan)

    deviation = float(returns.std())
    standardised = away / deviation
    influence = standardised - centre / deviation / 2 * (standardised**2 - 1)
    return with_intervals({"sharpe": sharpe}, {"sharpe": Estimate(yearly, influence)}, how)["sharpe"]


def net_return_interval(net_return: Metric, returns: FloatArray, how: Resampling) -> Metric:
    """Return the net return with the 95 % interval of compounded resampled returns.

    There is no interval where the account never moved, or lost everything in one bar.
    """
    if returns.size < 2 or np.ptp(returns) == 0 or returns.min() <= -1:
        return net_return
    logs = np.log1p(returns)
    compounded = Estimate(lambda counts: np.expm1(weighted_sums(counts, logs[None, :])[:, 0]), logs)
    return with_intervals({"net_return": net_return}, {"net_return": compounded}, how)["net_return"]


def deflated_sharpe(sharpe: Metric, returns: FloatArray, *, n_trials: int) -> Metric:
    """Return the probability that the true Sharpe ratio beats the luckiest of `n_trials` without skill.

    Its moments are those of the per-bar returns, flat bars included; the trials' ratios have sd 1/√n.
    On the vault n_trials is the number of distinct recipes that looked at it (METHOD §6).
    """
    if sharpe.value is None:
        return Metric.undefined(f"no Sharpe ratio: {sharpe.reason}", no_skill=LUCK, n=returns.size)
    standardised = (returns - returns.mean()) / returns.std()
    try:
        probability = deflated_sharpe_ratio(
            float(returns.mean() / returns.std(ddof=1)),
            n=returns.size,
            skew=float(np.mean(standardised**3)),
            kurtosis=float(np.mean(standardised**4)),
            n_trials=n_trials,
        )
    except ConfigurationError as error:
        return Metric.undefined(str(error), no_skill=LUCK, n=returns.size)
    return Metric(probability, no_skill=LUCK, n=returns.size)
