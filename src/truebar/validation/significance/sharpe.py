"""Sharpe ratios against luck: of one record, of the best of many trials, and what could be seen at all."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

from truebar.errors import ConfigurationError

EULER_MASCHERONI: Final = 0.5772156649015329

MOST_TRIALS: Final = 1e15
"""With more than these 1 - 1/N rounds to 1, whose quantile is infinite."""

NORMAL: Final = NormalDist()
"""The standard normal distribution; scipy.stats has it too, at two seconds of import."""

DETECTABLE_SHARPE_AT_ONE_YEAR: Final = 2.49
"""Yearly Sharpe found with 95 % confidence and 80 % power in one year: z(0.95) + z(0.80)."""


def probabilistic_sharpe_ratio(
    sharpe: float, *, n: int, skew: float, kurtosis: float, benchmark: float = 0.0
) -> float:
    """Return the probability that the true Sharpe ratio exceeds `benchmark`.

    Bailey & López de Prado (2012, eq. 11): Φ((SR - SR₀) √(n-1) / √(1 - γ₃ SR + (γ₄ - 1)/4 · SR²)).

    Args:
        sharpe: observed, per bar.
        n: how many returns it rests on.
        skew: γ₃ of the returns.
        kurtosis: γ₄ of the returns, 3 for a normal distribution.
        benchmark: SR₀, per bar.

    Raises:
        ConfigurationError: with fewer than 2 returns, a number that is not finite, or moments that no
            returns can have.

    >>> round(probabilistic_sharpe_ratio(0.458, n=24, skew=-2.448, kurtosis=10.164), 3)
    0.913
    """
    variance = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if not (2 <= n < math.inf and math.isfinite(benchmark) and 0 < variance < math.inf):
        raise ConfigurationError(
            f"no probability for a Sharpe ratio of {sharpe} from {n} returns with skew {skew} and kurtosis "
            f"{kurtosis} against {benchmark}; expected at least 2 returns, finite numbers, and kurtosis "
            "≥ 1 + skew²."
        )
    return float(NORMAL.cdf((sharpe - benchmark) * math.sqrt(n - 1) / math.sqrt(variance)))


def expected_max_sharpe(n_trials: float, *, standard_deviation: float) -> float:
    """Return the expected largest Sharpe ratio of independent trials without skill; 0 for one trial.

    Bailey & López de Prado (2014, eq. 1): sd · ((1 - γ) Φ⁻¹(1 - 1/N) + γ Φ⁻¹(1 - 1/(N e))).

    Raises:
        ConfigurationError: with fewer than one trial or more than `MOST_TRIALS`, or a standard deviation
            that is negative or not finite.

    >>> round(expected_max_sharpe(100, standard_deviation=(0.5 / 250) ** 0.5), 4)
    0.1132
    """
    if not (1 <= n_trials <= MOST_TRIALS and 0 <= standard_deviation < math.inf):
        raise ConfigurationError(
            f"{n_trials} trials with standard deviation {standard_deviation}; expected 1 to "
            f"{MOST_TRIALS:.0e} trials and a finite deviation, not below 0."
        )
    if n_trials == 1:
        return 0.0
    largest = (1 - EULER_MASCHERONI) * NORMAL.inv_cdf(1 - 1 / n_trials)
    return float(
        standard_deviation * (largest + EULER_MASCHERONI * NORMAL.inv_cdf(1 - 1 / (n_trials * math.e)))
    )


def deflated_sharpe_ratio(
    sharpe: float,
    *,
    n: int,
    skew: float,
    kurtosis: float,
    n_trials: float,
    standard_deviation: float | None = None,
) -> float:
    """Return the probability that the true Sharpe ratio beats the best of `n_trials` without skill.

    Bailey & López de Prado (2014, eq. 2): the probabilistic Sharpe ratio against `expected_max_sharpe`.

    Args:
        sharpe: observed, per bar.
        n: how many returns it rests on.
        skew: γ₃ of the returns.
        kurtosis: γ₄ of the returns, 3 for a normal distribution.
        n_trials: N, on the vault the distinct recipes that looked at it.
        standard_deviation: of the trials' Sharpe ratios; 1/√n (that of no skill) by default.

    Raises:
        ConfigurationError: as the two functions it is made of.

    >>> daily = 2.5 / 250**0.5
    >>> round(deflated_sharpe_ratio(
    ...     daily, n=1250, skew=-3, kurtosis=10, n_trials=100, standard_deviation=(0.5 / 250) ** 0.5), 4)
    0.9004
    """
    spread = 1 / math.sqrt(n) if standard_deviation is None and n > 0 else standard_deviation
    benchmark = expected_max_sharpe(n_trials, standard_deviation=0.0 if spread is None else spread)
    return probabilistic_sharpe_ratio(sharpe, n=n, skew=skew, kurtosis=kurtosis, benchmark=benchmark)


def min_detectable_sharpe(years: float) -> float:
    """Return the true yearly Sharpe that `years` of data show with 95 % confidence and 80 % power.

    Raises:
        ConfigurationError: when years is not a positive, finite number.

    >>> round(min_detectable_sharpe(73 / 365), 1)
    5.6
    """
    if not 0 < years < math.inf:
        raise ConfigurationError(f"years is {years}; expected a finite number above 0.")
    return DETECTABLE_SHARPE_AT_ONE_YEAR / math.sqrt(years)
