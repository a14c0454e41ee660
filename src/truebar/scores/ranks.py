"""Scores that depend on the order of rows: areas under the ROC and the precision-recall curve.

Each is computed from rows sorted once and weights that may be resampled, so that a resample costs one pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from truebar.arrays import BoolArray, FloatArray, IntArray
from truebar.compiled import compiled
from truebar.validation.significance import CountArray


@dataclass(frozen=True)
class Ranking:
    """Rows that are compared, from the lowest score to the highest.

    Attributes:
        order: int64[m], places of the compared rows among all n rows.
        positive: bool[m], whether each is positive.
        ends: bool[m], whether the next one has a higher score; equal scores count half.
        rows: n.
    """

    order: IntArray
    positive: BoolArray
    ends: BoolArray
    rows: int

    @property
    def positives(self) -> int:
        """How many rows are positive."""
        return int(np.count_nonzero(self.positive))

    @property
    def negatives(self) -> int:
        """How many rows are negative."""
        return int(self.positive.size - self.positives)

    @property
    def once(self) -> CountArray:
        """Counts of the rows as they are: each once."""
        return np.ones((1, self.rows), dtype=np.int32)


def ranked(score: FloatArray, positive: BoolArray, compared: BoolArray | None = None) -> Ranking:
    """Return the ranking of float64[n] scores among the rows that are compared (all by default)."""
    members = np.arange(score.size) if compared is None else np.flatnonzero(compared)
    order = members[np.argsort(score[members], kind="stable")]
    sorted_score = score[order]
    ends = np.ones(order.size, dtype=np.bool_)
    ends[:-1] = sorted_score[1:] > sorted_score[:-1]
    return Ranking(order, np.ascontiguousarray(positive[order]), ends, score.size)


@compiled
def _roc_areas(counts: CountArray, order: IntArray, positive: BoolArray, ends: BoolArray) -> FloatArray:
    """Return the area under the ROC curve of each resample; NaN without both classes."""
    areas = np.empty(counts.shape[0])
    for resample in range(counts.shape[0]):
        above = below = tied_positive = tied_negative = 0.0
        area = 0.0
        for place in range(order.size):
            weight = counts[resample, order[place]]
            if positive[place]:
                tied_positive += weight
            else:
                tied_negative += weight
            if ends[place]:
                area += tied_positive * (below + 0.5 * tied_negative)
                below += tied_negative
                above += tied_positive
                tied_positive = tied_negative = 0.0
        areas[resample] = area / (above * below) if above > 0 and below > 0 else np.nan
    return areas


@compiled
def _average_precisions(
    counts: CountArray, order: IntArray, positive: BoolArray, ends: BoolArray
) -> FloatArray:
    """Return Σ (recall step) · precision, from the highest score down, of each resample."""
    values = np.empty(counts.shape[0])
    for resample in range(counts.shape[0]):
        found = seen = tied = total = 0.0
        for place in range(order.size - 1, -1, -1):
            weight = counts[resample, order[place]]
            seen += weight
            if positive[place]:
                tied += weight
            if place == 0 or ends[place - 1]:
                found += tied
                if seen > 0:
                    total += tied * found / seen
                tied = 0.0
        values[resample] = total / found if found > 0 else np.nan
    return values


def roc_areas(ranking: Ranking, counts: CountArray) -> FloatArray:
    """Return float64[resamples], the area under the ROC curve with each row weighed by its count."""
    return _roc_areas(counts, ranking.order, ranking.positive, ranking.ends)


def average_precisions(ranking: Ranking, counts: CountArray) -> FloatArray:
    """Return float64[resamples], the average precision (without interpolation) under the counts."""
    return _average_precisions(counts, ranking.order, ranking.positive, ranking.ends)


def _groups(ranking: Ranking) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return (group of each place, positives by group, negatives by group), groups of equal scores."""
    group = np.concatenate(([0], np.cumsum(ranking.ends[:-1]))).astype(np.int64)
    size = int(group[-1]) + 1
    everyone = np.bincount(group, minlength=size).astype(np.float64)
    positives = np.bincount(group[ranking.positive], minlength=size).astype(np.float64)
    return group, positives, everyone - positives


def roc_influence(ranking: Ranking) -> FloatArray:
    """Return float64[n], the influence of each row on the area: its placement value, 0 where not compared.

    The placement of a positive row is the share of negatives below it, of a negative row the share of
    positives above it, equal scores half (DeLong et al. 1988); each less the area, over its class's share.
    """
    group, positives, negatives = _groups(ranking)
    below = np.cumsum(negatives) - 0.5 * negatives
    above = ranking.positives - np.cumsum(positives) + 0.5 * positives
    area = float(positives @ below) / (ranking.positives * ranking.negatives)
    placement = np.where(
        ranking.positive,
        (below[group] / ranking.negatives - area) * ranking.rows / ranking.positives,
        (above[group] / ranking.positives - area) * ranking.rows / ranking.negatives,
    )
    influence = np.zeros(ranking.rows)
    influence[ranking.order] = placement
    return influence


def precision_influence(ranking: Ranking) -> FloatArray:
    """Return float64[n], the derivative of the average precision by each row's weight, times n."""
    group, positives, negatives = _groups(ranking)
    found = np.cumsum(positives[::-1])[::-1]
    seen = np.cumsum((positives + negatives)[::-1])[::-1]
    precision = found / seen
    value = float(positives @ precision) / ranking.positives
    # A row moves the precision at its own score and at every lower one.
    gain = np.cumsum(positives / seen)
    loss = np.cumsum(positives * precision / seen)
    derivative = np.where(ranking.positive, precision[group] - value + gain[group], 0.0) - loss[group]
    influence = np.zeros(ranking.rows)
    influence[ranking.order] = derivative * ranking.rows / ranking.positives
    return influence
