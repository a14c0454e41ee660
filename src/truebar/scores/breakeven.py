"""How good a forecast must be to pay its costs (METHOD §6)."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from truebar.arrays import floats
from truebar.errors import ConfigurationError, CorruptDataError
from truebar.scores.metric import Metric


def mean_of_tail(share: float) -> float:
    """Return the mean of a standard normal above its upper `share` quantile.

    >>> round(mean_of_tail(0.1), 3)
    1.755
    """
    if not 0 < share < 1:
        raise ConfigurationError(f"traded share is {share}; expected between 0 and 1.")
    normal = NormalDist()
    return normal.pdf(normal.inv_cdf(1 - share)) / share


def break_even_correlation(
    future_return: npt.ArrayLike, *, round_trip_cost: float, traded_share: float = 0.1
) -> Metric:
    """Return the correlation of forecast and return at which trading the best forecasts earns its costs.

    A normal forecast of correlation ρ that trades its best `traded_share` earns ρ · sd(return) ·
    `mean_of_tail(traded_share)` a trade before costs; break-even is where that equals the round trip.

    Args:
        future_return: float[n], log return over the label's horizon; missing values are left out.
        round_trip_cost: C, log return.
        traded_share: share of forecasts that are traded, a decile by default.

    A value above 1 means that no forecast pays. Without two different returns there is no value but a reason.

    Raises:
        ConfigurationError: for a cost that is negative or not finite, or a share outside (0, 1).
        CorruptDataError: for an infinite return.
    """
    if not 0 <= round_trip_cost < math.inf:
        raise ConfigurationError(f"round_trip_cost is {round_trip_cost}; expected a finite log return ≥ 0.")
    values = floats(future_return)
    if np.isinf(values).any():
        raise CorruptDataError(
            f"{np.count_nonzero(np.isinf(values))} of {values.size} returns are infinite; a price is zero or "
            "infinite. Check the klines."
        )
    values = values[~np.isnan(values)]
    if values.size < 2 or np.ptp(values) == 0:
        return Metric.undefined(f"{values.size} returns do not vary", n=values.size)
    gain = float(values.std(ddof=1)) * mean_of_tail(traded_share)
    return Metric(round_trip_cost / gain, no_skill=0.0, n=values.size)
