"""How large a position is when it is entered (METHOD §3, Size)."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray
from truebar.config import SizingConfig
from truebar.edge import valid_probabilities
from truebar.errors import ConfigurationError, SchemaError
from truebar.probabilities import probability_columns
from truebar.units import BARS_PER_YEAR, validate_timeframe

KELLY_INPUTS: Final = "probabilities, edge, tau, class_moments and round_trip_cost"


def _column(values: npt.ArrayLike, name: str, rows: int | None = None) -> FloatArray:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1 or (rows is not None and column.size != rows):
        raise SchemaError(f"{name} has shape {column.shape}; expected one value per bar ({rows or 'n'}).")
    return column


def _moments(class_moments: npt.ArrayLike, rows: int) -> FloatArray:
    """Return q as float64[3] or float64[rows, 3]."""
    try:
        moments = np.asarray(class_moments, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SchemaError(f"class_moments must be numbers, three or three a row ({error}).") from error
    if moments.shape not in {(3,), (rows, 3)}:
        raise SchemaError(
            f"class_moments have shape {moments.shape}; expected (q_down, q_flat, q_up), one triple in all "
            f"or one for each of {rows} rows."
        )
    return moments


def predicted_variance(
    probabilities: npt.ArrayLike, tau: npt.ArrayLike, class_moments: npt.ArrayLike
) -> FloatArray:
    """Return v[n] = tau² · Σ p_c · q_c, the second moment of the return that the probabilities imply.

    Args:
        probabilities: float[n, 3], columns p_down, p_flat, p_up; a frame is read by these names.
        tau: float[n], log return.
        class_moments: (q_down, q_flat, q_up) of `truebar.edge.class_second_moments`; one triple, or
            float[n, 3] where rows come from folds with their own.

    NaN where a row is no probability. Known when the row is.

    Raises:
        SchemaError: when lengths or columns do not match.

    >>> predicted_variance([[0.25, 0.5, 0.25]], [0.01], (4.0, 0.25, 4.0)).round(7).tolist()
    [0.0002125]
    """
    thresholds = _column(tau, "tau")
    rows = probability_columns(probabilities)
    valid = valid_probabilities(rows)
    if valid.size != thresholds.size:
        raise SchemaError(
            f"probabilities have {valid.size} rows and tau {thresholds.size}; expected the same."
        )
    second_moment = np.sum(rows * _moments(class_moments, valid.size), axis=1)
    return np.where(valid, thresholds**2 * second_moment, np.nan)


def position_sizes(
    sigma: npt.ArrayLike,
    *,
    timeframe: str,
    config: SizingConfig,
    probabilities: npt.ArrayLike | None = None,
    edge: npt.ArrayLike | None = None,
    tau: npt.ArrayLike | None = None,
    class_moments: npt.ArrayLike | None = None,
    round_trip_cost: float | None = None,
) -> FloatArray:
    """Return q[n], the share of equity that a position entered at each row would have.

    q = min(q_max, sigma_target / (sigma · √BARS_PER_YEAR)), and with Kelly on also
    lambda · max(0, |e| - C) / v (METHOD §3).

    Args:
        sigma: float[n], volatility per bar, log return.
        timeframe: the bars' timeframe.
        config: bounds and targets.
        probabilities: float[n, 3]; this and all below only with Kelly.
        edge: e[n], log return.
        tau: float[n], log return.
        class_moments: (q_down, q_flat, q_up), one triple or float[n, 3].
        round_trip_cost: C, log return.

    NaN where sigma is unknown or not positive, and with Kelly where the edge or v is: no entry there.
    Row t is known at the close of bar t.

    Raises:
        ConfigurationError: when Kelly is on and one of its inputs is missing.
        SchemaError: when lengths or columns do not match.

    >>> position_sizes([0.002, 0.0005], timeframe="15m", config=SizingConfig()).round(3).tolist()
    [0.534, 1.0]
    """
    volatility = _column(sigma, "sigma")
    per_year = np.sqrt(BARS_PER_YEAR[validate_timeframe(timeframe)])
    known = np.where(np.isfinite(volatility) & (volatility > 0), volatility, np.nan)
    sizes: FloatArray = np.minimum(config.q_max, config.sigma_target / (known * per_year))
    if not config.kelly:
        return sizes
    if (
        probabilities is None
        or edge is None
        or tau is None
        or class_moments is None
        or round_trip_cost is None
    ):
        raise ConfigurationError(f"Kelly sizing needs {KELLY_INPUTS}; give all of them, or switch it off.")
    variance = predicted_variance(probabilities, _column(tau, "tau", sizes.size), class_moments)
    beyond_cost = np.maximum(0.0, np.abs(_column(edge, "edge", sizes.size)) - round_trip_cost)
    usable = np.where(variance > 0, variance, np.nan)
    # np.minimum keeps NaN, so an unknown Kelly size is no entry rather than a full one.
    limited: FloatArray = np.minimum(sizes, config.kelly_fraction * beyond_cost / usable)
    return limited
