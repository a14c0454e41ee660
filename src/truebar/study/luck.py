"""How much of the best trial is luck: the deflated Sharpe ratio of dev, and overfitting (METHOD §6)."""

from __future__ import annotations

import math

import numpy as np

from truebar.arrays import FloatArray
from truebar.backtest.metrics import sharpe_ratio
from truebar.errors import TooFewRowsError
from truebar.scores.account import dev_deflated_sharpe
from truebar.scores.metric import Metric
from truebar.units import BARS_PER_YEAR
from truebar.validation.significance import luckiest_sharpe, probability_of_backtest_overfitting

NAMES = ("dev_sharpe", "dev_luckiest_sharpe", "dev_deflated_sharpe", "overfitting", "overfitting_slope")


def luck_of(
    returns: FloatArray, *, chosen: int, horizon_bars: int, timeframe: str, generator: np.random.Generator
) -> dict[str, Metric]:
    """Return what the search's own out-of-fold accounts say of its best trial; never part of the verdict.

    dev_sharpe: yearly, of the chosen trial. dev_luckiest_sharpe: yearly, what the best of these trials gets
    without skill, correlated as they are. dev_deflated_sharpe: probability that the chosen one beats that.
    overfitting: how often the best trial of one half of time is among the worse ones of the other, with
    overfitting_slope, the slope of out-of-sample on in-sample Sharpe.

    Args:
        returns: float64[bars, trials], net per bar, of the trials that ran to their end.
        chosen: column of the best trial.
        horizon_bars: h, bars that one label spans.
        timeframe: of the bars.
        generator: source of randomness of the joint bootstrap.

    Where too few trials vary, a metric has no value but a reason.
    """
    per_year = BARS_PER_YEAR[timeframe]
    try:
        selection = luckiest_sharpe(returns, horizon_bars=horizon_bars, generator=generator)
    except TooFewRowsError as error:
        return {name: Metric.undefined(str(error), n=returns.shape[0]) for name in NAMES}
    luckiest = selection.benchmark * math.sqrt(per_year)
    return {
        "dev_sharpe": sharpe_ratio(np.ascontiguousarray(returns[:, chosen]), per_year),
        "dev_luckiest_sharpe": Metric(luckiest, n=returns.shape[0]),
        "dev_deflated_sharpe": dev_deflated_sharpe(returns, chosen=chosen, selection=selection),
        **_overfitting(returns),
    }


def _overfitting(returns: FloatArray) -> dict[str, Metric]:
    """Return the probability of backtest overfitting and its slope."""
    try:
        found = probability_of_backtest_overfitting(returns)
    except TooFewRowsError as error:
        return {name: Metric.undefined(str(error), n=returns.shape[0]) for name in NAMES[3:]}
    return {
        "overfitting": Metric(found.probability, no_skill=0.5, n=found.n_trials),
        "overfitting_slope": Metric(found.slope, no_skill=0.0, n=found.n_trials),
    }
