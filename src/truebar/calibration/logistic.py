"""Logistic regression on one column, by Newton's method to full precision."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import expit, logit

from truebar.arrays import BoolArray, FloatArray
from truebar.errors import ModelError

MOST_STEPS: Final = 100
STEP_TOLERANCE: Final = 1e-10
LOSS_ROUNDING: Final = 1e-13
"""A loss that rises by no more has not risen: without it the last steps are halved for noise."""


def fit_logistic(values: FloatArray, members: BoolArray, *, name: str) -> tuple[float, float]:
    """Return (intercept, slope) of the largest likelihood of `members` at expit(intercept + slope * value).

    Args:
        values: float64[n], finite.
        members: bool[n], with at least one row of each kind.
        name: what the column is called in an error's message.

    No penalty. Values that are all the same carry no slope: it is 0, and the intercept the share's logit.

    Raises:
        ModelError: when a threshold splits members from the others, so that the likelihood has no maximum.
    """
    centre, spread = float(values.mean()), float(values.std())
    if spread <= 1e-12 * max(1.0, abs(centre)):
        return float(logit(members.mean())), 0.0
    _refuse_separated(values, members, name)
    standard = (values - centre) / spread
    intercept, slope = _newton(standard, members.astype(np.float64), name)
    return intercept - slope * centre / spread, slope / spread


def _refuse_separated(values: FloatArray, members: BoolArray, name: str) -> None:
    """Raise ModelError when one threshold splits `members` from the others (Albert & Anderson 1984)."""
    inside, outside = values[members], values[~members]
    if inside.min() >= outside.max() or inside.max() <= outside.min():
        raise ModelError(
            f"one threshold on {name} splits its {inside.size} rows from the other {outside.size} without "
            "error, so no finite logistic curve is best. With few rows use more, or the method temperature "
            "or none; with many, look for a leak."
        )


def _newton(standard: FloatArray, targets: FloatArray, name: str) -> tuple[float, float]:
    """Return (intercept, slope) where the likelihood's gradient vanishes; steps are halved if it falls."""
    design = np.column_stack([np.ones_like(standard), standard])
    line = np.array([float(logit(targets.mean())), 0.0])
    loss = _mean_loss(design @ line, targets)
    for _ in range(MOST_STEPS):
        fitted = expit(design @ line)
        gradient = design.T @ (fitted - targets) / len(targets)
        curvature = design.T @ (design * (fitted * (1 - fitted))[:, None]) / len(targets)
        # Where curvature has vanished in rounding, least squares still gives a step.
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        ceiling = loss + LOSS_ROUNDING
        while _mean_loss(design @ (line - step), targets) > ceiling and np.abs(step).max() > STEP_TOLERANCE:
            step = step / 2
        line = line - step
        loss = _mean_loss(design @ line, targets)
        if np.abs(step).max() <= STEP_TOLERANCE * max(1.0, float(np.abs(line).max())):
            return float(line[0]), float(line[1])
    raise ModelError(
        f"the logistic curve of {name} did not settle in {MOST_STEPS} steps on {len(targets)} rows. "
        "Use more rows, or the method temperature or none."
    )


def _mean_loss(log_odds: FloatArray, targets: FloatArray) -> float:
    """Return the mean negative log likelihood."""
    return float(np.mean(np.logaddexp(0.0, log_odds) - targets * log_odds))
