"""Reliability: does what was said with probability p come true in a share p of the rows?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from truebar.arrays import BoolArray, FloatArray
from truebar.classes import CLASS_NAMES
from truebar.scores.activity import equal_mass_bins
from truebar.scores.rows import ScoredRows

RELIABILITY_BINS: Final = 10
"""Bins of equal mass that a diagram shows."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows whose predicted probability of a class is about the same.

    Attributes:
        predicted: mean predicted probability in the bin.
        observed: share of its rows that were of the class.
        rows: how many.
    """

    predicted: float
    observed: float
    rows: int


def reliability_bins(
    probability: FloatArray, came: BoolArray, bins: int = RELIABILITY_BINS
) -> tuple[ReliabilityBin, ...]:
    """Return bins of equal mass, by rising probability; equal probabilities share a bin.

    DeGroot & Fienberg (1983), "The comparison and evaluation of forecasters".

    Args:
        probability: float64[m], of one class, finite.
        came: bool[m], whether the row was of the class.
        bins: how many at most.

    Without rows there is no bin.

    >>> reliability_bins(np.array([0.1, 0.1, 0.7, 0.9]), np.array([False, True, True, True]), bins=2)[0]
    ReliabilityBin(predicted=0.1, observed=0.5, rows=2)
    """
    if probability.size == 0:
        return ()
    place = equal_mass_bins(probability, bins)
    rows = np.bincount(place)
    said, happened = np.bincount(place, weights=probability), np.bincount(place, weights=came)
    return tuple(
        ReliabilityBin(float(said[one] / rows[one]), float(happened[one] / rows[one]), int(rows[one]))
        for one in np.flatnonzero(rows)
    )


def reliability_by_class(
    rows: ScoredRows, bins: int = RELIABILITY_BINS
) -> Mapping[str, tuple[ReliabilityBin, ...]]:
    """Return the bins of each class: down, flat and up."""
    return {
        name: reliability_bins(
            np.ascontiguousarray(rows.probabilities[:, place]), rows.labels == place - 1, bins
        )
        for place, name in enumerate(CLASS_NAMES)
    }


def calibration_error(bins: Mapping[str, tuple[ReliabilityBin, ...]]) -> float | None:
    """Return the mean over classes of Σ over bins of mass · |mean p - frequency|; None without rows.

    With `ECE_BINS` bins it is the metric `ece`.
    """
    totals = [sum(one.rows for one in found) for found in bins.values()]
    if not totals or min(totals) == 0:
        return None
    errors = [
        sum(one.rows * abs(one.predicted - one.observed) for one in found) / total
        for found, total in zip(bins.values(), totals, strict=True)
    ]
    return sum(errors) / len(errors)
