"""What an account's returns say beyond their luck: intervals and the deflated Sharpe ratio (METHOD §6)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.errors import ConfigurationError
from truebar.scores.intervals import Estimate, Resampling, weighted_sums, with_intervals
from truebar.scores.metric import Metric
from truebar.validation.significance import (
    CountArray,
    Selection,
    deflated_sharpe_ratio,
    min_track_record_bars,
    probabilistic_sharpe_ratio,
)

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


@dataclass(frozen=True)
class Moments:
    """Sharpe ratio per bar, skew and kurtosis of returns that vary."""

    sharpe: float
    skew: float
    kurtosis: float


def moments(returns: FloatArray) -> Moments:
    """Return the moments of float64[n] per-bar returns, flat bars included; they must vary."""
    standardised = (returns - returns.mean()) / returns.std()
    return Moments(
        sharpe=float(returns.mean() / returns.std(ddof=1)),
        skew=float(np.mean(standardised**3)),
        kurtosis=float(np.mean(standardised**4)),
    )


def deflated_sharpe(sharpe: Metric, returns: FloatArray, *, n_trials: int) -> Metric:
    """Return the probability that the true Sharpe ratio beats the luckiest of `n_trials` without skill.

    Its moments are those of the per-bar returns, flat bars included; the trials' ratios have sd 1/√n.
    On the vault n_trials is the number of distinct recipes that looked at it (METHOD §6).
    """
    if sharpe.value is None:
        return Metric.undefined(f"no Sharpe ratio: {sharpe.reason}", no_skill=LUCK, n=returns.size)
    found = moments(returns)
    try:
        probability = deflated_sharpe_ratio(
            found.sharpe, n=returns.size, skew=found.skew, kurtosis=found.kurtosis, n_trials=n_trials
        )
    except ConfigurationError as error:
        return Metric.undefined(str(error), no_skill=LUCK, n=returns.size)
    return Metric(probability, no_skill=LUCK, n=returns.size)


def dev_deflated_sharpe(returns: FloatArray, *, chosen: int, selection: Selection) -> Metric:
    """Return the probability that the chosen trial's true Sharpe ratio on dev beats the luck of its search.

    The probabilistic Sharpe ratio against the benchmark that the joint bootstrap of all finished trials gives
    (METHOD §6): what the best of them gets without skill, correlated as they are.

    Args:
        returns: float64[bars, trials], as `truebar.validation.significance.luckiest_sharpe` was given.
        chosen: which trial won.
        selection: what `luckiest_sharpe` found.

    Where the chosen trial's returns do not vary there is no value but a reason.

    Raises:
        ConfigurationError: when there is no trial of that number.
    """
    if not 0 <= chosen < returns.shape[1]:
        raise ConfigurationError(f"trial {chosen} was chosen of {returns.shape[1]}; expected one of them.")
    own = np.ascontiguousarray(returns[:, chosen])
    if np.ptp(own) == 0:
        return Metric.undefined(f"all {own.size} returns are equal", no_skill=LUCK, n=own.size)
    found = moments(own)
    try:
        probability = probabilistic_sharpe_ratio(
            found.sharpe,
            n=own.size,
            skew=found.skew,
            kurtosis=found.kurtosis,
            benchmark=selection.benchmark,
        )
    except ConfigurationError as error:
        return Metric.undefined(str(error), no_skill=LUCK, n=own.size)
    return Metric(probability, no_skill=LUCK, n=own.size)


def track_record(
    sharpe: Metric, returns: FloatArray, *, n_trials: int, bars_per_year: float
) -> dict[str, Metric]:
    """Return min_track_record_bars and min_track_record_years: how long until this could be proven.

    The record, in bars and in years, from which on a Sharpe ratio as observed, with returns as skewed and
    tailed as these, makes `deflated_sharpe` reach 95 % (Bailey & López de Prado 2012, eq. 13, extended to
    trials; see `truebar.validation.significance.min_track_record_bars`). It is the whole record, bars
    already seen included; compare it with `n`.

    Args:
        sharpe: from `truebar.backtest.metrics.sharpe_ratio` of the same returns.
        returns: float64[n], per bar, in time order, flat bars included.
        n_trials: on the vault the distinct recipes that looked at it.
        bars_per_year: of the timeframe.

    A Sharpe ratio that is undefined, or not above 0, has no value but a reason: no record of it proves an
    edge.
    """
    names = ("min_track_record_bars", "min_track_record_years")
    n = returns.size
    if sharpe.value is None:
        return {name: Metric.undefined(f"no Sharpe ratio: {sharpe.reason}", n=n) for name in names}
    found = moments(returns)
    try:
        bars = min_track_record_bars(
            found.sharpe, skew=found.skew, kurtosis=found.kurtosis, n_trials=n_trials
        )
    except ConfigurationError as error:
        return {name: Metric.undefined(str(error), n=n) for name in names}
    if math.isinf(bars):
        reason = f"a Sharpe ratio of {sharpe.value:.2f} a year is not above 0: no record of it proves an edge"
        return {name: Metric.undefined(reason, n=n) for name in names}
    bars = math.ceil(bars)
    return {names[0]: Metric(bars, n=n), names[1]: Metric(bars / bars_per_year, n=n)}
