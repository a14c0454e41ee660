"""Which pair of thresholds is taken among those tried (METHOD §3, Tuning)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.validation.significance import LEAST_ROUND_TRIPS, bootstrap_standard_error, mean_block_length

INTERVAL_WIDTH: Final = 1.96
"""Standard errors on each side of a 95 % interval of a mean."""


SUM_DIGITS: Final = 12
"""Decimals of a log return that tell two thresholds apart; rounding of their sums stays far below."""


def caution(long: float, short: float) -> tuple[float, float]:
    """Return what the more cautious of two pairs has more of: the sum, then the smaller one (METHOD §3).

    Sums that are equal on the grid of C must be equal here, or rounding would decide between them.

    >>> caution(0.75 * 0.003, 1.5 * 0.003) < caution(1.0 * 0.003, 1.25 * 0.003)
    True
    """
    return round(long + short, SUM_DIGITS), round(min(long, short), SUM_DIGITS)


@dataclass(frozen=True)
class Tried:
    """One pair of thresholds and the account that used it.

    Attributes:
        long: threshold of the long side, log return.
        short: threshold of the short side, log return.
        log_returns: float64[bars], net, per bar; empty when the account was ruined.
        n_trades: completed round trips.
    """

    long: float
    short: float
    log_returns: FloatArray
    n_trades: int

    @property
    def gain(self) -> float:
        """Mean net log return per bar; minus infinity after ruin."""
        return float(self.log_returns.mean()) if self.log_returns.size else -np.inf

    @property
    def caution(self) -> tuple[float, float]:
        """What the more cautious of two pairs has more of."""
        return caution(self.long, self.short)


def standard_error(series: FloatArray, *, horizon_bars: int) -> float:
    """Return the stationary-bootstrap standard error of the mean, with the block of METHOD §6."""
    return bootstrap_standard_error(series, mean_block=mean_block_length(series, horizon_bars=horizon_bars))


def interval_of(tried: Tried, *, horizon_bars: int) -> tuple[float | None, float | None]:
    """Return the 95 % interval of the mean net log return per bar; none after ruin."""
    if not tried.log_returns.size:
        return None, None
    width = INTERVAL_WIDTH * standard_error(tried.log_returns, horizon_bars=horizon_bars)
    return tried.gain - width, tried.gain + width


def most_cautious(every: list[Tried], *, horizon_bars: int) -> Tried | None:
    """Return the most cautious pair that is not worse than the best by more than one standard error.

    Only pairs with at least 30 round trips are compared; the error is that of the paired difference from the
    best. None when no pair has so many.
    """
    able = [tried for tried in every if tried.n_trades >= LEAST_ROUND_TRIPS and tried.log_returns.size]
    if not able:
        return None
    best = max(able, key=lambda tried: (tried.gain, tried.caution))
    # From the most cautious on, because each standard error costs a pass; best first among its equals.
    ordered = sorted(able, key=lambda tried: (tried.caution, tried is best), reverse=True)
    return next(tried for tried in ordered if tried is best or _is_as_good(tried, best, horizon_bars))


def _is_as_good(tried: Tried, best: Tried, horizon_bars: int) -> bool:
    """Return whether a pair earned less than the best by at most one paired standard error."""
    error = standard_error(best.log_returns - tried.log_returns, horizon_bars=horizon_bars)
    return best.gain - tried.gain <= error
