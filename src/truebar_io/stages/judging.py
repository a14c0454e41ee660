"""The bundle's one look at the vault: account, scores, verdict."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from truebar.backtest import BacktestResult
from truebar.errors import BundleError
from truebar.evaluation import on_bars, trade
from truebar.history import History
from truebar.models.bundle import Bundle
from truebar.partitions import Partition
from truebar.thresholds.values import Thresholds
from truebar.times import NO_TIME, nanoseconds
from truebar.validation import Vault
from truebar.verdict import Verdict, bootstrap_generator, judge
from truebar_io.bundles import BundleStore
from truebar_io.stages.history import load_history, record_look
from truebar_io.stages.predicting import RAW
from truebar_io.stages.training import PROBABILITIES
from truebar_io.tracking import TrackedRun
from truebar_io.warehouse import Warehouse


def vault_of(bundle: Bundle) -> Vault:
    """Return the vault that the bundle was kept from."""
    vault = bundle.manifest.vault
    return Vault(pd.Timestamp(vault.start), pd.Timestamp(vault.end))


def vault_digest(history: History, bundle: Bundle) -> str:
    """Return the digest of the vault's labelled rows.

    Raises:
        BundleError: when the data are no longer those that the bundle was made from.
    """
    manifest, vault = bundle.manifest, vault_of(bundle)
    label_end = nanoseconds(history.labels["label_end"], "label_end", missing_allowed=True)
    open_time = nanoseconds(history.open_time)
    labelled = label_end != NO_TIME
    dev = labelled & (label_end <= pd.Timestamp(manifest.dev.end).value)
    inside = labelled & (open_time >= vault.start.value) & (label_end <= vault.end.value)
    if history.digest(np.flatnonzero(dev | inside)) != manifest.data_digest:
        raise BundleError(
            f"{manifest.symbol} {manifest.timeframe}: features or labels changed since the bundle "
            f"{bundle.name[:12]} was made; its verdict would be about other data. Train again with the job "
            "`train`."
        )
    return history.digest(np.flatnonzero(inside))


def vault_account(
    store: Warehouse, partition: Partition, kind: str, bundle: Bundle, history: History
) -> tuple[BacktestResult, pd.DataFrame]:
    """Return the account over the vault's bars, and its rows: probabilities and labels on those bars."""
    manifest, vault = bundle.manifest, vault_of(bundle)
    bars = store.read("*", "market.klines", partition, since=vault.start, until=vault.end)
    predictions = store.read("*", f"{kind}.predictions", partition, since=vault.start, until=vault.end)
    labels = history.labels.assign(open_time=history.open_time)
    rows = pd.DataFrame({"open_time": bars["open_time"]})
    for source, columns in ((predictions, [*RAW, *PROBABILITIES]), (labels, ["sigma", "tau", "label"])):
        rows[columns] = on_bars(bars, source, columns)
    account = trade(
        bars,
        rows[PROBABILITIES].to_numpy(),
        sigma=rows["sigma"].to_numpy(),
        tau=rows["tau"].to_numpy(),
        facts=manifest.facts,
        rule=Thresholds.from_json(bundle.files["thresholds.json"]),
        recipe=manifest.recipe,
        timeframe=partition.timeframe,
    )
    return account, rows


def publish_account(
    store: Warehouse, partition: Partition, kind: str, account: BacktestResult, verdict: Verdict
) -> None:
    """Publish trades, equity and metrics of the vault together."""
    metrics = pd.DataFrame([{"name": name, **asdict(metric)} for name, metric in verdict.metrics.items()])
    tables = {
        f"{kind}.trades": account.trades,
        f"{kind}.equity": account.to_frame(),
        f"{kind}.metrics": metrics,
    }
    store.write_tables(partition, tables, mode="replace", made_from=verdict.bundle)


def judge_vault(store: Warehouse, partition: Partition, kind: str, run: TrackedRun) -> dict[str, Any]:
    """Write the look down, then judge the current bundle on its vault, and keep the verdict.

    The leakage checks of METHOD §6 (d) are not built yet, so that condition is named as missing.
    """
    bundles = BundleStore(store.home)
    bundle = bundles.load(partition, kind)
    manifest = bundle.manifest
    history = load_history(store, partition, manifest.recipe.label)
    digest = vault_digest(history, bundle)
    looks = record_look(
        store, partition, vault_of(bundle), digest, manifest.recipe_digest, now=datetime.now(UTC)
    )
    account, rows = vault_account(store, partition, kind, bundle, history)
    verdict = judge(
        probabilities=rows[PROBABILITIES].to_numpy(),
        labels=rows["label"].to_numpy(),
        backtest=account,
        dev_shares=manifest.facts.class_shares,
        horizon_bars=manifest.recipe.label.horizon_bars,
        generator=bootstrap_generator(manifest.recipe_digest, digest),
        leakage_checks=None,
        vault_looks=looks,
        n_trials=1,
        bundle=bundle.name,
        data_digest=digest,
    )
    publish_account(store, partition, kind, account, verdict)
    bundles.save_verdict(partition, kind, verdict.to_json(partition, kind))
    run.log_metrics({name: metric.value for name, metric in verdict.metrics.items()})
    run.set_tags({"verdict": verdict.verdict, "bundle": bundle.name})
    return {
        "verdict": verdict.verdict,
        "failed": ", ".join(verdict.failed) or "none",
        "not_computed": ", ".join(verdict.missing) or "none",
        "vault_looks": looks,
        "bundle": bundle.name,
        **{name: metric.value for name, metric in verdict.metrics.items() if metric.value is not None},
    }
