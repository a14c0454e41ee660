"""How well thresholds pick the bars that moved: scores for people to look at, which no money follows."""

from __future__ import annotations

import numpy as np

from truebar.arrays import BoolArray, FloatArray


def f1_of(called: BoolArray, right: BoolArray) -> float:
    """Return the F1 of calls; 0 where nothing was called rightly."""
    hits = int(np.count_nonzero(called & right))
    whole = int(np.count_nonzero(called) + np.count_nonzero(right))
    return 2 * hits / whole if whole else 0.0


def lift_of(called: BoolArray, right: BoolArray) -> float:
    """Return recall times precision above the base rate.

    It is the rectangle that these calls alone cover of the area between the precision-recall curve and
    the line of no skill.
    """
    hits, calls, total = (int(np.count_nonzero(rows)) for rows in (called & right, called, right))
    if not calls or not total:
        return 0.0
    return hits / total * (hits / calls - total / right.size)


def display_score(edge: FloatArray, labels: FloatArray, *, long: float, short: float, method: str) -> float:
    """Return the mean over both sides of the score `f1` or `pr_auc` of edges beyond their thresholds.

    Args:
        edge: float64[n], e less funding, log return; NaN is no call.
        labels: float64[n], -1, 0 or 1, NaN where unknown; such rows are left out.
        long: threshold of the long side.
        short: threshold of the short side.
        method: `f1` (`f1_of`) or `pr_auc` (`lift_of`, which is no area: one pair is one point of the curve).
    """
    known = ~np.isnan(labels) & ~np.isnan(edge)
    edges, truth = edge[known], labels[known]
    score = f1_of if method == "f1" else lift_of
    return (score(edges > long, truth == 1) + score(-edges > short, truth == -1)) / 2
