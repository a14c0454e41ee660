"""Numbers of one equity curve: returns, drawdowns, and the ratios made of them."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.backtest.memory import empty
from truebar.compiled import compiled
from truebar.scores.metric import Metric

TAIL_SHARE: Final = 0.05
"""Share of the bars that `cvar` averages over: 95 % of the bars are better."""

SAMPLE_STEP: Final = 64
LANES: Final = 8
STEADY: Final = 1e-9
"""A standard deviation below this share of the mean may be rounding."""


def bar_returns(equity: FloatArray) -> FloatArray:
    """Return float64[n-1], equity_t / equity_{t-1} - 1; 0 once equity has been zero or less."""
    returns = empty(max(equity.size - 1, 0))
    _write_returns(equity, returns)
    return returns


@compiled
def _write_returns(equity: FloatArray, out: FloatArray) -> None:
    for row in range(out.size):
        before = equity[row]
        out[row] = equity[row + 1] / before - 1.0 if before > 0.0 else 0.0


def drawdown(equity: FloatArray) -> FloatArray:
    """Return float64[n], share below the highest equity so far; 0 at a new high, above 1 with debt.

    >>> drawdown(np.array([100.0, 120.0, 90.0])).tolist()
    [0.0, 0.0, 0.25]
    """
    return np.asarray(1.0 - equity / np.maximum.accumulate(equity))


@compiled
def worst_drawdown(equity: FloatArray) -> tuple[float, int]:
    """Return the largest `drawdown`, and the most bars in a row that equity stayed below an earlier high.

    >>> worst_drawdown(np.array([100.0, 120.0, 90.0, 110.0, 125.0]))
    (0.25, 2)
    """
    peak, trough, under, longest, deepest = equity[0], equity[0], 0, 0, 0.0
    for value in equity:
        if value < peak:
            under += 1
            trough = min(trough, value)
            continue
        # One division for each high rather than for each bar: the lowest value under it is the deepest.
        deepest, longest = max(deepest, 1.0 - trough / peak), max(longest, under)
        peak, trough, under = value, value, 0
    return max(deepest, 1.0 - trough / peak), max(longest, under)


@compiled
def _add_up(
    blocks: FloatArray, shift: float, sums: FloatArray, squares: FloatArray, losses: FloatArray
) -> None:
    """Add r - shift, its square and min(r, 0)² of float[m, LANES] to one sum for each lane.

    A sum has to be taken in order, so that one alone waits for itself; the lanes do not wait for each other.
    """
    for row in range(blocks.shape[0]):
        for lane in range(LANES):
            value = blocks[row, lane]
            sums[lane] += value - shift
            squares[lane] += (value - shift) ** 2
            losses[lane] += min(value, 0.0) ** 2


def _moments(returns: FloatArray) -> tuple[float, float, float]:
    """Return mean, sample standard deviation and downside deviation of at least two returns."""
    sums, squares, losses = np.zeros((3, LANES))
    shift = float(returns[::SAMPLE_STEP].mean())  # near the mean, so that one pass loses no digits
    whole = returns.size // LANES * LANES
    _add_up(returns[:whole].reshape(-1, LANES), shift, sums, squares, losses)
    rest = np.concatenate((returns[whole:], np.full(LANES - returns.size % LANES, shift)))
    sums += rest - shift
    squares += (rest - shift) ** 2
    losses[: returns.size % LANES] += np.minimum(returns[whole:], 0.0) ** 2
    beyond = float(sums.sum()) / returns.size
    spread = max(float(squares.sum()) - returns.size * beyond**2, 0.0)
    downside = math.sqrt(float(losses.sum()) / returns.size)
    return shift + beyond, math.sqrt(spread / (returns.size - 1)), downside


def return_ratios(returns: FloatArray, bars_per_year: float) -> tuple[Metric, Metric]:
    """Return the yearly Sharpe and Sortino ratios of per-bar returns; staying flat has 0.

    Sharpe: mean / sd · √bars_per_year, sample sd; undefined when the returns do not vary.
    Sortino: mean / downside deviation · √bars_per_year, where the downside deviation is √(Σ min(r, 0)² / n)
    over all n bars, those without a loss included: the second lower partial moment about a target of 0
    (Sortino & Price 1994, "Performance measurement in a downside risk framework"); undefined without a loss.

    >>> [round(ratio.value, 12) for ratio in return_ratios(np.array([0.03, -0.01, 0.0, 0.0]), 1.0)]
    [0.288675134595, 1.0]
    """
    count = returns.size
    if count < 2:
        reason = f"{count} returns have no standard deviation"
        return Metric.undefined(reason, no_skill=0.0), Metric.undefined(reason, no_skill=0.0)
    mean, deviation, downside = _moments(returns)
    annual = mean * math.sqrt(bars_per_year)
    sharpe = Metric.undefined("returns do not vary: standard deviation 0", no_skill=0.0, n=count)
    # Equal returns leave what rounding made of their mean.
    if deviation > STEADY * abs(mean) or np.ptp(returns) > 0:
        sharpe = Metric(annual / deviation, no_skill=0.0, n=count)
    sortino = Metric.undefined("no bar lost: downside deviation 0", no_skill=0.0, n=count)
    if downside > 0:
        sortino = Metric(annual / downside, no_skill=0.0, n=count)
    return sharpe, sortino


def sharpe_ratio(returns: FloatArray, bars_per_year: float) -> Metric:
    """Return mean / sd · √bars_per_year of per-bar returns (sample sd); undefined when sd is 0."""
    return return_ratios(returns, bars_per_year)[0]


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
    sample = np.sort(values[::SAMPLE_STEP])
    bound = sample[min(int(1.2 * count / SAMPLE_STEP) + 10, sample.size - 1)]
    kept = np.empty(2 * count)
    found = _keep_up_to(values, bound, kept)
    rest = kept[:found] if count <= found < kept.size else values
    return np.partition(rest, count - 1)[:count]


@compiled
def _keep_up_to(values: FloatArray, bound: float, kept: FloatArray) -> int:
    """Write the values up to `bound` into `kept` as far as there is room; return how many they are."""
    count, last = 0, kept.size - 1
    for value in values:
        kept[min(count, last)] = value  # overwritten by the next one unless it counts
        count += value <= bound
    return count
