"""The study of one partition: trials over dev's folds, the frozen recipe, its out-of-fold rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from truebar.arrays import IntArray
from truebar.history import History
from truebar.models.out_of_fold import OutOfFold, predicted_by
from truebar.models.recipe import Recipe, Request
from truebar.models.xgboost import XgboostModel, embargo_of
from truebar.partitions import Partition
from truebar.protocol import choose_calibration
from truebar.study import Candidate, Dev, TrialRun, account_of, dev_of, luck_of
from truebar.study.trial import FIRST_FOLD_STAGES
from truebar.verdict import bootstrap_generator
from truebar_io.bundles import BundleStore
from truebar_io.configuration import Configuration
from truebar_io.machine import workers
from truebar_io.stages.checks import refuse_unfit
from truebar_io.stages.fold_models import save_fold_models
from truebar_io.stages.frozen import PROBABILITIES, Frozen, rows_source
from truebar_io.stages.history import load_history, load_volatility, register_vault
from truebar_io.stages.pictures import kept, trials_picture
from truebar_io.stages.planning import Plan, plan_of
from truebar_io.studies import Best, Finished, PartitionStudies, Score, TrialRecord
from truebar_io.tracking import TrackedRun
from truebar_io.warehouse import Warehouse


@dataclass(frozen=True, eq=False)
class Searched:
    """What a study found: its best trial, and dev as every trial saw it."""

    best: Best
    dev: Dev

    @property
    def fitted_on(self) -> list[IntArray]:
        """Rows of the history that each fold's model was fitted on, first fold in time first."""
        folds = sorted(self.dev.folds, key=lambda fold: fold.number)
        return [self.dev.rows[fold.training] for fold in folds]


def search(
    store: Warehouse, partition: Partition, kind: str, settings: Configuration, run: TrackedRun
) -> dict[str, Any]:
    """Register the vault, run the study on dev, freeze the recipe, and publish its out-of-fold rows."""
    now = datetime.now(UTC)
    refuse_unfit(store, partition, settings, now)
    plan = plan_of(store, partition, settings)
    register_vault(store, partition, plan.vault, plan.evidence.vault_digest, now=now)
    studies = PartitionStudies(store.home, partition, kind)
    tick_size = settings.market_of(partition.symbol).tick_size
    searched = _searched(store, partition, plan, studies, tick_size=tick_size)
    found, candidate = searched.best, searched.best.candidate
    history = load_history(store, partition, candidate.label, plan.bars)
    draft = plan.request.freeze(candidate.label, candidate.parameters, "none")
    made = _left_out(history, draft, searched, partition.timeframe)
    method = choose_calibration(
        history, made, plan.request.calibrations, horizon_bars=candidate.label.horizon_bars
    )
    recipe = draft.model_copy(update={"calibration": method})
    trials = studies.records()
    _publish_trials(store, partition, trials)
    source = rows_source(plan.training, recipe)
    save_fold_models(BundleStore(store.home), partition, kind, made, source, fitted_on=searched.fitted_on)
    store.write(partition, f"{kind}.out_of_fold", _as_table(history, made), mode="replace", made_from=source)
    frozen = Frozen(
        training=plan.training,
        request_digest=plan.request.digest(),
        recipe=recipe,
        score=found.score,
        searched=studies.finished(plan.study),
        n_trials=len(trials),
        dev_metrics=_luck(partition, plan, studies, found),
    )
    BundleStore(store.home).save_part(partition, kind, "recipe.json", frozen.model_dump_json().encode())
    run.log_params({"recipe": recipe.digest(), "calibration": method, **candidate.values()})
    run.log_metrics({"study_score": frozen.score, "n_trials": float(len(trials))})
    pictures = {"trials": trials_picture(trials, partition)}
    return {**_metadata(frozen, candidate, made), **kept(run, pictures)}


def _metadata(frozen: Frozen, candidate: Candidate, made: OutOfFold) -> dict[str, Any]:
    dev = {name: found["value"] for name, found in frozen.dev_metrics.items() if found["value"] is not None}
    return {
        "recipe": frozen.recipe.digest(),
        "best_score": frozen.score,
        "skill": "" if frozen.score > 0 else "no trial has skill: the best score is not above 0",
        "n_trials": frozen.n_trials,
        "out_of_fold_rows": int(made.rows.size),
        **{name: str(value) for name, value in candidate.values().items()},
        "calibration": frozen.recipe.calibration,
        **dev,
    }


def _luck(
    partition: Partition, plan: Plan, studies: PartitionStudies, found: Best
) -> dict[str, dict[str, float | int | str | None]]:
    """Return what the search's accounts say of its best trial, as JSON."""
    metrics = luck_of(
        studies.returns(plan.study),
        chosen=found.column,
        horizon_bars=plan.request.label.horizon_bars,
        timeframe=partition.timeframe,
        generator=bootstrap_generator(plan.request.digest(), plan.evidence.data_digest),
    )
    return {name: metric.to_json() for name, metric in metrics.items()}


def _searched(
    store: Warehouse, partition: Partition, plan: Plan, studies: PartitionStudies, *, tick_size: float | None
) -> Searched:
    """Return what the study found, which runs as far as it has not yet; one trial is a study too."""
    dev = dev_of(
        plan.history,
        plan.bars,
        plan.evidence.dev,
        plan.request,
        sigmas=load_volatility(store, partition),
        timeframe=partition.timeframe,
        tick_size=tick_size,
    )
    run_study(studies, plan.study, plan.request, dev, plan.bars)
    return Searched(studies.best(plan.study, plan.request), dev)


def _left_out(history: History, draft: Recipe, searched: Searched, timeframe: str) -> OutOfFold:
    """Return dev's out-of-fold rows: the winner's own (METHOD §5.1)."""
    return predicted_by(
        [XgboostModel.from_bytes(model) for model in searched.best.models],
        history,
        searched.dev.rows,
        folds=draft.validation.folds,
        embargo_bars=embargo_of(draft, timeframe, len(searched.dev.rows)),
    )


def run_study(studies: PartitionStudies, name: str, request: Request, dev: Dev, bars: pd.DataFrame) -> None:
    """Run the study `name` over dev's folds as far as it has not run yet."""

    def evaluate(candidate: Candidate, told: Score) -> Finished | None:
        trial = TrialRun(dev, candidate, folds_at_once=workers())
        for step, score in trial.scores():
            if told(step, score):
                return None
        outcome = trial.outcome()
        account = account_of(dev, bars, outcome, candidate, request)
        attributes = {
            "ev_net": account.ev_net,
            "n_trades": account.n_trades,
            "direction_auc": account.direction_auc,
        }
        models = tuple(model.to_bytes() for model in outcome.models)
        return Finished(outcome.score, attributes, account.returns, models)

    studies.run(name, request, evaluate, steps=FIRST_FOLD_STAGES * len(dev.folds))


def _publish_trials(store: Warehouse, partition: Partition, records: Sequence[TrialRecord]) -> None:
    """Write every trial ever run into `registry.trials`; nothing is taken out of it."""
    if records:
        rows = [
            {
                "study": record.study,
                "number": record.number,
                "state": record.state,
                "score": record.score,
                "params": record.params_json,
            }
            for record in records
        ]
        store.write(partition, "registry.trials", pd.DataFrame(rows))


def _as_table(history: History, made: OutOfFold) -> pd.DataFrame:
    """Return out-of-fold rows as the table `<kind>.out_of_fold` has them; those between have no label."""
    asked, labels = made.asked, history.label.copy()
    labels[made.between.rows] = np.nan
    frame = pd.DataFrame(asked.probabilities, columns=PROBABILITIES)
    frame.insert(0, "open_time", history.open_time[asked.rows])
    frame.insert(1, "fold", np.concatenate((made.fold, made.between.fold)))
    frame["label"] = pd.Series(labels[asked.rows]).astype("Int8")
    return frame.sort_values("open_time", ignore_index=True)
