"""The standard error of a mean under the stationary bootstrap, in closed form."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from truebar.validation.significance.block_length import autocovariances
from truebar.validation.significance.bootstrap import check_bootstrap


def bootstrap_standard_error(series: npt.ArrayLike, *, mean_block: float) -> float:
    """Return the standard deviation of the stationary-bootstrap mean of `series`, without drawing.

    Politis & Romano (1994, Lemma 1): n · variance = γ₀ + 2 Σ b_i γ_i with
    b_i = (1 - i/n)(1-p)^i + (i/n)(1-p)^{n-i} and p = 1 / mean_block.

    Raises:
        ConfigurationError: for an empty series or a block below 1.
    """
    values = np.asarray(series, dtype=np.float64)
    check_bootstrap(values.size, mean_block, 1)
    rows, keep = values.size, 1 - 1 / mean_block
    covariance = autocovariances(values, rows - 1)
    lag = np.arange(1, rows)
    weights = (1 - lag / rows) * keep**lag + lag / rows * keep ** (rows - lag)
    total = float(covariance[0]) + 2 * float(np.sum(weights * covariance[1:]))
    return math.sqrt(max(total, 0.0) / rows)
