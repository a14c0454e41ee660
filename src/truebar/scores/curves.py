"""The curves behind the areas: ROC and precision over recall, thinned to what a page can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.scores.direction import direction_score
from truebar.scores.ranks import Ranking, ranked
from truebar.scores.rows import ScoredRows

CURVE_POINTS: Final = 250
"""Points of a thinned curve: more than a drawing of half a page has pixels to tell apart."""


@dataclass(frozen=True, eq=False)
class DirectionCurves:
    """Both curves of the rows that moved, up being positive; all arrays have one length within a curve.

    Attributes:
        false_alarms: share of the downs called up.
        hits: share of the ups called up, beside `false_alarms`.
        recall: share of the ups called up.
        precision: share of ups among what was called up, beside `recall`.
        up_share: share of ups: the precision of no skill.
        rows: rows compared.
    """

    false_alarms: FloatArray
    hits: FloatArray
    recall: FloatArray
    precision: FloatArray
    up_share: float
    rows: int


def counts_above(ranking: Ranking) -> tuple[FloatArray, FloatArray]:
    """Return (positives, negatives) at or above each different score, from the highest score down."""
    positive = ranking.positive[::-1]
    # The first of equal scores from below is the last of them from above.
    starts = np.concatenate(([True], ranking.ends[:-1]))[::-1]
    found = np.cumsum(positive, dtype=np.float64)[starts]
    wrong = np.cumsum(~positive, dtype=np.float64)[starts]
    return found, wrong


def direction_curves(rows: ScoredRows) -> DirectionCurves | None:
    """Return the ROC and the precision-recall curve of ln p_up - ln p_down on rows labelled up or down.

    Thinned evenly by rank; the area under the full curves is `roc_auc`, the step sum `pr_auc`. None where
    ups or downs are missing: there is no curve.
    """
    ranking = ranked(direction_score(rows.probabilities), rows.labels == 1, rows.labels != 0)
    if not ranking.positives or not ranking.negatives:
        return None
    found, wrong = counts_above(ranking)
    kept = np.unique(np.linspace(0, found.size - 1, min(CURVE_POINTS, found.size)).astype(np.int64))
    recall = found[kept] / ranking.positives
    return DirectionCurves(
        false_alarms=np.concatenate(([0.0], wrong[kept] / ranking.negatives)),
        hits=np.concatenate(([0.0], recall)),
        recall=recall,
        precision=found[kept] / (found[kept] + wrong[kept]),
        up_share=ranking.positives / ranking.order.size,
        rows=int(ranking.order.size),
    )
