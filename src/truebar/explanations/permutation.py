"""Permutation importance on purged folds: what out-of-fold skill is lost when columns tell of other bars.

Breiman (2001), section 10, on rows left out of the fit; time series are permuted in blocks, so that what is
put in place of a column still looks like it from bar to bar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray, IntArray
from truebar.edge import implied_edge
from truebar.errors import TooFewRowsError
from truebar.explanations.contributions import Explained
from truebar.scores.direction import direction_score
from truebar.scores.ranks import ranked, roc_areas
from truebar.scores.trial import trial_score

FEWEST_BLOCKS = 10
"""A fold is cut into at least so many blocks, however short it is."""


@dataclass(frozen=True)
class Judged:
    """Rows of one fold that are judged.

    Attributes:
        model: fitted on the other folds.
        features: float32[n, columns], all rows left out, in time order; blocks are permuted among them.
        judged: int64[m], which of them are judged.
        label: float64[m], -1, 0 or 1 of those.
        future_return: float64[m], log return over the horizon.
        tau: float64[m], log return.
        yardstick: float64[m], realized volatility times √h (METHOD §4).
        edge_scale: m of the fold's training side.
        said: float64[m, 3], what the model said of those with every column as it is.
    """

    model: Explained
    features: npt.NDArray[np.float32]
    judged: IntArray
    label: FloatArray
    future_return: FloatArray
    tau: FloatArray
    yardstick: FloatArray
    edge_scale: float
    said: FloatArray


@dataclass(frozen=True)
class Skill:
    """Direction AUC and score of a trial, over all folds and of each.

    Attributes:
        auc: over all judged rows.
        score: R² of the implied edge over all judged rows.
        fold_auc: float64[folds], NaN where a fold lacks ups or downs.
        fold_score: float64[folds], NaN where nothing moved.
    """

    auc: float
    score: float
    fold_auc: FloatArray
    fold_score: FloatArray


@dataclass(frozen=True)
class Drop:
    """What is lost when columns are permuted; above 0 they help.

    Attributes:
        auc: fall of the direction AUC over all judged rows.
        auc_error: standard error of the mean fall by fold; NaN with fewer than two folds.
        score: fall of the score of a trial.
        score_error: as `auc_error`.
    """

    auc: float
    auc_error: float
    score: float
    score_error: float


def shuffled_blocks(count: int, block_rows: int, generator: np.random.Generator) -> IntArray:
    """Return the numbers below `count`, in blocks of `block_rows` that are put in a random order.

    The first block starts at a random row and the last goes on at the first row (a circular cut), so that
    the ends of the blocks are not the same in each permutation.

    >>> shuffled_blocks(6, 2, np.random.default_rng(3)).tolist()
    [1, 2, 5, 0, 3, 4]
    """
    size = max(1, min(block_rows, count // FEWEST_BLOCKS if count >= 2 * FEWEST_BLOCKS else block_rows))
    turned = np.roll(np.arange(count, dtype=np.int64), -int(generator.integers(size)))
    blocks = [turned[start : start + size] for start in range(0, count, size)]
    return np.concatenate([blocks[place] for place in generator.permutation(len(blocks))])


def direction_auc(probabilities: FloatArray, label: FloatArray) -> float:
    """Return the area under the ROC curve of ln p_up - ln p_down among rows that are not flat, else NaN."""
    ranking = ranked(direction_score(probabilities), label == 1, label != 0)
    return float(roc_areas(ranking, ranking.once)[0])


def skill(folds: Sequence[Judged], said: Sequence[FloatArray]) -> Skill:
    """Return the skill of probabilities float64[m, 3] of each fold's judged rows."""
    edges = [
        implied_edge(probabilities, fold.tau, fold.edge_scale)
        for fold, probabilities in zip(folds, said, strict=True)
    ]
    return Skill(
        auc=direction_auc(np.concatenate(said), np.concatenate([fold.label for fold in folds])),
        score=trial_score(
            np.concatenate([fold.future_return for fold in folds]),
            np.concatenate(edges),
            np.concatenate([fold.yardstick for fold in folds]),
        ),
        fold_auc=np.array([direction_auc(p, fold.label) for fold, p in zip(folds, said, strict=True)]),
        fold_score=np.array([_fold_score(fold, edge) for fold, edge in zip(folds, edges, strict=True)]),
    )


def _fold_score(fold: Judged, edge: FloatArray) -> float:
    try:
        return trial_score(fold.future_return, edge, fold.yardstick)
    except TooFewRowsError:
        return float("nan")


def drops(
    folds: Sequence[Judged],
    whole: Skill,
    units: Mapping[str, Sequence[int]],
    *,
    block_rows: int,
    generator: np.random.Generator,
    units_at_once: int = 1,
) -> dict[str, Drop]:
    """Return what is lost when the columns of each unit are permuted together, within each test fold.

    Args:
        folds: models and the rows that they were not fitted on.
        whole: skill with every column as it is.
        units: by name, places of the columns that are permuted with each other; a column alone, or a family.
        block_rows: rows of a block.
        generator: orders the blocks; the same order serves every unit, so that units can be compared.
        units_at_once: units judged at the same time, each in a thread; the result does not depend on it.

    Models are not fitted again. Columns that tell the same can stand in for each other, and each of them
    then seems to matter little alone: families tell that. The result may be used from the last label_end of
    the judged rows on.
    """
    orders = [shuffled_blocks(len(fold.features), block_rows, generator) for fold in folds]

    def without(columns: Sequence[int]) -> Drop:
        said = []
        for fold, order in zip(folds, orders, strict=True):
            changed = fold.features[fold.judged].copy()
            changed[:, list(columns)] = fold.features[order[fold.judged]][:, list(columns)]
            said.append(fold.model.predict(changed))
        left = skill(folds, said)
        return Drop(
            auc=whole.auc - left.auc,
            auc_error=standard_error(whole.fold_auc - left.fold_auc),
            score=whole.score - left.score,
            score_error=standard_error(whole.fold_score - left.fold_score),
        )

    with ThreadPoolExecutor(units_at_once) as pool:
        return dict(zip(units, pool.map(without, units.values()), strict=True))


def standard_error(values: FloatArray) -> float:
    """Return the standard error of the mean of the finite values; NaN with fewer than two.

    >>> standard_error(np.array([1.0, 3.0, np.nan]))
    1.0
    """
    known = values[np.isfinite(values)]
    return float(known.std(ddof=1) / np.sqrt(known.size)) if known.size > 1 else float("nan")
