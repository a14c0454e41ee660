"""How long a record must be before its Sharpe ratio is proven."""

from __future__ import annotations

import math
from typing import Final

from truebar.errors import ConfigurationError
from truebar.validation.significance.sharpe import NORMAL, expected_max_sharpe

LEAST_ROUND_TRIPS: Final = 30
"""Fewer show nothing, neither of an edge nor of which thresholds are better (METHOD §3, §6)."""


def min_track_record_bars(
    sharpe: float,
    *,
    skew: float,
    kurtosis: float,
    benchmark: float = 0.0,
    n_trials: float = 1,
    confidence: float = 0.95,
) -> float:
    """Return the number of returns from which on this Sharpe ratio beats `benchmark` with `confidence`.

    Bailey & López de Prado (2012, eq. 13), the length at which `probabilistic_sharpe_ratio` reaches the
    confidence: 1 + (1 - γ₃ SR + (γ₄ - 1)/4 · SR²) (z / (SR - SR₀))². Under N trials without skill, whose
    ratios have standard deviation 1/√n, their expected largest also shrinks as the record grows; with E that
    of a standard deviation of one it is 1 + ((z √(1 - γ₃ SR + (γ₄ - 1)/4 · SR²) + E) / (SR - SR₀))², which
    is at most one part in 2n too long. Our addition: it is the length at which `deflated_sharpe_ratio` with
    its default spread reaches the confidence.

    Args:
        sharpe: observed, per bar; taken to stay what it is.
        skew: γ₃ of the returns.
        kurtosis: γ₄ of the returns, 3 for a normal distribution.
        benchmark: SR₀, per bar.
        n_trials: N, on the vault the distinct recipes that looked at it.
        confidence: probability aimed at, above 0.5.

    Infinite where the Sharpe ratio is not above the benchmark: no record of it proves anything. Not rounded.

    Raises:
        ConfigurationError: for a confidence outside (0.5, 1), less than one trial, a number that is not
            finite, or moments that no returns can have.

    >>> years = min_track_record_bars(2 / 12**0.5, skew=-0.72, kurtosis=5.78, benchmark=1 / 12**0.5) / 12
    >>> round(years, 2)
    4.99
    """
    variance = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if not (0.5 < confidence < 1 and 0 < variance < math.inf and math.isfinite(benchmark)):
        raise ConfigurationError(
            f"no track record for a Sharpe ratio of {sharpe} with skew {skew}, kurtosis {kurtosis} and "
            f"confidence {confidence} against {benchmark}; expected a confidence between 0.5 and 1, finite "
            "numbers, and kurtosis ≥ 1 + skew²."
        )
    luck = expected_max_sharpe(n_trials, standard_deviation=1.0)
    if not sharpe > benchmark:
        return math.inf
    distance = NORMAL.inv_cdf(confidence) * math.sqrt(variance) + luck
    return 1 + (distance / (sharpe - benchmark)) ** 2
