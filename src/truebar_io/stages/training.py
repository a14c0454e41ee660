"""Model, calibrator and thresholds of one partition: the steps that end in an evaluation bundle."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd

from truebar import calibration
from truebar.config import Settings
from truebar.errors import BundleError
from truebar.figures import Picture
from truebar.history import History
from truebar.models.bundle import Bundle, Manifest
from truebar.models.out_of_fold import Between, OutOfFold, predicted_before
from truebar.models.recipe import Recipe
from truebar.models.xgboost import embargo_of, fit_rows
from truebar.partitions import Partition
from truebar.protocol import cross_calibrated, tune_thresholds
from truebar.thresholds.values import Thresholds, round_trip_cost
from truebar.validation import Vault
from truebar_io.bundles import BundleStore
from truebar_io.configuration import Configuration
from truebar_io.lineage import code_digest
from truebar_io.stages.frozen import PROBABILITIES, load_frozen, rows_source
from truebar_io.stages.history import load_bars, load_history
from truebar_io.stages.pictures import curve_picture, kept, reliability_picture
from truebar_io.stages.planning import evidence_on, plan_of
from truebar_io.stages.predicting import calibrated_rows
from truebar_io.tracking import TrackedRun
from truebar_io.warehouse import Warehouse


class Draft(Settings):
    """What the model step leaves for the steps after it: the manifest to be, and the model it belongs to."""

    manifest: Manifest
    model_digest: str


class CalibratorPart(Settings):
    """A calibrator, and the out-of-fold rows that it was fitted on."""

    rows_source: str
    calibrator: str


def load_draft(bundles: BundleStore, partition: Partition, kind: str) -> Draft:
    """Return the draft of the training under way.

    Raises:
        BundleError: when there is none, or the model beside it is another one (a killed run).
    """
    draft = Draft.model_validate_json(bundles.load_part(partition, kind, "draft.json"))
    if sha256(bundles.load_part(partition, kind, "model.ubj")).hexdigest() != draft.model_digest:
        raise BundleError(f"{partition}: the model step was interrupted; materialize {kind}/model again.")
    return draft


def load_rows(store: Warehouse, partition: Partition, kind: str, manifest: Manifest) -> pd.DataFrame:
    """Return the out-of-fold rows of a training; those that took no part in it have no label.

    Raises:
        BundleError: when the rows that are there are another training's (a killed run).
    """
    table = f"{kind}.out_of_fold"
    published = store.summary(partition).get(table)
    if published is None or published.made_from != rows_source(manifest.training, manifest.recipe):
        raise BundleError(f"{partition}: {table} is another training's; materialize {kind}/study again.")
    return store.read("*", from_=table, partitions=[partition])


def fit_model(
    store: Warehouse, partition: Partition, kind: str, settings: Configuration, run: TrackedRun
) -> dict[str, Any]:
    """Fit the frozen recipe's model on all of dev, and keep it with the manifest of the bundle to be.

    Raises:
        BundleError: when the study was about other data, or another configuration, than there are now.
    """
    bundles = BundleStore(store.home)
    frozen, plan = load_frozen(bundles, partition, kind), plan_of(store, partition, settings)
    if frozen.training != plan.training:
        raise BundleError(
            f"{partition}: the last study was about other data, code or configuration than there are now; "
            f"materialize {kind}/study first."
        )
    recipe = frozen.recipe
    history = load_history(store, partition, recipe.label, plan.bars)
    manifest = manifest_of(partition, plan.vault, history, plan.bars, frozen.training, recipe)
    dev = evidence_on(plan.bars, history, plan.vault).dev
    model = fit_rows(history, dev, recipe).to_bytes()
    draft = Draft(manifest=manifest, model_digest=sha256(model).hexdigest())
    bundles.save_part(partition, kind, "model.ubj", model)
    bundles.save_part(partition, kind, "draft.json", draft.model_dump_json().encode())
    run.log_params({"recipe": manifest.recipe_digest, **recipe.parameters.model_dump()})
    run.log_dataset(
        f"{partition} dev",
        digest=manifest.data_digest,
        rows=manifest.dev.rows,
        columns=recipe.feature_columns,
        context="training",
        source="features.matrix, labels.volatility, market.klines",
    )
    return {
        "recipe": manifest.recipe_digest,
        "dev_rows": manifest.dev.rows,
        "vault_rows": manifest.vault.rows,
        "purged_rows": manifest.purged_rows,
    }


def fit_calibrator(store: Warehouse, partition: Partition, kind: str, run: TrackedRun) -> dict[str, Any]:
    """Fit the calibrator on the out-of-fold rows of the same training.

    Raises:
        BundleError: when the out-of-fold rows are another training's (a killed run).
    """
    bundles = BundleStore(store.home)
    manifest = load_draft(bundles, partition, kind).manifest
    rows = load_rows(store, partition, kind, manifest).dropna(subset="label")
    method = manifest.recipe.calibration
    fitted = calibration.fit(method, rows[PROBABILITIES].to_numpy(), rows["label"].to_numpy())
    source = rows_source(manifest.training, manifest.recipe)
    part = CalibratorPart(rows_source=source, calibrator=fitted.to_json())
    bundles.save_part(partition, kind, "calibrator.json", part.model_dump_json().encode())
    run.log_params({"calibration": method})
    raw, labels = rows[PROBABILITIES].to_numpy(), rows["label"].to_numpy()
    after = calibrated_rows(rows, manifest.recipe, partition.timeframe)
    pictures = {"reliability": reliability_picture(raw, after, labels, partition)}
    return {"method": method, "rows": len(rows), "calibrator": fitted.to_json(), **kept(run, pictures)}


def load_calibrator(bundles: BundleStore, partition: Partition, kind: str, manifest: Manifest) -> str:
    """Return the JSON of the calibrator that belongs to the draft's training.

    Raises:
        BundleError: when it was fitted in another training.
    """
    part = CalibratorPart.model_validate_json(bundles.load_part(partition, kind, "calibrator.json"))
    if part.rows_source != rows_source(manifest.training, manifest.recipe):
        raise BundleError(
            f"{partition}: the calibrator belongs to another training; materialize {kind}/calibrator again."
        )
    return part.calibrator


def set_thresholds(store: Warehouse, partition: Partition, kind: str, run: TrackedRun) -> dict[str, Any]:
    """Tune the thresholds on the calibrated out-of-fold rows, and pack the evaluation bundle.

    Raises:
        BundleError: when rows or calibrator are another training's (a killed run).
    """
    bundles = BundleStore(store.home)
    manifest = load_draft(bundles, partition, kind).manifest
    recipe, bars = manifest.recipe, load_bars(store, partition)
    calibrator = load_calibrator(bundles, partition, kind, manifest)
    history = load_history(store, partition, recipe.label, bars)
    rows = load_rows(store, partition, kind, manifest)
    made = known_rows(history, rows, recipe, partition.timeframe)
    calibrated = cross_calibrated(history, made, recipe.calibration)
    thresholds = tune_thresholds(history, bars, calibrated, recipe, timeframe=partition.timeframe)
    bundle = Bundle.pack(
        model=bundles.load_part(partition, kind, "model.ubj"),
        calibrator=calibrator,
        thresholds=thresholds.to_json(),
        manifest=manifest,
    )
    if thresholds.curve:
        curve = pd.DataFrame([point.model_dump() for point in thresholds.curve])
        store.write(partition, f"{kind}.ev_curve", curve, mode="replace", made_from=bundle.name)
    name = bundles.save(partition, kind, bundle)
    chosen = {"theta_long": thresholds.long, "theta_short": thresholds.short, "rule": thresholds.method}
    run.log_params({"bundle": name, **chosen})
    run.log_bundle(bundle)
    curves = {"ev_net": thresholds}
    for method in recipe.thresholds.methods if recipe.thresholds.enabled else ():
        if method not in curves:
            curves[method] = tune_thresholds(
                history, bars, calibrated, recipe, timeframe=partition.timeframe, method=method
            )
    pictures = _curve_pictures(curves, partition, round_trip_cost(recipe.backtest))
    return {"bundle": name, **chosen, "reason": thresholds.reason or "", **kept(run, pictures)}


def _curve_pictures(
    curves: Mapping[str, Thresholds], partition: Partition, cost: float
) -> dict[str, Picture]:
    """Return the curve of each method that made one: `ev_curve`, which decides, and the others by name."""
    return {
        "ev_curve" if method == "ev_net" else f"{method}_curve": curve_picture(
            made.curve, cost, partition, method
        )
        for method, made in curves.items()
        if made.curve
    }


def known_rows(history: History, rows: pd.DataFrame, recipe: Recipe, timeframe: str) -> OutOfFold:
    """Return published out-of-fold rows, with the numbers of each fold's training side."""
    places = history.open_time.get_indexer(pd.DatetimeIndex(rows["open_time"])).astype(np.int64)
    said, fold = rows[PROBABILITIES].to_numpy(dtype=np.float64), rows["fold"].to_numpy(dtype=np.int64)
    took_part = rows["label"].notna().to_numpy()
    return predicted_before(
        history,
        places[took_part],
        said[took_part],
        between=Between(places[~took_part], fold[~took_part], said[~took_part]),
        folds=recipe.validation.folds,
        embargo_bars=embargo_of(recipe, timeframe, int(took_part.sum())),
    )


def manifest_of(
    partition: Partition,
    vault: Vault,
    history: History,
    bars: pd.DataFrame,
    training: str,
    recipe: Recipe,
) -> Manifest:
    """Return the manifest of the evaluation bundle of a recipe on the data of now."""
    evidence = evidence_on(bars, history, vault)
    dev = history.slice_of(evidence.dev)
    return Manifest(
        purpose="evaluation",
        kind=recipe.kind,
        symbol=partition.symbol,
        timeframe=partition.timeframe,
        training=training,
        recipe=recipe,
        recipe_digest=recipe.digest(),
        data_digest=evidence.data_digest,
        code_digest=code_digest(),
        dev=dev,
        vault=history.slice_of(evidence.vault),
        purged_rows=evidence.purged_rows,
        fitted=dev,
        facts=history.facts(evidence.dev),
    )
