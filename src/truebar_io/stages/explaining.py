"""What the current bundle's recipe rests on: importance of columns and families, from dev alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from truebar.explanations import Explanation, explain
from truebar.feature_columns import COLUMN_FAMILIES
from truebar.figures import Picture, bar_chart
from truebar.partitions import Partition
from truebar.study.dev import YARDSTICK_WINDOW_BARS
from truebar.verdict import bootstrap_generator
from truebar.volatility import estimate
from truebar_io.bundles import BundleStore
from truebar_io.configuration import Configuration
from truebar_io.lineage import MATRIX_FAMILIES
from truebar_io.machine import workers
from truebar_io.stages.fold_models import load_fold_models
from truebar_io.stages.frozen import rows_source
from truebar_io.stages.history import load_bars, load_history
from truebar_io.stages.pictures import kept
from truebar_io.stages.training import known_rows, load_rows
from truebar_io.tracking import TrackedRun
from truebar_io.warehouse import Warehouse

SHOWN = 15
"""Columns on the picture."""


def family_of(columns: tuple[str, ...]) -> dict[str, str]:
    """Return the family of each column; what no family in Python declares is from the last one, dbt's."""
    declared = {name: family.name for family in COLUMN_FAMILIES.values() for name in family.columns}
    return {name: declared.get(name, MATRIX_FAMILIES[-1]) for name in columns}


def publish_explanation(
    store: Warehouse, partition: Partition, kind: str, settings: Configuration, run: TrackedRun
) -> dict[str, Any]:
    """Publish what the out-of-fold models of the current bundle's recipe rest on; the vault is not read.

    Raises:
        BundleError: when rows or models of the folds are another training's (a killed run).
    """
    bundles = BundleStore(store.home)
    bundle = bundles.load(partition, kind)
    manifest, bars = bundle.manifest, load_bars(store, partition)
    recipe = manifest.recipe
    history = load_history(store, partition, recipe.label, bars)
    rows = load_rows(store, partition, kind, manifest)
    source = rows_source(manifest.training, recipe)
    tick_size = settings.market_of(partition.symbol).tick_size
    per_bar = estimate(
        bars, "realized", window=YARDSTICK_WINDOW_BARS, timeframe=partition.timeframe, tick_size=tick_size
    )
    found = explain(
        history,
        known_rows(history, rows, recipe, partition.timeframe),
        load_fold_models(bundles, partition, kind, source),
        family_of=family_of(history.feature_columns),
        yardstick=per_bar * np.sqrt(recipe.label.horizon_bars),
        block_bars=2 * recipe.label.horizon_bars,
        generator=bootstrap_generator(manifest.recipe_digest, manifest.data_digest),
        units_at_once=workers(),
    )
    store.write(partition, f"{kind}.importance", found.table, mode="replace", made_from=bundle.name)
    run.log_metrics({"out_of_fold_auc": found.skill.auc, "out_of_fold_score": found.skill.score})
    return {**_metadata(found), **kept(run, pictures_of(found.table, partition))}


def pictures_of(table: pd.DataFrame, partition: Partition) -> dict[str, Picture]:
    """Return what moves the direction, and what is lost without each family."""
    columns = table[table["level"] == "column"].head(SHOWN)
    families = table[table["level"] == "family"].sort_values("auc_drop", ascending=False)
    return {
        "importance": bar_chart(
            f"{partition}: mean |SHAP| of ln p_up - ln p_down, out of fold",
            columns["feature"].tolist(),
            columns["shap_direction"].tolist(),
        ),
        "families": bar_chart(
            f"{partition}: direction AUC lost without a family, ± one standard error",
            families["feature"].tolist(),
            families["auc_drop"].tolist(),
            families["auc_drop_error"].tolist(),
        ),
    }


def _metadata(found: Explanation) -> dict[str, Any]:
    columns = found.table[found.table["level"] == "column"]
    return {
        "direction_auc": found.skill.auc,
        "score": found.skill.score,
        "most_telling": ", ".join(columns["feature"].head(5)),
        "shap_rows": found.shap_rows,
        "judged_rows": found.judged_rows,
        "dagster/partition_row_count": len(found.table),
    }
