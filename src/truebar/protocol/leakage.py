"""Condition (d) for a recipe on its history: the leakage checks with the folds that it was fitted on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from truebar.arrays import IntArray
from truebar.history import History
from truebar.models.recipe import Recipe
from truebar.models.xgboost import embargo_of
from truebar.validation import PurgedKFold
from truebar.validation.leakage import leakage_checks


def leakage_of(
    history: History,
    bars: pd.DataFrame,
    recipe: Recipe,
    *,
    dev: IntArray,
    vault: IntArray,
    timeframe: str,
    generator: np.random.Generator,
    feature_set: str = "core",
    tick_size: float | None = None,
) -> dict[str, bool | None]:
    """Return each leakage check by name: True passed, False failed, None not computed (METHOD §6 d).

    Args:
        history: features and labels of the recipe.
        bars: klines of the same rows.
        recipe: label, folds and embargo.
        dev: int64[m], rows that were worked on.
        vault: int64[k], rows that are judged.
        timeframe: of the bars.
        generator: chooses the bars and the shocks.
        feature_set: what the model reads.
        tick_size: smallest price step, quote currency; None: no tick rule.
    """
    open_time, label_end = history.open_time, history.labels["label_end"]
    embargo_bars = embargo_of(recipe, timeframe, len(dev))
    splitter = PurgedKFold(recipe.validation.folds, embargo_bars=embargo_bars)
    return leakage_checks(
        bars,
        feature_set=feature_set,
        label=recipe.label,
        timeframe=timeframe,
        open_time=open_time,
        label_end=label_end,
        dev=dev,
        vault=vault,
        folds=list(splitter.split(open_time[dev], label_end.iloc[dev])),
        embargo_bars=embargo_bars,
        generator=generator,
        tick_size=tick_size,
    )
