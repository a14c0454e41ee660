"""The bundle's one look at the vault: account, scores, verdict."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from truebar import backtest, calibration
from truebar.backtest import BacktestResult
from truebar.calibration import Calibrator
from truebar.errors import BundleError, MissingDataError
from truebar.evaluation import on_bars, targets
from truebar.evidence import labels_within
from truebar.history import History
from truebar.models.bundle import Bundle, Manifest
from truebar.models.recipe import Recipe
from truebar.partitions import Partition
from truebar.protocol import leakage_of
from truebar.thresholds.values import Thresholds
from truebar.units import TIMEFRAME_SECONDS
from truebar.validation import Vault
from truebar.validation.apart import Fold
from truebar.validation.leakage import Beside
from truebar.verdict import Verdict, bootstrap_generator, judge
from truebar.verdict_words import described
from truebar_io.bundles import BundleStore
from truebar_io.configuration import Configuration
from truebar_io.generated import is_synthetic, market_behind, oracle_scores
from truebar_io.stages.fold_models import load_fitted_on
from truebar_io.stages.frozen import PROBABILITIES, load_frozen, rows_source
from truebar_io.stages.history import load_bars, load_history, record_look
from truebar_io.stages.pictures import equity_picture, kept
from truebar_io.stages.planning import evidence_on
from truebar_io.stages.predicting import RAW, predictions_source
from truebar_io.stages.training import load_rows
from truebar_io.tracking import TrackedRun
from truebar_io.transforms.recompute import context_columns
from truebar_io.warehouse import Warehouse

CONTEXT_SECONDS: Final = 2 * 86_400
"""How far back features.context reads."""


def pays_funding(settings: Configuration, partition: Partition) -> bool:
    """Return whether positions in the market pay or receive funding."""
    return settings.market_of(partition.symbol).market_type in ("linear_perpetual", "inverse_perpetual")


def vault_of(bundle: Bundle) -> Vault:
    """Return the vault that the bundle was kept from."""
    vault = bundle.manifest.vault
    return Vault(pd.Timestamp(vault.start), pd.Timestamp(vault.end))


def vault_digest(store: Warehouse, partition: Partition, bundle: Bundle, history: History) -> str:
    """Return the digest of all that a verdict on the bundle's vault rests on.

    Raises:
        BundleError: when the data are no longer those that the bundle was made from.
    """
    evidence = evidence_on(load_bars(store, partition), history, vault_of(bundle))
    if evidence.data_digest != bundle.manifest.data_digest:
        raise BundleError(
            f"{partition}: klines, features or labels changed since the bundle {bundle.name[:12]} was made; "
            "its verdict would be about other data. Train again with the job `train`."
        )
    return evidence.vault_digest


def vault_account(
    store: Warehouse, partition: Partition, kind: str, bundle: Bundle, history: History
) -> tuple[BacktestResult, pd.DataFrame]:
    """Return the account over the vault's bars, and its rows: on those bars probabilities, labels and target.

    The target is the share of equity that the bundle's rules want at the close of the bar.

    Raises:
        MissingDataError: when the predictions are not this bundle's over the features of now.
    """
    manifest, vault = bundle.manifest, vault_of(bundle)
    published = store.summary(partition).get(f"{kind}.predictions")
    if published is None or published.made_from != predictions_source(store, partition, kind, bundle.name):
        raise MissingDataError(
            f"{partition}: {kind}.predictions are not those of the bundle {bundle.name[:12]} over the "
            f"features of now; materialize {kind}/predictions first."
        )
    bars = store.read("*", "market.klines", partition, since=vault.start, until=vault.end)
    predictions = store.read("*", f"{kind}.predictions", partition, since=vault.start, until=vault.end)
    labels = history.labels.assign(open_time=history.open_time, label=labels_within(history, vault))
    rows = pd.DataFrame({"open_time": bars["open_time"]})
    for source, columns in ((predictions, [*RAW, *PROBABILITIES]), (labels, ["sigma", "tau", "label"])):
        rows[columns] = on_bars(bars, source, columns)
    rows["target"] = targets(
        rows[PROBABILITIES].to_numpy(),
        sigma=rows["sigma"].to_numpy(),
        tau=rows["tau"].to_numpy(),
        facts=manifest.facts,
        rule=Thresholds.from_json(bundle.files["thresholds.json"]),
        recipe=manifest.recipe,
        timeframe=partition.timeframe,
    )
    traded = manifest.recipe.backtest
    return backtest.run(bars, rows["target"].to_numpy(), traded, timeframe=partition.timeframe), rows


def calibrator_of(bundle: Bundle) -> Calibrator:
    """Return the calibrator in a bundle."""
    return calibration.from_json(bundle.files["calibrator.json"].decode())


def require_judged(
    store: Warehouse, partition: Partition, kind: str, bundle: Bundle, history: History
) -> dict[str, Any]:
    """Return the current verdict, which is the bundle's, on the data of now.

    Raises:
        MissingDataError: when it is not.
        BundleError: when the data are no longer those that the bundle was made from.
    """
    verdict = BundleStore(store.home).load_verdict(partition, kind)
    if verdict is None or verdict["bundle"] != bundle.name:
        raise MissingDataError(
            f"{partition}: the bundle {bundle.name[:12]} has no verdict; materialize {kind}/backtest first."
        )
    if vault_digest(store, partition, bundle, history) != verdict["data_digest"]:
        raise MissingDataError(
            f"{partition}: the verdict is about other data than there are now; materialize "
            f"{kind}/backtest first."
        )
    return verdict


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


def _oracle(
    store: Warehouse, partition: Partition, settings: Configuration, rows: pd.DataFrame, recipe: Recipe
) -> dict[str, float] | None:
    """Return what the best possible forecast scores on the labelled rows of the vault; None if unknowable."""
    if not is_synthetic(settings, partition.symbol):
        return None
    market = market_behind(store, partition, settings)
    scored = rows.loc[rows["label"].notna(), "open_time"]
    return oracle_scores(market, scored, recipe.label, recipe.backtest)


def folds_of(
    store: Warehouse, partition: Partition, kind: str, manifest: Manifest, history: History
) -> list[Fold]:
    """Return the rows of the history that each fold's model was fitted on and asked about, as it happened.

    Raises:
        BundleError: when the out-of-fold rows or models are another training's.
    """
    rows = load_rows(store, partition, kind, manifest).dropna(subset="label")
    source = rows_source(manifest.training, manifest.recipe)
    places = history.open_time.get_indexer(pd.DatetimeIndex(rows["open_time"])).astype(np.int64)
    fold = rows["fold"].to_numpy()
    fitted_on = load_fitted_on(BundleStore(store.home), partition, kind, source)
    return [(places[fitted], places[fold == number]) for number, fitted in enumerate(fitted_on)]


def context_beside(project: Path, timeframe: str) -> Beside | None:
    """Return the columns that dbt makes, as they can be computed from other bars; None where they cannot."""
    compute = context_columns(project)
    if compute is None:
        return None
    return Beside(compute, CONTEXT_SECONDS // TIMEFRAME_SECONDS[timeframe] + 1)


def judge_vault(
    store: Warehouse,
    partition: Partition,
    kind: str,
    settings: Configuration,
    run: TrackedRun,
    *,
    project: Path,
) -> dict[str, Any]:
    """Write the look down, then judge the current bundle on its vault, and keep the verdict.

    `project` is the folder of the dbt project that made features.context. The funding that a perpetual pays
    is not counted yet: that condition is named as missing.
    """
    bundles = BundleStore(store.home)
    bundle = bundles.load(partition, kind)
    manifest = bundle.manifest
    bars = load_bars(store, partition)
    history = load_history(store, partition, manifest.recipe.label, bars)
    digest = vault_digest(store, partition, bundle, history)
    frozen = load_frozen(bundles, partition, kind)
    looks = record_look(
        store, partition, vault_of(bundle), digest, manifest.recipe_digest, now=datetime.now(UTC)
    )
    account, rows = vault_account(store, partition, kind, bundle, history)
    evidence = evidence_on(bars, history, vault_of(bundle))
    leakage = leakage_of(
        history,
        bars,
        manifest.recipe,
        dev=evidence.dev,
        vault=evidence.vault,
        folds=folds_of(store, partition, kind, manifest, history),
        beside=context_beside(project, partition.timeframe),
        timeframe=partition.timeframe,
        generator=bootstrap_generator(manifest.recipe_digest, digest),
        tick_size=settings.market_of(partition.symbol).tick_size,
    )
    verdict = judge(
        probabilities=rows[PROBABILITIES].to_numpy(),
        labels=rows["label"].to_numpy(),
        backtest=account,
        dev_shares=manifest.facts.class_shares,
        horizon_bars=manifest.recipe.label.horizon_bars,
        generator=bootstrap_generator(manifest.recipe_digest, digest),
        leakage_checks=leakage,
        funding_counted=None if pays_funding(settings, partition) else True,
        vault_looks=looks,
        n_trials=frozen.n_trials,
        bundle=bundle.name,
        data_digest=digest,
    )
    publish_account(store, partition, kind, account, verdict)
    known = _oracle(store, partition, settings, rows, manifest.recipe)
    bundles.save_verdict(partition, kind, verdict.to_json(partition, kind, oracle=known))
    run.log_metrics({name: metric.value for name, metric in verdict.metrics.items()})
    run.set_tags({"verdict": verdict.verdict, "bundle": bundle.name})
    run.log_dataset(
        f"{partition} vault",
        digest=digest,
        rows=manifest.vault.rows,
        columns=manifest.recipe.feature_columns,
        context="evaluation",
        source="features.matrix, labels.volatility, market.klines",
    )
    closes = on_bars(rows, bars, ["close"])[:, 0]
    return {
        "verdict": verdict.verdict,
        "in_words": described(verdict),
        **kept(run, {"equity": equity_picture(account, closes, partition)}),
        "failed": ", ".join(verdict.failed) or "none",
        "not_computed": ", ".join(verdict.missing) or "none",
        "vault_looks": looks,
        "bundle": bundle.name,
        **{name: metric.value for name, metric in verdict.metrics.items() if metric.value is not None},
    }
