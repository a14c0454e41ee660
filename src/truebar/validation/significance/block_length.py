"""How long the blocks of a stationary bootstrap should be."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray
from truebar.counts import whole_number
from truebar.errors import ConfigurationError

FEW_LAGS: Final = 64
"""Up to so many lags are summed one by one, which is then faster than a Fourier transform."""


def _dot(one: FloatArray, other: FloatArray) -> float:
    """Return Σ one · other without BLAS, whose threads cost ten times what they save on so short a sum."""
    return float(np.einsum("i,i->", one, other))


def autocovariances(series: npt.ArrayLike, lags: int) -> FloatArray:
    """Return float64[lags + 1], Σ (x_t - x̄)(x_{t+k} - x̄) / n for k = 0 … lags."""
    values = np.asarray(series, dtype=np.float64)
    centred = values - values.mean()
    if lags <= FEW_LAGS:
        rows = values.size
        return np.array([_dot(centred[: rows - lag], centred[lag:]) for lag in range(lags + 1)]) / rows
    length = 1 << int(2 * values.size - 1).bit_length()
    spectrum = np.fft.rfft(centred, length)
    products = np.fft.irfft(spectrum * np.conj(spectrum), length)
    return np.asarray(products[: lags + 1] / values.size)


def _significant_lags(series: FloatArray, most: int, run: int) -> int:
    """Return M of Politis & White (2004, §3.2): twice the first lag after which `run` lags are all noise.

    As in Patton's own implementation the first lag of the quiet run counts, so that M is at least 2.
    """
    rows = series.size
    centred = series - series.mean()
    bound, quiet = 2 * math.sqrt(math.log10(rows) / rows), 0
    for lag in range(1, most):
        early, late = centred[:-lag], centred[lag:]
        # Scaled as there: each end's sum of squares leaves out one value more.
        scale = math.sqrt(_dot(early[:-1], early[:-1]) * _dot(late[1:], late[1:]))
        quiet = quiet + 1 if abs(_dot(early, late)) < bound * scale else 0
        if quiet == run:
            return min(2 * (lag - run + 1), most)
    return most


def optimal_block_length(series: npt.ArrayLike) -> float:
    """Return the mean block length of the stationary bootstrap that suits the mean of `series`.

    Politis & White (2004) with the correction of Patton, Politis & White (2009), as their published code:
    flat-top lag window, c = 2, K = max(5, log10 n), at most min(3√n, n/3). 1 for a constant or tiny series.

    Args:
        series: float[n] in time order, finite.

    Raises:
        ConfigurationError: when a value is not finite.
    """
    values = np.asarray(series, dtype=np.float64)
    if values.ndim != 1 or not np.all(np.isfinite(values)):
        raise ConfigurationError(f"a block length needs finite values in time order; found {values.shape}.")
    rows = values.size
    if rows < 10 or np.ptp(values) == 0:
        return 1.0
    run = max(5, int(math.log10(rows)))
    most = math.ceil(math.sqrt(rows)) + run
    if most + 2 > rows:
        return 1.0
    lags = _significant_lags(values, most, run)
    covariance = autocovariances(values, lags)
    steps = np.arange(1, lags + 1)
    window = np.minimum(1.0, 2 * (1 - steps / lags))
    spread = 2 * float(np.sum(window * steps * covariance[1:]))  # G of the paper
    long_run = float(covariance[0]) + 2 * float(np.sum(window * covariance[1:]))
    if long_run == 0:
        return 1.0
    block = (spread**2 / long_run**2) ** (1 / 3) * rows ** (1 / 3)
    return float(min(max(block, 1.0), math.ceil(min(3 * math.sqrt(rows), rows / 3))))


def mean_block_length(influence: npt.ArrayLike, *, horizon_bars: int) -> float:
    """Return the mean block of METHOD §6: max(2h, Politis-White of the influence series), at most 3√n.

    Args:
        influence: float[n], influence of each row on the statistic, in time order.
        horizon_bars: h, bars that one label spans.

    Raises:
        ConfigurationError: when the horizon is no whole number of at least one bar, or a value is not finite.
    """
    values = np.asarray(influence, dtype=np.float64)
    wanted = max(2.0 * whole_number("horizon_bars", horizon_bars, 1), optimal_block_length(values))
    return float(max(1.0, min(wanted, 3 * math.sqrt(max(values.size, 1)))))
