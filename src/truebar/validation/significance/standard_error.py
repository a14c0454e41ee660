"""The standard error of a mean under the stationary bootstrap, in closed form."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray
from truebar.compiled import compiled
from truebar.errors import ConfigurationError
from truebar.validation.significance.bootstrap import checked_bootstrap


@compiled
def _sums(centred: FloatArray, keep: float) -> tuple[float, float]:
    """Return Σ x_t² and Σ_t x_t Σ_{i=1}^{n-1} (1 - i/n) keep^i x_{t-i}, rows running round the end.

    The inner sum is `near - x_t - aged / n` with near = Σ keep^i x_{t-i} and aged = Σ i keep^i x_{t-i} over
    i = 0 … n - 1, which one step brings from row to row.
    """
    rows = centred.size
    power, near, aged = 1.0, 0.0, 0.0
    for age in range(rows):
        value = power * centred[rows - 1 - age]
        near += value
        aged += age * value
        power *= keep
    squares = products = 0.0
    for row in range(rows):
        value = centred[row]
        aged = keep * (aged + near) - rows * power * value  # the row that comes round leaves the sum
        near = value + keep * near - power * value
        squares += value * value
        products += value * (near - value - aged / rows)
    return squares, products


def bootstrap_standard_error(series: npt.ArrayLike, *, mean_block: float) -> float:
    """Return the standard deviation of the stationary-bootstrap mean of `series`, without drawing.

    Politis & Romano (1994, Lemma 1): n · variance = γ₀ + 2 Σ b_i γ_i with
    b_i = (1 - i/n)(1-p)^i + (i/n)(1-p)^{n-i} and p = 1 / mean_block. The second term of b_i is the first of
    the lag n - i, so that the sum is Σ (1 - i/n)(1-p)^i over covariances that run round the end.

    Raises:
        ConfigurationError: for an empty series, a value that is not finite, or a block below 1.
    """
    values = np.asarray(series, dtype=np.float64)
    if values.ndim != 1 or not np.all(np.isfinite(values)):
        raise ConfigurationError(
            f"a standard error needs finite values in time order; found shape {values.shape} with "
            f"{np.count_nonzero(~np.isfinite(values))} that are not finite. Leave such rows out first."
        )
    checked_bootstrap(values.size, mean_block, 1)
    squares, products = _sums(values - values.mean(), 1 - 1 / mean_block)
    return math.sqrt(max(squares + 2 * products, 0.0)) / values.size
