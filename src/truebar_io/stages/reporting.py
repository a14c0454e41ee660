"""The report of one partition and kind, and the index over all of them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from truebar.arrays import FloatArray
from truebar.cost_sensitivity import cost_sensitivity
from truebar.errors import BundleError, SchemaError
from truebar.fingerprint import fingerprint
from truebar.history import History
from truebar.kinds import KINDS
from truebar.models.bundle import Bundle
from truebar.partitions import Partition
from truebar.reports import IndexEntry, ReportInputs, render_index, render_report
from truebar.reports.judgement import Judgement
from truebar.scores.breakeven import break_even_correlation
from truebar.scores.curves import direction_curves
from truebar.scores.rows import scored_rows
from truebar.thresholds.values import Thresholds, round_trip_cost
from truebar_io.bundles import BundleStore, Reported
from truebar_io.configuration import Configuration
from truebar_io.durable import exclusively
from truebar_io.generated import is_synthetic
from truebar_io.home import Home
from truebar_io.lineage import page_digest
from truebar_io.reports import index_path, report_path, write_page
from truebar_io.stages.frozen import PROBABILITIES, load_frozen
from truebar_io.stages.history import load_bars, load_history
from truebar_io.stages.judging import folds_of, require_judged, vault_account, vault_of
from truebar_io.stages.report_parts import (
    calibration_of,
    data_quality,
    deployed_bundle,
    describe_horizon,
    describe_market,
    importance_of,
    lineage_of,
    search_of,
    slices_of,
)
from truebar_io.tracking import TrackedRun
from truebar_io.warehouse import Warehouse


def known_returns(history: History, end: pd.Timestamp) -> FloatArray:
    """Return the future returns of the bars that open before `end`."""
    return history.column("future_return")[np.flatnonzero(history.open_time < end)]


def report_inputs(
    store: Warehouse,
    partition: Partition,
    bundle: Bundle,
    verdict: dict[str, Any],
    settings: Configuration,
    mlflow_run_id: str,
) -> ReportInputs:
    """Return all that the report of the current bundle shows."""
    manifest, bundles, recipe = bundle.manifest, BundleStore(store.home), bundle.manifest.recipe
    every, vault = load_bars(store, partition), vault_of(bundle)
    history = load_history(store, partition, recipe.label, every)
    account, rows = vault_account(store, partition, manifest.kind, bundle, history)
    bars = every[(every["open_time"] >= vault.start) & (every["open_time"] < vault.end)]
    rows["close"] = bars["close"].to_numpy()
    deployed = deployed_bundle(bundles, partition, manifest.kind, bundle)
    frozen = load_frozen(bundles, partition, manifest.kind)
    return ReportInputs(
        verdict=verdict,
        market_description=describe_market(settings.market_of(partition.symbol)),
        is_synthetic=is_synthetic(settings, partition.symbol),
        costs=recipe.backtest.costs,
        horizon_text=describe_horizon(manifest),
        slices=slices_of(
            manifest, history, folds_of(store, partition, manifest.kind, manifest, history), deployed
        ),
        quality=data_quality(store, partition),
        lineage=lineage_of(bundles, partition, bundle, frozen, mlflow_run_id),
        initial_capital=account.initial_capital,
        equity=account.to_frame()[["open_time", "equity"]].merge(
            rows[["open_time", "close"]], on="open_time", how="left"
        ),
        trades=account.trades,
        labels=rows[["open_time", "close", "tau", "label"]],
        direction=direction_curves(scored_rows(rows[PROBABILITIES].to_numpy(), rows["label"].to_numpy())),
        thresholds=Thresholds.from_json(bundle.files["thresholds.json"]),
        sensitivity=cost_sensitivity(
            bars, rows["target"].to_numpy(), recipe.backtest, timeframe=manifest.timeframe
        ),
        break_even_correlation=break_even_correlation(
            known_returns(history, vault.end), round_trip_cost=round_trip_cost(recipe.backtest)
        ),
        calibration=calibration_of(rows, recipe.calibration),
        search=search_of(store, partition, manifest, frozen),
        importance=importance_of(store, partition, manifest.kind, bundle),
    )


def index_entry(home: Home, partition: Partition, kind: str, settings: Configuration) -> IndexEntry | None:
    """Return the entry of a page; None where there is no verdict that can be read.

    A verdict that another version of truebar wrote may be one of these; a warning names it.
    """
    verdict = BundleStore(home).load_verdict(partition, kind)
    if verdict is None:
        return None
    try:
        Judgement.from_json(verdict)
    except SchemaError as error:
        warnings.warn(f"{partition} {kind} is left out of the index of reports: {error}", stacklevel=2)
        return None
    name = report_path(home, partition, kind).name
    return IndexEntry(
        verdict,
        name,
        is_synthetic(settings, partition.symbol),
        _judged_span(home, partition, kind, str(verdict["bundle"])),
    )


def _judged_span(
    home: Home, partition: Partition, kind: str, bundle: str
) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """Return the vault that a bundle was judged on; None where the bundle is there no more."""
    try:
        vault = BundleStore(home).load(partition, kind, bundle).manifest.vault
    except BundleError:
        return None
    return pd.Timestamp(vault.start), pd.Timestamp(vault.end)


def is_shown(home: Home, partition: Partition, kind: str) -> bool:
    """Return whether the page on disk is of the verdict that stands now."""
    bundles = BundleStore(home)
    verdict, reported = bundles.load_verdict(partition, kind), bundles.reported(partition, kind)
    if reported is None or not report_path(home, partition, kind).is_file():
        return False
    return reported.verdict == fingerprint(verdict)


def publish_index(
    home: Home, store: Warehouse, settings: Configuration, *, written: tuple[Partition, str]
) -> None:
    """Write the index over all reports and the one just written, which is not yet noted as such.

    One writer at a time, so that each has what the others wrote.
    """
    every = [(partition, kind) for partition in store.partitions() for kind in KINDS]
    with exclusively(home.reports / ".lock"):
        found = [
            index_entry(home, *which, settings)
            for which in every
            if which == written or is_shown(home, *which)
        ]
        write_page(index_path(home), render_index([entry for entry in found if entry is not None]))


def publish_report(
    store: Warehouse, partition: Partition, kind: str, settings: Configuration, run: TrackedRun
) -> Path:
    """Write the report of the current bundle's verdict and the index, and return the report's path.

    Raises:
        MissingDataError: when the current bundle has not been judged.
    """
    bundles = BundleStore(store.home)
    bundle = bundles.load(partition, kind)
    history = load_history(store, partition, bundle.manifest.recipe.label)
    verdict = require_judged(store, partition, kind, bundle, history)
    page = render_report(report_inputs(store, partition, bundle, verdict, settings, run.run_id))
    path = write_page(report_path(store.home, partition, kind), page)
    publish_index(store.home, store, settings, written=(partition, kind))
    bundles.save_reported(partition, kind, Reported(verdict=fingerprint(verdict), page=page_digest()))
    run.log_artifact(path)
    return path
