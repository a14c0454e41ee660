"""Condition (d) for a recipe on its history: the leakage checks with the folds that it was fitted on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from truebar.arrays import IntArray
from truebar.history import History
from truebar.models.recipe import Recipe
from truebar.models.xgboost import embargo_of
from truebar.validation.apart import Fold
from truebar.validation.leakage import Beside, leakage_checks


def leakage_of(
    history: History,
    bars: pd.DataFrame,
    recipe: Recipe,
    *,
    dev: IntArray,
    vault: IntArray,
    folds: Sequence[Fold],
    timeframe: str,
    generator: np.random.Generator,
    feature_set: str = "core",
    beside: Beside | None = None,
    tick_size: float | None = None,
) -> dict[str, bool | None]:
    """Return each leakage check by name: True passed, False failed, None not computed (METHOD §6 d).

    Args:
        history: features and labels of the recipe.
        bars: klines of the same rows.
        recipe: columns, label, and the embargo that the folds must keep.
        dev: int64[m], rows that were worked on.
        vault: int64[k], rows that are judged.
        folds: rows of the history that each fold's model was fitted on, and those that it was asked about, as
            it happened; making them again here would hide a wrong split.
        timeframe: of the bars.
        generator: chooses the bars and the shocks.
        feature_set: where the recipe's columns are from.
        beside: where those of its columns are from that are not of the set. `features` is not computed where
            the recipe reads a column that is of neither.
        tick_size: smallest price step, quote currency; None: no tick rule.
    """
    judged = sum(test.size for _, test in folds)
    return leakage_checks(
        bars,
        feature_set=feature_set,
        label=recipe.label,
        timeframe=timeframe,
        open_time=history.open_time,
        label_end=history.labels["label_end"],
        dev=dev,
        vault=vault,
        folds=folds,
        embargo_bars=embargo_of(recipe, timeframe, judged),
        generator=generator,
        tick_size=tick_size,
        columns=recipe.feature_columns,
        beside=beside,
    )
