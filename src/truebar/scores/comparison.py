"""Challenger against champion, paired on the same bars (METHOD §5.8)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from truebar.arrays import floats
from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError
from truebar.scores.intervals import Resampling, bootstrap_intervals, mean_estimate
from truebar.scores.metric import Metric


def paired_log_return(challenger: npt.ArrayLike, champion: npt.ArrayLike, how: Resampling) -> Metric:
    """Return the mean difference of net log return per bar, challenger less champion, with its interval.

    Both accounts live through the same bars, so that what the market does to both cancels; the differences
    are resampled in blocks (Politis & Romano 1994), 95 % two-sided, mean block as for every interval. The
    challenger is better only where `low` is above 0 (and its verdict is `edge`: METHOD §5.8).

    Args:
        challenger: float[n], ln(equity_t / equity_{t-1}) net of all costs, per bar in time order, flat bars
            included.
        champion: float[n], of the same bars; zeros for "stay flat".
        how: horizon, generator and number of resamples.

    Accounts that never differ have the interval [0, 0], which is not above 0; bars that hold less than two
    mean blocks have none. Known when the last bar has
    closed.

    Raises:
        SchemaError: when the two do not have the same number of bars.
        CorruptDataError: when a return is missing or infinite: an account that is ruined has no log return.
        TooFewRowsError: with fewer than two bars.

    >>> how = Resampling(1, np.random.default_rng(0), n_resamples=200)
    >>> found = paired_log_return([0.02, 0.01, 0.03, 0.02], [0.0, 0.0, 0.0, 0.0], how)
    >>> round(found.value, 3), found.low > 0
    (0.02, True)
    """
    theirs, ours = floats(challenger), floats(champion)
    if theirs.ndim != 1 or theirs.shape != ours.shape:
        raise SchemaError(
            f"challenger and champion have shapes {theirs.shape} and {ours.shape}; expected the same bars."
        )
    bad = ~(np.isfinite(theirs) & np.isfinite(ours))
    if bad.any():
        raise CorruptDataError(
            f"{np.count_nonzero(bad)} of {bad.size} bars have no finite log return, first bar "
            f"{int(np.argmax(bad))}. Compare over bars in which both accounts are alive."
        )
    if theirs.size < 2:
        raise TooFewRowsError(f"{theirs.size} bars show no difference; wait for more forward bars.")
    difference = theirs - ours
    low, high = bootstrap_intervals({"difference": mean_estimate(difference)}, how)["difference"]
    return Metric(difference.mean(), no_skill=0.0, low=low, high=high, n=difference.size)
