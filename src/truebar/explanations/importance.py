"""What a recipe's models rest on: SHAP means of every column, permutation importance of the first of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from truebar.arrays import FloatArray, IntArray
from truebar.classes import SHAP_NAMES
from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError
from truebar.explanations.contributions import Explained, mean_contributions, sampled
from truebar.explanations.permutation import Drop, Judged, Skill, drops, skill
from truebar.history import History
from truebar.models.out_of_fold import OutOfFold

SHAP_ROWS = 2_000
"""Rows whose contributions are computed: the mean of |SHAP| is then known to about 2 %."""

JUDGED_ROWS = 10_000
"""Rows judged after a permutation; of more, every second, third … one is taken."""

PERMUTED_COLUMNS = 20
"""Columns permuted alone: those that move the direction most."""

NO_DROP = Drop(*([float("nan")] * 4))


@dataclass(frozen=True)
class Explanation:
    """What decides, on rows left out of the fit.

    Attributes:
        table: one row a column and one a family, those first that move the direction most: feature, level
            (column or family), family, the means of |SHAP| in log-odds (`SHAP_NAMES`), and auc_drop,
            auc_drop_error, score_drop, score_drop_error, NaN for columns that were not permuted.
        skill: direction AUC and score with every column as it is.
        shap_rows: rows behind the SHAP means.
        judged_rows: rows behind the drops.
    """

    table: pd.DataFrame
    skill: Skill
    shap_rows: int
    judged_rows: int


def explain(
    history: History,
    made: OutOfFold,
    models: Sequence[Explained],
    *,
    family_of: Mapping[str, str],
    yardstick: FloatArray,
    block_bars: int,
    generator: np.random.Generator,
    units_at_once: int = 1,
) -> Explanation:
    """Return what the out-of-fold models of one recipe rest on; nothing is fitted, the vault is not read.

    Args:
        history: features and labels.
        made: out-of-fold rows, and what the models said of them.
        models: one for each fold of `made`, in order.
        family_of: family of every feature column.
        yardstick: float64[n], for each row of the history realized volatility times √h; rows of `made`
            without one are not judged.
        block_bars: rows of a block that is permuted as a whole.
        generator: samples rows and orders blocks: the same generator gives the same table.
        units_at_once: columns or families permuted at the same time; the table does not depend on it.

    May be used from the last label_end of the rows of `made` on.

    Raises:
        SchemaError: when a column has no family, or there is not one model a fold.
        CorruptDataError: when the models are not those that made the rows.
        TooFewRowsError: when no row has a yardstick.
    """
    columns = history.feature_columns
    homeless = [name for name in columns if name not in family_of]
    if homeless or len(models) != len(made.facts):
        raise SchemaError(
            f"{len(models)} models for {len(made.facts)} folds, and {len(homeless)} columns without a family "
            f"({', '.join(homeless[:3])}); expected one model a fold and a family for each column."
        )
    names = list(dict.fromkeys(family_of[name] for name in columns))
    families = {n: [i for i, name in enumerate(columns) if family_of[name] == n] for n in names}
    folds = _judged(history, made, models, yardstick)
    chosen = sampled(made.rows.size, SHAP_ROWS, generator)
    matrices = [history.features[made.rows[chosen[made.fold[chosen] == n]]] for n in range(len(models))]
    shap = mean_contributions(models, matrices, families)
    whole = skill(folds, [fold.said for fold in folds])
    first = np.argsort(-shap.columns[:, -1], kind="stable")[:PERMUTED_COLUMNS]
    units = {f"family {n}": members for n, members in families.items()}
    units |= {columns[place]: [int(place)] for place in first}
    lost = drops(folds, whole, units, block_rows=block_bars, generator=generator, units_at_once=units_at_once)
    rows = [
        _row(name, "column", family_of[name], shap.columns[place], lost.get(name, NO_DROP))
        for place, name in enumerate(columns)
    ]
    rows += [
        _row(n, "family", n, shap.families[place], lost[f"family {n}"]) for place, n in enumerate(families)
    ]
    table = pd.DataFrame(rows).sort_values(["level", "shap_direction"], ascending=False, kind="stable")
    judged_rows = sum(fold.judged.size for fold in folds)
    return Explanation(table.reset_index(drop=True), whole, shap.rows, judged_rows)


def _row(name: str, level: str, family: str, shap: FloatArray, drop: Drop) -> dict[str, object]:
    return {
        "feature": name,
        "level": level,
        "family": family,
        **dict(zip(SHAP_NAMES, shap.tolist(), strict=True)),
        "auc_drop": drop.auc,
        "auc_drop_error": drop.auc_error,
        "score_drop": drop.score,
        "score_drop_error": drop.score_error,
    }


def _judged(
    history: History, made: OutOfFold, models: Sequence[Explained], yardstick: FloatArray
) -> list[Judged]:
    """Return the rows of each fold that are judged: every so many-th, so that there are not too many."""
    step = max(1, -(-made.rows.size // JUDGED_ROWS))
    folds = []
    for number, model in enumerate(models):
        inside = np.flatnonzero(made.fold == number)
        rows: IntArray = made.rows[inside]
        judged = np.arange(0, rows.size, step)
        judged = judged[np.isfinite(yardstick[rows[judged]]) & (yardstick[rows[judged]] > 0)]
        if judged.size == 0:
            raise TooFewRowsError(
                f"none of the {rows.size} rows of fold {number} has a yardstick; use more history."
            )
        picked, said = rows[judged], made.probabilities[inside[judged]]
        if not np.array_equal(model.predict(history.features[picked]), said):
            raise CorruptDataError(
                f"the model of fold {number} did not say what the out-of-fold rows hold; run the study anew."
            )
        folds.append(
            Judged(
                model=model,
                features=history.features[rows],
                judged=judged,
                label=history.label[picked],
                future_return=history.column("future_return")[picked],
                tau=history.column("tau")[picked],
                yardstick=yardstick[picked],
                edge_scale=made.facts[number].edge_scale,
                said=said,
            )
        )
    return folds
