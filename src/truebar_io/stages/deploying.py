"""The deploy bundle: the judged recipe fitted on dev and vault together, behind its guard (METHOD §5.5)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from truebar.history import History
from truebar.models.bundle import Bundle
from truebar.partitions import Partition
from truebar.protocol import FittedRecipe, Guard, deploy_rows, fit_recipe, guard_of
from truebar.verdict import EDGE
from truebar_io.bundles import BundleStore, Deployment
from truebar_io.machine import workers
from truebar_io.stages.history import load_bars, load_history
from truebar_io.stages.judging import calibrator_of, require_judged, vault_of
from truebar_io.stages.planning import evidence_on
from truebar_io.tracking import TrackedRun
from truebar_io.warehouse import Warehouse


def deploy(store: Warehouse, partition: Partition, kind: str, run: TrackedRun) -> dict[str, Any]:
    """Fit the current recipe on dev and vault, without study or look, if its verdict is `edge`.

    Raises:
        MissingDataError: when the evaluation bundle has not been judged.
        BundleError: when the data are no longer those that it was made from.
    """
    bundles = BundleStore(store.home)
    judged = bundles.load(partition, kind)
    bars = load_bars(store, partition)
    history = load_history(store, partition, judged.manifest.recipe.label, bars)
    verdict = require_judged(store, partition, kind, judged, history)
    if verdict["verdict"] != EDGE:
        deployment = Deployment(evaluation=judged.name, bundle=None, reason="no edge proven: stay flat")
    else:
        deployment = _deploy(bundles, partition, judged, history, bars)
    bundles.save_deployment(partition, kind, deployment)
    run.set_tags({"deploy_bundle": deployment.bundle or "none"})
    return {"bundle": deployment.bundle or "none", "why": deployment.reason, "evaluation": judged.name}


def _deploy(
    bundles: BundleStore, partition: Partition, judged: Bundle, history: History, bars: pd.DataFrame
) -> Deployment:
    """Return the deployment of a bundle that has an edge; without a bundle where the guard refuses."""
    recipe, vault = judged.manifest.recipe, vault_of(judged)
    rows = deploy_rows(history, vault)
    fitted = fit_recipe(history, bars, rows, recipe, timeframe=partition.timeframe, folds_at_once=workers())
    guard = guard_of(
        history,
        evidence_on(bars, history, vault).dev,
        rows,
        recipe,
        timeframe=partition.timeframe,
        calibrators=(calibrator_of(judged), fitted.calibrator),
        models_at_once=workers(),
    )
    name = bundles.save(partition, recipe.kind, _packed(judged, fitted, guard)) if guard.passed else None
    return Deployment(evaluation=judged.name, bundle=name, reason=guard.words)


def _packed(judged: Bundle, fitted: FittedRecipe, guard: Guard) -> Bundle:
    """Return the deploy bundle; its manifest names the bundle whose verdict it relies on."""
    return Bundle.pack(
        model=fitted.model.to_bytes(),
        calibrator=fitted.calibrator.to_json(),
        thresholds=fitted.thresholds.to_json(),
        manifest=judged.manifest.model_copy(
            update={
                "purpose": "deploy",
                "fitted": fitted.fitted,
                "facts": fitted.facts,
                "evaluation": judged.name,
                "edge_correlation": guard.correlation,
            }
        ),
    )
