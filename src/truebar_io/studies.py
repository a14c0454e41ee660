"""Studies on disk: Optuna over SQLite, resumed to the same result wherever it was killed (METHOD §4)."""

from __future__ import annotations

import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import event, text

from truebar.arrays import FloatArray
from truebar.config import PrunerConfig, RealRange, WholeRange
from truebar.errors import TooFewRowsError
from truebar.models.recipe import Request
from truebar.partitions import Partition
from truebar.study import Candidate, candidate_of, first_candidate
from truebar_io.durable import replace_file
from truebar_io.home import Home

FINISHED: Final = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)

Score = Callable[[int, float], bool]
"""Told (step, score so far); says whether the trial is given up."""

Evaluate = Callable[[Candidate, Score], "Finished | None"]
"""Runs a candidate, telling scores on the way; None when it was given up."""


@dataclass(frozen=True)
class Finished:
    """What a trial that ran to its end leaves.

    Attributes:
        score: R² of the implied edge.
        attributes: numbers that describe the trial and never choose it.
        returns: float64[bars - 1], net return per bar out of fold.
        models: the model of each fold as its file, first in time first.
    """

    score: float
    attributes: Mapping[str, float | int | None]
    returns: FloatArray
    models: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Best:
    """The best of the trials that ran to their end.

    Attributes:
        candidate: what it tried.
        score: R² of its implied edge.
        column: its place among the columns of `PartitionStudies.returns`.
        models: of its folds, each as its file.
    """

    candidate: Candidate
    score: float
    column: int
    models: tuple[bytes, ...]


@dataclass(frozen=True)
class TrialRecord:
    """One trial of any study ever run on a partition."""

    study: str
    number: int
    state: str
    score: float | None
    params: dict[str, Any]
    attributes: dict[str, Any]

    @property
    def params_json(self) -> str:
        """What the trial tried, as JSON with sorted keys."""
        return json.dumps(self.params, sort_keys=True)


class _SeededSampler(optuna.samplers.BaseSampler):
    """TPE whose every draw depends on (seed, trial number, parameter) and the trials before, nothing else.

    So a study that was killed between two draws goes on with the draws that it would have made.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def _tpe(self, number: int, name: str) -> optuna.samplers.TPESampler:
        digest = sha256(f"{self._seed}/{number}/{name}".encode()).digest()
        return optuna.samplers.TPESampler(seed=int.from_bytes(digest[:4], "big"), multivariate=False)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, Any]:
        """Return nothing: each parameter is drawn by itself."""
        del study, trial
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, Any]
    ) -> dict[str, Any]:
        """Return nothing: each parameter is drawn by itself."""
        del study, trial, search_space
        return {}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: Any
    ) -> Any:
        """Return one parameter of one trial."""
        sampler = self._tpe(trial.number, param_name)
        return sampler.sample_independent(study, trial, param_name, param_distribution)


def _pruner(config: PrunerConfig, steps: int) -> optuna.pruners.BasePruner:
    """Return the pruner over `steps` stages of a trial."""
    if config.type == "hyperband":
        return optuna.pruners.HyperbandPruner(
            min_resource=1, max_resource=steps, reduction_factor=config.reduction_factor
        )
    if config.type == "successive_halving":
        return optuna.pruners.SuccessiveHalvingPruner(
            min_resource=1, reduction_factor=config.reduction_factor
        )
    if config.type == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=config.startup_trials)
    return optuna.pruners.NopPruner()


class PartitionStudies:
    """All studies of one partition and kind, in one SQLite file; nothing is ever deleted from it."""

    def __init__(self, home: Home, partition: Partition, kind: str) -> None:
        self._folder = home.studies
        self._stem = f"{partition.symbol}-{partition.timeframe}-{kind}"

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return self._folder / f"{self._stem}.db"

    @property
    def url(self) -> str:
        """What Optuna and its dashboard open."""
        return f"sqlite:///{self.path}"

    def run(self, name: str, request: Request, evaluate: Evaluate, *, steps: int) -> None:
        """Run the study `name` until it has the trials that are asked for; go on where it was killed.

        A trial that was interrupted runs again under its own number with its own parameters.

        Args:
            name: of the study; another request, other data or other code is another name, another number of
                trials is not.
            request: what is on offer, and how many trials at least.
            evaluate: runs one candidate.
            steps: stages of a whole trial.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with _quiet():
            storage = self._storage
            study = optuna.create_study(
                storage=storage,
                study_name=name,
                direction="maximize",
                sampler=_SeededSampler(request.search.seed),
                pruner=_pruner(request.search.pruner, steps),
                load_if_exists=True,
            )
            study.set_user_attr("n_trials", max(request.search.n_trials, _finished(study)))
            if not study.get_trials(deepcopy=False):
                study.enqueue_trial(first_candidate(request).values(), skip_if_exists=True)
            _forget_what_was_told(study, storage)
            while (trial := _next_trial(study, request.search.n_trials)) is not None:
                self._run_one(study, name, trial, request, evaluate)

    def _run_one(
        self, study: optuna.Study, name: str, trial: optuna.Trial, request: Request, evaluate: Evaluate
    ) -> None:
        """Run one trial and write down how it ended."""
        candidate = candidate_of(request, _suggest(trial, request))

        def score(step: int, value: float) -> bool:
            trial.report(value, step)
            return trial.should_prune()

        try:
            finished = evaluate(candidate, score)
        except TooFewRowsError as error:
            trial.set_user_attr("reason", str(error))
            study.tell(trial, state=TrialState.FAIL)
            return
        if finished is None:
            study.tell(trial, state=TrialState.PRUNED)
            return
        for attribute, value in finished.attributes.items():
            trial.set_user_attr(attribute, value)
        replace_file(self._path_of(name, trial.number, "f64"), finished.returns.tobytes())
        earlier = [each for each in study.get_trials(deepcopy=False) if each.state == TrialState.COMPLETE]
        is_best = all(finished.score > (each.value or 0.0) for each in earlier)
        if is_best:
            replace_file(self._path_of(name, trial.number, "models"), _packed(finished.models))
        study.tell(trial, finished.score)
        if is_best:
            for each in earlier:
                self._path_of(name, each.number, "models").unlink(missing_ok=True)

    def finished(self, name: str) -> int:
        """Return how many trials of the study have ended, pruned and failed ones included."""
        return sum(trial.state in FINISHED for trial in self._trials(name))

    def best(self, name: str, request: Request) -> Best:
        """Return the candidate with the best score, the earlier one among equals.

        Raises:
            TooFewRowsError: when no trial ran to its end; the first reason is named.
        """
        trials = self._trials(name)
        complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        if not complete:
            reasons = [trial.user_attrs["reason"] for trial in trials if "reason" in trial.user_attrs]
            raise TooFewRowsError(
                f"none of {len(trials)} trials ran to its end: {reasons[0] if reasons else 'all were pruned'}"
            )
        column, best = max(enumerate(complete), key=lambda pair: (pair[1].value, -pair[0]))
        models = _unpacked(self._path_of(name, best.number, "models").read_bytes())
        return Best(candidate_of(request, best.params), float(best.value or 0.0), column, models)

    def returns(self, name: str) -> FloatArray:
        """Return float64[bars, trials], net out-of-fold returns per bar of finished trials."""
        numbers = [trial.number for trial in self._trials(name) if trial.state == TrialState.COMPLETE]
        columns = [np.frombuffer(self._path_of(name, number, "f64").read_bytes()) for number in numbers]
        return np.column_stack(columns) if columns else np.empty((0, 0))

    def records(self) -> list[TrialRecord]:
        """Return every trial of every study ever run here, in the order of their start."""
        if not self.path.is_file():
            return []
        with _quiet():
            storage = self._storage
            summaries = optuna.get_all_study_summaries(storage, include_best_trial=False)
            studies = [
                (summary.study_name, optuna.load_study(study_name=summary.study_name, storage=storage))
                for summary in summaries
            ]
        return [
            TrialRecord(
                study=name,
                number=trial.number,
                state=trial.state.name.lower(),
                score=None if trial.value is None else float(trial.value),
                params=dict(trial.params),
                attributes=dict(trial.user_attrs),
            )
            for name, study in studies
            for trial in study.get_trials(deepcopy=False)
            if trial.state != TrialState.WAITING
        ]

    def _trials(self, name: str) -> list[FrozenTrial]:
        with _quiet():
            study = optuna.load_study(study_name=name, storage=self._storage)
        return study.get_trials(deepcopy=False)

    @cached_property
    def _storage(self) -> optuna.storages.RDBStorage:
        """The file as Optuna's storage, written ahead: no wait for the disk at each of many writes.

        A kill loses nothing; a power cut loses the last trials at most, which are then run again. It is
        opened once: Optuna then reads every version of its tables that there ever was.
        """
        storage = optuna.storages.RDBStorage(self.url)
        event.listen(storage.engine, "connect", _write_ahead)
        storage.engine.dispose()
        return storage

    def _path_of(self, name: str, number: int, kind: str) -> Path:
        """Return where the returns (`f64`) or the models of a trial lie."""
        return self._folder / self._stem / name / f"{number}.{kind}"


def _packed(models: Sequence[bytes]) -> bytes:
    """Return models as one file."""
    return json.dumps([b64encode(model).decode() for model in models]).encode()


def _unpacked(content: bytes) -> tuple[bytes, ...]:
    """Return the models that `_packed` made one file of."""
    return tuple(b64decode(model) for model in json.loads(content))


def _write_ahead(connection: Any, _: object) -> None:
    """Set a new connection to write-ahead logging."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _forget_what_was_told(study: optuna.Study, storage: optuna.storages.RDBStorage) -> None:
    """Take the scores and the passed rungs of an interrupted trial out of the study; its parameters stay.

    A pruner answers by what stands there: it would judge a trial that runs again by scores that this run has
    not told yet, and take a rung for passed at which it was about to give the trial up. Optuna has no call
    for that.
    """
    running = [trial._trial_id for trial in study.get_trials(deepcopy=False) if not trial.state.is_finished()]  # noqa: SLF001
    with storage.engine.begin() as connection:
        for trial_id in running:
            connection.execute(
                text("delete from trial_intermediate_values where trial_id = :it"), {"it": trial_id}
            )
            connection.execute(
                text(
                    "delete from trial_system_attributes where trial_id = :it and key like 'completed_rung_%'"
                ),
                {"it": trial_id},
            )


def _next_trial(study: optuna.Study, n_trials: int) -> optuna.Trial | None:
    """Return the trial that was interrupted, else a new one; None when there are enough."""
    trials = study.get_trials(deepcopy=False)
    running = [trial for trial in trials if trial.state == TrialState.RUNNING]
    if running:
        return optuna.Trial(study, running[0]._trial_id)  # noqa: SLF001 (no public way to take one up again)
    return None if _finished(study) >= n_trials else study.ask()


def _finished(study: optuna.Study) -> int:
    """Return how many trials have ended."""
    return sum(trial.state in FINISHED for trial in study.get_trials(deepcopy=False))


def _suggest(trial: optuna.Trial, request: Request) -> dict[str, Any]:
    """Return the values that the trial tries, drawn or as they were drawn before a kill."""
    values: dict[str, Any] = {
        "k": trial.suggest_categorical("k", sorted({request.label.k, *request.k_grid})),
        "estimator": trial.suggest_categorical(
            "estimator", sorted({request.label.estimator, *request.estimators})
        ),
    }
    for name, given in request.search.space:
        if isinstance(given, WholeRange):
            values[name] = trial.suggest_int(name, given.low, given.high, log=given.log)
        elif isinstance(given, RealRange):
            values[name] = trial.suggest_float(name, given.low, given.high, log=given.log)
    return values


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna from saying every trial: progress comes from the graph's own log."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
