"""Direction scores: can the probabilities tell up from down? (METHOD §6)."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray
from truebar.errors import ConfigurationError
from truebar.probabilities import PROBABILITY_FLOOR
from truebar.scores.intervals import Estimate, Resampling, mean_estimate, weighted_sums, with_intervals
from truebar.scores.metric import Metric
from truebar.scores.ranks import (
    Ranking,
    average_precisions,
    precision_influence,
    ranked,
    roc_areas,
    roc_influence,
)
from truebar.scores.rows import ScoredRows, checked_shares, no_rows, scored_rows
from truebar.validation.significance import CountArray

NO_SKILL: Final = 0.5
"""Direction AUC of a coin."""

LEAST_EXCESS: Final = 0.1
"""At or below this AUC beyond 0.5 the best possible forecast has nothing of which a share could be found.

By luck the oracle of a market without a signal has reached 0.07 on one vault: its ranking changes slowly.
"""


def direction_score(probabilities: FloatArray) -> FloatArray:
    """Return ln p_up - ln p_down of float64[n, 3]: what direction is ranked by."""
    logs = np.log(np.maximum(probabilities, PROBABILITY_FLOOR))
    return np.asarray(logs[:, 2] - logs[:, 0])


def found_share(
    roc_auc: float | None, best: float | None, *, least_excess: float = LEAST_EXCESS
) -> float | None:
    """Return (roc_auc - 0.5) / (best - 0.5), the share of what could be known that was found (METHOD §8).

    Args:
        roc_auc: direction AUC of the model; None where it is undefined.
        best: the Bayes-optimal direction AUC on the same rows; None on a real market.
        least_excess: AUC beyond 0.5 that the best must have.

    None where there is too little to find: a share of next to nothing is noise, however large.

    >>> found_share(0.75, 0.8), found_share(0.52, 0.512)
    (0.8333333333333333, None)
    """
    if roc_auc is None or best is None or best - NO_SKILL <= least_excess:
        return None
    return (roc_auc - NO_SKILL) / (best - NO_SKILL)


def log_skill_rows(rows: ScoredRows, dev_up_share: float) -> FloatArray:
    """Return float64[m], 1[label ≠ 0] · (ln π_y - ln π⁰_y) with π = p_up / (p_up + p_down)."""
    logs = np.log(np.maximum(rows.probabilities[:, [0, 2]], PROBABILITY_FLOOR))
    total = np.logaddexp(logs[:, 0], logs[:, 1])
    up, down = rows.labels == 1, rows.labels == -1
    skill_up = logs[:, 1] - total - np.log(dev_up_share)
    skill_down = logs[:, 0] - total - np.log1p(-dev_up_share)
    return np.where(up, skill_up, np.where(down, skill_down, 0.0))


def up_share(class_shares: tuple[float, float, float]) -> float:
    """Return the share of ups among rows that are not flat.

    Raises:
        ConfigurationError: when there is no up or no down.
    """
    down, _, up = checked_shares(class_shares)
    if not (down > 0 and up > 0):
        raise ConfigurationError(f"dev's class shares are {class_shares}; expected rows both down and up.")
    return float(up / (up + down))


def _missing_class(ranking: Ranking) -> str | None:
    if ranking.positives and ranking.negatives:
        return None
    side = "up" if not ranking.positives else "down"
    return f"none of {ranking.rows} rows is labelled {side}"


Scored = tuple[Metric, Estimate]
"""A metric without its interval, and what gives it one."""


def _roc_auc(ranking: Ranking) -> Scored:
    value = roc_areas(ranking, ranking.once)[0]
    estimate = Estimate(lambda counts: roc_areas(ranking, counts), roc_influence(ranking))
    return Metric(value, no_skill=0.5, n=ranking.order.size), estimate


def _pr_auc(ranking: Ranking) -> Scored:
    value = average_precisions(ranking, ranking.once)[0]
    estimate = Estimate(lambda counts: average_precisions(ranking, counts), precision_influence(ranking))
    no_skill = ranking.positives / ranking.order.size
    return Metric(value, no_skill=no_skill, n=ranking.order.size), estimate


def _f1(rows: ScoredRows, score: FloatArray) -> Scored:
    """Return the F1 of calling up where p_up > p_down, among rows that are not flat."""
    called, up, down = score > 0, rows.labels == 1, rows.labels == -1
    right = 2.0 * (called & up)
    whole = right + (called & down) + (~called & up)
    columns = np.vstack((right, whole))

    def ratio(counts: CountArray) -> FloatArray:
        sums = weighted_sums(counts, columns)
        return np.where(sums[:, 1] > 0, sums[:, 0] / np.maximum(sums[:, 1], 1.0), np.nan)

    value = right.sum() / whole.sum()
    n = int(np.count_nonzero(up | down))
    share = np.count_nonzero(up) / n
    return Metric(value, no_skill=2 * share / (1 + share), n=n), Estimate(ratio, right - value * whole)


def direction_scores(
    probabilities: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    dev_shares: tuple[float, float, float],
    how: Resampling,
) -> dict[str, Metric]:
    """Return roc_auc, pr_auc, f1 and log_skill with no-skill values and 95 % intervals.

    roc_auc, pr_auc and f1 use the rows labelled up or down, up being positive, ranked by ln p_up - ln p_down.
    No-skill is 0.5, the share of ups among those rows, and the F1 of always saying up. log_skill is the mean
    over all rows of 1[label ≠ 0] · (ln π_y - ln π⁰_y), with no skill 0.

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
        ConfigurationError: when dev has no ups or no downs, or its shares do not sum to one.
    """
    prior, rows = up_share(dev_shares), scored_rows(probabilities, labels)
    score = direction_score(rows.probabilities)
    ranking = ranked(score, rows.labels == 1, rows.labels != 0)
    n = rows.labels.size
    missing = _missing_class(ranking) if n else no_rows(rows)
    scored: dict[str, Scored] = {}
    undefined: dict[str, Metric] = {}
    if missing is None:
        scored = {"roc_auc": _roc_auc(ranking), "pr_auc": _pr_auc(ranking), "f1": _f1(rows, score)}
    else:
        no_skill = {"roc_auc": 0.5, "pr_auc": None, "f1": None}
        undefined = {name: Metric.undefined(missing, no_skill=at, n=n) for name, at in no_skill.items()}
    if n == 0:
        return undefined | {"log_skill": Metric.undefined(no_rows(rows), no_skill=0.0, n=0)}
    skill = log_skill_rows(rows, prior)
    scored["log_skill"] = (Metric(skill.mean(), no_skill=0.0, n=n), mean_estimate(skill))
    metrics = undefined | {name: metric for name, (metric, _) in scored.items()}
    return with_intervals(metrics, {name: estimate for name, (_, estimate) in scored.items()}, how)
