"""What of a partition is up to date: asked before any run is started, so that nothing is made twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from truebar.errors import BundleError
from truebar.fingerprint import fingerprint
from truebar.kinds import KINDS
from truebar.models.bundle import Bundle
from truebar.partitions import Partition
from truebar_io.bundles import BundleStore, Reported
from truebar_io.configuration import Configuration
from truebar_io.home import Home
from truebar_io.lineage import UPSTREAM, code_digest, made_from, page_digest
from truebar_io.reports import index_path, report_path
from truebar_io.sources import pending_sources
from truebar_io.stages.feature_state import published_source
from truebar_io.stages.frozen import load_frozen, rows_source
from truebar_io.stages.labels import label_settings, volatility_settings
from truebar_io.stages.planning import plan_of
from truebar_io.stages.predicting import predictions_source
from truebar_io.transforms.manifest import project_digest
from truebar_io.warehouse import Warehouse


def expected_sources(
    store: Warehouse, partition: Partition, settings: Configuration, project: Path
) -> dict[str, str]:
    """Return, for each derived table, the fingerprint of what it would be computed from now."""
    code: dict[str, str] = {"features.context": project_digest(project)}
    chosen: dict[str, Any] = {
        "labels.volatility": volatility_settings(settings, partition),
        "labels.vol_scaled": label_settings(settings, partition),
    }
    return {
        table: made_from(
            store, partition, table, code=code.get(table, code_digest()), settings=chosen.get(table)
        )
        for table in UPSTREAM
    }


def _predictions_are_stale(store: Warehouse, home: Home, partition: Partition, kind: str) -> bool:
    """Return whether a bundle has not spoken about the features of now."""
    bundle = BundleStore(home).current(partition, kind)
    summary = store.summary(partition)
    if bundle is None or "features.matrix" not in summary:
        return False
    published = summary.get(f"{kind}.predictions")
    return published is None or published.made_from != predictions_source(store, partition, kind, bundle)


def needs_refresh(
    store: Warehouse, home: Home, partition: Partition, settings: Configuration, project: Path
) -> bool:
    """Return whether klines wait to be ingested, or a derived table is not what would be made now.

    Args:
        store: the warehouse.
        home: where files may lie in landing/.
        partition: whose tables.
        settings: what labels depend on.
        project: folder of the dbt project that makes features.context.
    """
    if pending_sources(store, home, partition, settings):
        return True
    summary = store.summary(partition)
    if any(_predictions_are_stale(store, home, partition, kind) for kind in KINDS):
        return True
    return any(
        table not in summary or published_source(store, partition, table) != source
        for table, source in expected_sources(store, partition, settings, project).items()
    )


def needs_training(
    store: Warehouse, home: Home, partition: Partition, settings: Configuration, kind: str
) -> bool:
    """Return whether bundle or verdict are not those of the recipe, data and code of now."""
    bundles = BundleStore(home)
    current, verdict = bundles.current(partition, kind), bundles.load_verdict(partition, kind)
    if current is None or verdict is None or verdict["bundle"] != current:
        return True
    deployment = bundles.deployment(partition, kind)
    if deployment is None or deployment.evaluation != current:
        return True
    summary = store.summary(partition)
    tables = tuple(f"{kind}.{table}" for table in ("trades", "equity", "metrics", "importance"))
    if any(table not in summary or summary[table].made_from != current for table in tables):
        return True
    try:
        bundle = bundles.load(partition, kind)
    except BundleError:
        return True
    plan = plan_of(store, partition, settings)
    return bundle.manifest.training != plan.training or not _is_searched_for(
        store, partition, kind, bundle, plan.request.search.n_trials
    )


def needs_report(home: Home, partition: Partition, kind: str) -> bool:
    """Return whether the report, or the index, is not there, or not what verdict and page code of now give.

    Nothing has to be trained for it. Without a verdict there is none to report.
    """
    bundles = BundleStore(home)
    verdict = bundles.load_verdict(partition, kind)
    if verdict is None:
        return False
    if not report_path(home, partition, kind).is_file() or not index_path(home).is_file():
        return True
    drawn = Reported(verdict=fingerprint(verdict), page=page_digest())
    return bundles.reported(partition, kind) != drawn


def _is_searched_for(
    store: Warehouse, partition: Partition, kind: str, bundle: Bundle, n_trials: int
) -> bool:
    """Return whether the last study is the bundle's, of at least so many trials, with its rows published.

    A retraining that was interrupted leaves the bundle of before beside a study, or rows, of another one.
    """
    manifest = bundle.manifest
    try:
        frozen = load_frozen(BundleStore(store.home), partition, kind)
    except BundleError:
        return False
    held_out = store.summary(partition).get(f"{kind}.out_of_fold")
    return (
        frozen.training == manifest.training
        and frozen.searched >= n_trials
        and held_out is not None
        and held_out.made_from == rows_source(manifest.training, manifest.recipe)
    )
