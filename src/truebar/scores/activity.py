"""Activity scores: can the probabilities tell quiet bars from moving ones? They say nothing of direction.

Volatility is predictable, so that these lie above no-skill on markets without any direction (METHOD §6).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray, IntArray
from truebar.classes import CLASS_NAMES
from truebar.compiled import compiled
from truebar.probabilities import PROBABILITY_FLOOR
from truebar.scores.intervals import Estimate, Resampling, mean_estimate, with_intervals
from truebar.scores.metric import Metric
from truebar.scores.ranks import Ranking, ranked, roc_areas, roc_influence
from truebar.scores.rows import ScoredRows, checked_shares, no_rows, scored_rows
from truebar.validation.significance import CountArray

ECE_BINS: Final = 15
"""Bins of equal mass in each class."""


def brier_rows(probabilities: FloatArray, one_hot: FloatArray) -> FloatArray:
    """Return float64[m], Σ_c (p_c - y_c)²: 0 is perfect, 2 the worst (Brier 1950)."""
    return np.asarray(((probabilities - one_hot) ** 2).sum(axis=1))


def log_loss_rows(probabilities: FloatArray, one_hot: FloatArray) -> FloatArray:
    """Return float64[m], -ln p of the class that came."""
    came = (probabilities * one_hot).sum(axis=1)
    return np.asarray(-np.log(np.maximum(came, PROBABILITY_FLOOR)))


def equal_mass_bins(values: FloatArray, bins: int = ECE_BINS) -> IntArray:
    """Return the bin of each value; equal values share a bin, so there may be fewer than `bins`."""
    edges = np.unique(np.quantile(values, np.arange(1, bins) / bins))
    return np.searchsorted(edges, values, side="right").astype(np.int64)


@compiled
def _bin_gaps(counts: CountArray, place: IntArray, gap: FloatArray) -> FloatArray:
    """Return Σ over bins of |Σ gap| by resample; a row's gap is its probability less its outcome."""
    total = np.zeros(counts.shape[0])
    sums = np.empty(place.max() + 1)
    for resample in range(counts.shape[0]):
        sums[:] = 0.0
        for row in range(place.size):
            sums[place[row]] += counts[resample, row] * gap[row]
        total[resample] = np.abs(sums).sum()
    return total


Scored = tuple[Metric, Estimate | None]
"""A metric without its interval, and what gives it one; nothing where it is undefined."""


def _calibration_error(rows: ScoredRows) -> Scored:
    """Return the mean over classes of Σ over bins of mass · |mean p - frequency|."""
    gaps = rows.probabilities - rows.one_hot
    places = [equal_mass_bins(np.ascontiguousarray(column)) for column in rows.probabilities.T]
    columns = [np.ascontiguousarray(column) for column in gaps.T]
    n = rows.labels.size

    def error(counts: CountArray) -> FloatArray:
        by_class = [_bin_gaps(counts, *pair) for pair in zip(places, columns, strict=True)]
        return np.asarray(np.sum(by_class, axis=0) / (len(CLASS_NAMES) * n))

    signs = [np.sign(np.bincount(p, weights=g))[p] for p, g in zip(places, columns, strict=True)]
    influence = np.sum([s * g for s, g in zip(signs, columns, strict=True)], axis=0)
    value = error(np.ones((1, n), dtype=np.int32))[0]
    return Metric(value, no_skill=0.0, n=n), Estimate(error, influence)


def _mean(values: FloatArray, no_skill: FloatArray) -> Scored:
    return Metric(values.mean(), no_skill=no_skill.mean(), n=values.size), mean_estimate(values)


def _mean_area(rankings: list[Ranking], names: list[str]) -> Scored:
    """Return the mean of one-against-rest areas, resampled together."""
    n = rankings[0].rows
    for ranking, name in zip(rankings, names, strict=True):
        if not ranking.positives or not ranking.negatives:
            which = "none" if not ranking.positives else "every one"
            return Metric.undefined(f"{which} of {n} rows is labelled {name}", no_skill=0.5, n=n), None

    def area(counts: CountArray) -> FloatArray:
        return np.asarray(np.mean([roc_areas(ranking, counts) for ranking in rankings], axis=0))

    influence = np.mean([roc_influence(ranking) for ranking in rankings], axis=0)
    return Metric(area(rankings[0].once)[0], no_skill=0.5, n=n), Estimate(area, influence)


def activity_scores(
    probabilities: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    dev_shares: tuple[float, float, float],
    how: Resampling,
) -> dict[str, Metric]:
    """Return brier, log_loss, ece, flat_auc and macro_auc with no-skill values and 95 % intervals.

    brier and log_loss are 3-class scores beside what dev's class frequencies get on the same rows. ece is
    the mean over classes and 15 bins of equal mass of |mean p - frequency|, weighed by mass. flat_auc ranks
    by p_flat, macro_auc is the mean of the three one-against-rest areas; no-skill 0.5.

    Args:
        probabilities: float[n, 3], p_down, p_flat, p_up, in time order.
        labels: [n], -1, 0, 1 or missing.
        dev_shares: (down, flat, up) of dev's labels, from `truebar.scores.rows.class_shares`.
        how: horizon, generator and number of resamples.

    Rows without a label or without a prediction (NaN) are left out and do not count in n. Where a
    class is missing the metric has no value but a reason. The scores are known when the last label is.

    Raises:
        SchemaError: when lengths differ or there are not three columns.
        CorruptDataError: for a label other than -1, 0, 1 or missing.
        InvalidProbabilityError: for a row that is infinite, outside [0, 1] or does not sum to one.
        ConfigurationError: when dev's shares do not sum to one.
    """
    prior, rows = checked_shares(dev_shares)[None, :], scored_rows(probabilities, labels)
    if rows.labels.size == 0:
        names = ("brier", "log_loss", "ece", "flat_auc", "macro_auc")
        return {name: Metric.undefined(no_rows(rows), n=0) for name in names}
    one_hot = rows.one_hot
    rankings = [
        ranked(np.ascontiguousarray(rows.probabilities[:, place]), one_hot[:, place] == 1)
        for place in range(3)
    ]
    probabilities_and_prior = (rows.probabilities, prior)
    scored: dict[str, Scored] = {
        "brier": _mean(*(brier_rows(said, one_hot) for said in probabilities_and_prior)),
        "log_loss": _mean(*(log_loss_rows(said, one_hot) for said in probabilities_and_prior)),
        "ece": _calibration_error(rows),
        "flat_auc": _mean_area(rankings[1:2], ["flat"]),
        "macro_auc": _mean_area(rankings, list(CLASS_NAMES)),
    }
    estimates = {name: estimate for name, (_, estimate) in scored.items() if estimate is not None}
    return with_intervals({name: metric for name, (metric, _) in scored.items()}, estimates, how)
