"""The report of one partition and kind, and the index over all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from truebar.config import MarketConfig
from truebar.fingerprint import fingerprint
from truebar.kinds import KINDS
from truebar.models.bundle import Bundle, Manifest
from truebar.partitions import Partition
from truebar.reports import (
    Calibration,
    DataQuality,
    IndexEntry,
    Lineage,
    ReportInputs,
    Slices,
    render_index,
    render_report,
)
from truebar.scores.activity import brier_rows, log_loss_rows
from truebar.scores.breakeven import break_even_correlation
from truebar.scores.rows import scored_rows
from truebar.thresholds.values import round_trip_cost
from truebar.units import TIMEFRAME_SECONDS
from truebar_io.bundles import BundleStore
from truebar_io.configuration import Configuration
from truebar_io.home import Home
from truebar_io.reports import index_path, report_path, write_page
from truebar_io.stages.history import load_history
from truebar_io.stages.judging import require_judged, vault_account
from truebar_io.stages.searching import PROBABILITIES
from truebar_io.tracking import TrackedRun
from truebar_io.warehouse import Warehouse

RAW_PROBABILITIES = [f"raw_{name}" for name in PROBABILITIES]


def describe_market(market: MarketConfig) -> str:
    """Return what a market is, in words."""
    kind = {
        "spot": "spot market",
        "linear_perpetual": "linear perpetual",
        "inverse_perpetual": "inverse perpetual",
        "synthetic": "synthetic market, generated: no such market exists",
    }[market.market_type]
    return f"{market.exchange_symbol} on {market.exchange}, {kind}."


def describe_horizon(manifest: Manifest) -> str:
    """Return the label's horizon in bars and in hours."""
    bars = manifest.recipe.label.horizon_bars
    hours = bars * TIMEFRAME_SECONDS[manifest.timeframe] / 3_600
    return f"{bars} bars ({hours:g} hours)"


def data_quality(store: Warehouse, partition: Partition) -> DataQuality:
    """Return the counts of the partition's bars, gaps and rejected rows."""
    gaps = store.read(["bars", "reason"], "market.gaps", partition).groupby("reason")["bars"].sum()
    rejected = store.read(["reason"], "market.quarantine", partition)["reason"].value_counts()
    return DataQuality(
        bars=store.summary(partition)["market.klines"].rows,
        missing=int(gaps.get("missing", 0)),
        halted=int(gaps.get("halted", 0)),
        quarantined={str(reason): int(count) for reason, count in rejected.items()},
    )


def calibration_of(rows: pd.DataFrame, method: str) -> Calibration:
    """Return the activity scores of the vault's rows before and after calibration."""
    before = scored_rows(rows[RAW_PROBABILITIES].to_numpy(), rows["label"].to_numpy())
    after = scored_rows(rows[PROBABILITIES].to_numpy(), rows["label"].to_numpy())
    measures = {"brier": brier_rows, "log_loss": log_loss_rows}
    scores = {
        name: (
            float(measure(before.probabilities, before.one_hot).mean()),
            float(measure(after.probabilities, after.one_hot).mean()),
        )
        for name, measure in measures.items()
    }
    return Calibration(method=method, scores=scores)


def slices_of(manifest: Manifest) -> Slices:
    """Return how history was cut."""
    return Slices(
        dev_start=pd.Timestamp(manifest.dev.start),
        dev_end=pd.Timestamp(manifest.dev.end),
        dev_rows=manifest.dev.rows,
        purged_rows=manifest.purged_rows,
        vault_start=pd.Timestamp(manifest.vault.start),
        vault_end=pd.Timestamp(manifest.vault.end),
        vault_rows=manifest.vault.rows,
    )


def configuration_digest(settings: Configuration) -> str:
    """Return the digest of the settings that decide labels, model and account."""
    sections = (settings.data, settings.xgb, settings.backtest)
    return fingerprint([section.model_dump(mode="json") for section in sections])


def report_inputs(
    store: Warehouse,
    partition: Partition,
    bundle: Bundle,
    verdict: dict[str, Any],
    settings: Configuration,
    mlflow_run_id: str,
) -> ReportInputs:
    """Return all that the report of the current bundle shows."""
    manifest, market = bundle.manifest, settings.market_of(partition.symbol)
    recipe = manifest.recipe
    history = load_history(store, partition, recipe.label)
    account, rows = vault_account(store, partition, manifest.kind, bundle, history)
    closes = store.read(["open_time", "close"], "market.klines", partition)
    labelled = np.flatnonzero(history.open_time < pd.Timestamp(manifest.vault.end))
    return ReportInputs(
        verdict=verdict,
        market_description=describe_market(market),
        is_synthetic=market.market_type == "synthetic",
        costs=recipe.backtest.costs,
        horizon_text=describe_horizon(manifest),
        slices=slices_of(manifest),
        quality=data_quality(store, partition),
        lineage=Lineage(
            data=manifest.data_digest,
            code=manifest.code_digest,
            configuration=configuration_digest(settings),
            recipe=manifest.recipe_digest,
            bundle=bundle.name,
            mlflow_run_id=mlflow_run_id,
        ),
        initial_capital=account.initial_capital,
        equity=account.to_frame()[["open_time", "equity"]].merge(closes, on="open_time", how="left"),
        break_even_correlation=break_even_correlation(
            history.column("future_return")[labelled], round_trip_cost=round_trip_cost(recipe.backtest)
        ).value,
        calibration=calibration_of(rows, recipe.calibration),
    )


def index_entries(home: Home, store: Warehouse, settings: Configuration) -> list[IndexEntry]:
    """Return one entry for each report on disk whose verdict is known."""
    bundles = BundleStore(home)
    entries = []
    for partition in store.partitions():
        for kind in KINDS:
            verdict, path = bundles.load_verdict(partition, kind), report_path(home, partition, kind)
            if verdict is not None and path.is_file():
                synthetic = settings.market_of(partition.symbol).market_type == "synthetic"
                entries.append(IndexEntry(verdict, path.name, synthetic))
    return entries


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
    write_page(index_path(store.home), render_index(index_entries(store.home, store, settings)))
    bundles.save_reported(partition, kind, fingerprint(verdict))
    run.log_artifact(path)
    return path
