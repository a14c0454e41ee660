"""How much of a score is luck: the stationary bootstrap, Sharpe ratios under trials, and choice as luck.

Sharpe ratios here are per bar, mean over standard deviation, unless a name says `annual`; kurtosis is the
fourth standardised moment, 3 for a normal distribution.
"""

from truebar.validation.significance.block_length import (
    autocovariances,
    mean_block_length,
    optimal_block_length,
)
from truebar.validation.significance.bootstrap import (
    N_RESAMPLES,
    CountArray,
    bootstrap_counts,
    stationary_bootstrap,
)
from truebar.validation.significance.overfitting import Overfitting, probability_of_backtest_overfitting
from truebar.validation.significance.selection import Selection, luckiest_sharpe
from truebar.validation.significance.sharpe import (
    deflated_sharpe_ratio,
    expected_max_sharpe,
    min_detectable_sharpe,
    probabilistic_sharpe_ratio,
)
from truebar.validation.significance.standard_error import bootstrap_standard_error
from truebar.validation.significance.track_record import LEAST_ROUND_TRIPS, min_track_record_bars

__all__ = [
    "LEAST_ROUND_TRIPS",
    "N_RESAMPLES",
    "CountArray",
    "Overfitting",
    "Selection",
    "autocovariances",
    "bootstrap_counts",
    "bootstrap_standard_error",
    "deflated_sharpe_ratio",
    "expected_max_sharpe",
    "luckiest_sharpe",
    "mean_block_length",
    "min_detectable_sharpe",
    "min_track_record_bars",
    "optimal_block_length",
    "probabilistic_sharpe_ratio",
    "probability_of_backtest_overfitting",
    "stationary_bootstrap",
]
