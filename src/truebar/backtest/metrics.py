"""Numbers of one equity curve: returns, drawdowns, and the ratios made of them."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.backtest.curve import Moments, moments_of
from truebar.compiled import compiled
from truebar.scores.metric import Metric

TAIL_SHARE: Final = 0.05
"""Share of the bars that `cvar` averages over: 95 % of the bars are better."""

SAMPLE_STEP: Final = 64
KEEP_ROWS: Final = 1_024
"""Values that are looked at between two looks at whether there is still room."""


def drawdown(equity: FloatArray) -> FloatArray:
    """Return float64[n], share below the highest equity so far; 0 at a new high, above 1 with debt.

    >>> drawdown(np.array([100.0, 120.0, 90.0])).tolist()
    [0.0, 0.0, 0.25]
    """
    return np.asarray(1.0 - equity / np.maximum.accumulate(equity))


def return_ratios(moments: Moments, bars_per_year: float) -> tuple[Metric, Metric]:
    """Return the yearly Sharpe and Sortino ratios of per-bar returns; staying flat has 0.

    Both are undefined with fewer than 2 returns, or one that is no finite number.
    Sharpe: mean / sd · √bars_per_year, sample sd; undefined when the returns do not vary.
    Sortino: mean / downside deviation · √bars_per_year, where the downside deviation is √(Σ min(r, 0)² / n)
    over all n bars, those without a loss included: the second lower partial moment about a target of 0
    (Sortino & Price 1994, "Performance measurement in a downside risk framework"); undefined without a loss.

    >>> moments = moments_of(np.array([0.03, -0.01, 0.0, 0.0]))
    >>> [round(ratio.value, 12) for ratio in return_ratios(moments, 1.0)]
    [0.288675134595, 1.0]
    """
    count, mean, deviation, downside = moments
    if count < 2:
        reason = f"{count} returns have no standard deviation"
        return Metric.undefined(reason, no_skill=0.0), Metric.undefined(reason, no_skill=0.0)
    if not (math.isfinite(mean) and math.isfinite(deviation)):
        reason = f"one of {count} returns is not a finite number, or too large to square"
        return (Metric.undefined(reason, no_skill=0.0, n=count),) * 2
    annual = mean * math.sqrt(bars_per_year)
    sharpe = Metric.undefined("returns do not vary: standard deviation 0", no_skill=0.0, n=count)
    if deviation > 0:
        sharpe = Metric(annual / deviation, no_skill=0.0, n=count)
    sortino = Metric.undefined("no bar lost: downside deviation 0", no_skill=0.0, n=count)
    if downside > 0:
        sortino = Metric(annual / downside, no_skill=0.0, n=count)
    return sharpe, sortino


def sharpe_ratio(returns: FloatArray, bars_per_year: float) -> Metric:
    """Return mean / sd · √bars_per_year of per-bar returns (sample sd); undefined when sd is 0 or unknown."""
    return return_ratios(moments_of(returns), bars_per_year)[0]


def calmar_ratio(growth: float, deepest: float, years: float) -> Metric:
    """Return the compound return per year over the deepest drawdown; undefined without a drawdown.

    Young (1991), "Calmar ratio: a smoother tool", takes 36 months; here it is the whole record, so that the
    ratios of records of different length do not compare. Staying flat earns 0 a year.

    Args:
        growth: last equity over first equity.
        deepest: largest drawdown, a share.
        years: length of the record.

    >>> round(calmar_ratio(1.21, 0.2, 2.0).value, 12)
    0.5
    """
    if deepest <= 0:
        return Metric.undefined("equity never fell below an earlier high", no_skill=0.0)
    if growth <= 0:
        return Metric.undefined("equity was lost: no growth per year leads there", no_skill=0.0)
    log_growth = math.log(growth) / years
    if log_growth > math.log(np.finfo(np.float64).max) / 2:
        return Metric.undefined("the record is too short: its growth a year is beyond numbers", no_skill=0.0)
    return Metric(math.expm1(log_growth) / deepest, no_skill=0.0)


def expected_shortfall(returns: FloatArray) -> Metric:
    """Return the mean loss of the worst 5 % of bars, positive where they lose (`cvar`).

    Expected shortfall of the empirical distribution at α = 5 % (Acerbi & Tasche 2002, "On the coherence of
    expected shortfall", definition 2.6), which is the conditional value at risk of Rockafellar & Uryasev
    (2002): −(Σ of the ⌊nα⌋ lowest + (nα − ⌊nα⌋)·the next) / (nα). Flat bars count; staying flat has 0.

    >>> expected_shortfall(np.array([-0.04, 0.01, 0.02] + [0.0] * 7)).value
    0.04
    """
    if returns.size == 0:
        return Metric.undefined("there is no return", no_skill=0.0, n=0)
    share = returns.size * TAIL_SHARE
    whole = int(share)
    lowest = _lowest(returns, whole + 1)
    total = float(lowest[:whole].sum() + (share - whole) * lowest[whole])
    return Metric(-total / share, no_skill=0.0, n=returns.size)


def _lowest(values: FloatArray, count: int) -> FloatArray:
    """Return the `count` lowest values, the largest of them last."""
    # A sample's quantile somewhat above the one sought leaves little to sort; else all is.
    sample = values[::SAMPLE_STEP]
    place = min(int(1.2 * count / SAMPLE_STEP) + 10, sample.size - 1)
    bound = np.partition(sample, place)[place]
    kept = np.empty(2 * count + KEEP_ROWS)
    found = _keep_up_to(values, bound, kept)
    rest = kept[:found] if found >= count else values
    return np.partition(rest, count - 1)[:count]


@compiled
def _keep_up_to(values: FloatArray, bound: float, kept: FloatArray) -> int:
    """Write the values up to `bound` into `kept`; return how many they are, or -1 where there is no room."""
    count = 0
    for first in range(0, values.size, KEEP_ROWS):
        if not 0 <= count <= kept.size - KEEP_ROWS:
            return -1
        for row in range(first, min(first + KEEP_ROWS, values.size)):
            kept[count] = values[row]  # overwritten by the next one unless it counts
            count += values[row] <= bound
    return count
