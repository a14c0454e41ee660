"""Model, calibrator and thresholds of one partition: the steps that end in an evaluation bundle."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd

from truebar import calibration
from truebar.config import Settings
from truebar.errors import BundleError
from truebar.evidence import Evidence, gather
from truebar.fingerprint import fingerprint
from truebar.history import History
from truebar.models.bundle import Bundle, Manifest
from truebar.models.out_of_fold import OutOfFold
from truebar.models.xgboost import fit, out_of_fold
from truebar.partitions import Partition
from truebar.thresholds import at_cost
from truebar.validation import Vault
from truebar_io.bundles import BundleStore
from truebar_io.configuration import Configuration
from truebar_io.lineage import code_digest
from truebar_io.stages.checks import refuse_unfit
from truebar_io.stages.history import current_vault, load_history, recipe_of, register_vault
from truebar_io.tracking import TrackedRun
from truebar_io.warehouse import Warehouse

PROBABILITIES = ["p_down", "p_flat", "p_up"]


class Draft(Settings):
    """What the model step leaves for the steps after it: the manifest to be, and the model it belongs to."""

    manifest: Manifest
    model_digest: str


class CalibratorPart(Settings):
    """A calibrator, and the training whose out-of-fold rows it was fitted on."""

    training: str
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


def evidence_of(store: Warehouse, partition: Partition, history: History, vault: Vault) -> Evidence:
    """Return the rows and digests that a training or a verdict on this vault rests on now."""
    bars = store.read("*", "market.klines", partition, since=vault.start, until=vault.end)
    return gather(history, bars, vault)


def manifest_of(
    store: Warehouse, partition: Partition, settings: Configuration
) -> tuple[Manifest, History, Evidence, Vault]:
    """Return what a training on the data of now would be made from: manifest, history, rows and vault."""
    label = settings.data.labels.for_partition(partition)
    history = load_history(store, partition, label)
    recipe = recipe_of(settings, partition, history.feature_columns)
    vault = current_vault(store, partition, history, recipe.validation.vault)
    evidence = evidence_of(store, partition, history, vault)
    manifest = Manifest(
        kind=recipe.kind,
        symbol=partition.symbol,
        timeframe=partition.timeframe,
        recipe=recipe,
        recipe_digest=recipe.digest(),
        data_digest=evidence.data_digest,
        code_digest=code_digest(),
        dev=history.slice_of(evidence.dev),
        vault=history.slice_of(evidence.vault),
        purged_rows=evidence.purged_rows,
        facts=history.facts(evidence.dev),
    )
    return manifest, history, evidence, vault


def _as_table(history: History, made: OutOfFold) -> pd.DataFrame:
    """Return out-of-fold rows as the table `<kind>.out_of_fold` has them."""
    frame = pd.DataFrame(made.probabilities, columns=PROBABILITIES)
    frame.insert(0, "open_time", history.open_time[made.rows])
    frame.insert(1, "fold", made.fold)
    frame["label"] = history.label[made.rows].astype(np.int8)
    return frame


def fit_model(
    store: Warehouse, partition: Partition, kind: str, settings: Configuration, run: TrackedRun
) -> dict[str, Any]:
    """Register the vault, make the out-of-fold rows of dev, fit the model on all of dev, keep the parts."""
    now = datetime.now(UTC)
    refuse_unfit(store, partition, now)
    manifest, history, evidence, vault = manifest_of(store, partition, settings)
    register_vault(store, partition, vault, evidence.vault_digest, now=now)
    dev = evidence.dev
    recipe = manifest.recipe
    frame = _as_table(history, out_of_fold(history, dev, recipe, timeframe=partition.timeframe))
    model = fit(
        history.features[dev], history.label[dev], recipe.parameters, feature_names=recipe.feature_columns
    ).to_bytes()
    source = training_fingerprint(manifest)
    store.write(partition, f"{kind}.out_of_fold", frame, mode="replace", made_from=source)
    bundles = BundleStore(store.home)
    draft = Draft(manifest=manifest, model_digest=sha256(model).hexdigest())
    bundles.save_part(partition, kind, "model.ubj", model)
    bundles.save_part(partition, kind, "draft.json", draft.model_dump_json().encode())
    run.log_params({"recipe": manifest.recipe_digest, **recipe.parameters.model_dump()})
    return {
        "recipe": manifest.recipe_digest,
        "dev_rows": manifest.dev.rows,
        "vault_rows": manifest.vault.rows,
        "purged_rows": manifest.purged_rows,
        "out_of_fold_rows": len(frame),
    }


def fit_calibrator(store: Warehouse, partition: Partition, kind: str, run: TrackedRun) -> dict[str, Any]:
    """Fit the calibrator on the out-of-fold rows of the same training.

    Raises:
        BundleError: when the out-of-fold rows are another training's (a killed run).
    """
    bundles = BundleStore(store.home)
    draft = load_draft(bundles, partition, kind)
    training, table = training_fingerprint(draft.manifest), f"{kind}.out_of_fold"
    if store.summary(partition)[table].made_from != training:
        raise BundleError(f"{partition}: {table} is another training's; materialize {kind}/model again.")
    rows = store.read("*", from_=table, partitions=[partition])
    method = draft.manifest.recipe.calibration
    fitted = calibration.fit(method, rows[PROBABILITIES].to_numpy(), rows["label"].to_numpy())
    part = CalibratorPart(training=training, calibrator=fitted.to_json())
    bundles.save_part(partition, kind, "calibrator.json", part.model_dump_json().encode())
    run.log_params({"calibration": method})
    return {"method": method, "rows": len(rows), "calibrator": fitted.to_json()}


def load_calibrator(bundles: BundleStore, partition: Partition, kind: str, draft: Draft) -> str:
    """Return the JSON of the calibrator that belongs to the draft's training.

    Raises:
        BundleError: when it was fitted in another training.
    """
    part = CalibratorPart.model_validate_json(bundles.load_part(partition, kind, "calibrator.json"))
    if part.training != training_fingerprint(draft.manifest):
        raise BundleError(
            f"{partition}: the calibrator belongs to another training; materialize {kind}/calibrator again."
        )
    return part.calibrator


def set_thresholds(store: Warehouse, partition: Partition, kind: str, run: TrackedRun) -> dict[str, Any]:
    """Set both thresholds to the cost of a round trip, and pack the evaluation bundle."""
    bundles = BundleStore(store.home)
    draft = load_draft(bundles, partition, kind)
    thresholds = at_cost(draft.manifest.recipe.backtest)
    bundle = Bundle.pack(
        model=bundles.load_part(partition, kind, "model.ubj"),
        calibrator=load_calibrator(bundles, partition, kind, draft),
        thresholds=thresholds.to_json(),
        manifest=draft.manifest,
    )
    name = bundles.save(partition, kind, bundle)
    run.log_params({"bundle": name, "theta_long": thresholds.long, "theta_short": thresholds.short})
    return {"bundle": name, "theta_long": thresholds.long, "theta_short": thresholds.short}


def training_fingerprint(manifest: Manifest) -> str:
    """Return what tells two trainings apart: recipe, data and code."""
    return fingerprint([manifest.recipe_digest, manifest.data_digest, manifest.code_digest])
