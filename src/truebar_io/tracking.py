"""MLflow runs: one for each Dagster run, partition and model kind, shared by its steps and always closed.

mlflow is imported inside functions: the import costs 3 to 4 CPU seconds.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from truebar.errors import ConfigurationError
from truebar.partitions import Partition
from truebar_io.durable import exclusively
from truebar_io.home import Home

if TYPE_CHECKING:
    from truebar.models.bundle import Bundle

RUN_TAG: Final = "dagster_run_id"
FAILED_STEP_TAG: Final = "failed_step"
MARKET_TAG: Final = "market"
SYNTHETIC: Final = "synthetic"
REAL: Final = "real"
DIGEST_CHARACTERS: Final = 36
"""MLflow takes no longer digest of a data set."""

BATCH: Final = 100
"""MLflow takes at most this many parameters in one call (and more metrics)."""


class DagsterRun(Protocol):
    """What is asked of a Dagster run."""

    @property
    def is_finished(self) -> bool:
        """Whether it ended, one way or another."""

    @property
    def is_success(self) -> bool:
        """Whether it ended well."""


class DagsterRuns(Protocol):
    """Where Dagster runs are looked up; a DagsterInstance is one."""

    def get_run_by_id(self, run_id: str) -> DagsterRun | None:
        """Return the run, or None when there is none of that id."""


@dataclass(frozen=True)
class TrackedRun:
    """One open MLflow run; what is logged is there at once."""

    run_id: str
    client: Any
    """mlflow's MlflowClient."""

    is_synthetic: bool
    """The bars behind it were generated; every picture says so."""

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log settings; a name keeps its value for ever, and logging the same value again changes nothing.

        Raises:
            mlflow.exceptions.MlflowException: when a name has another value in this run already.
        """
        from mlflow.entities import Param  # noqa: PLC0415

        entries = [Param(name, str(value)) for name, value in params.items()]
        for start in range(0, len(entries), BATCH):
            self.client.log_batch(self.run_id, params=entries[start : start + BATCH])

    def log_metrics(self, metrics: Mapping[str, float | None], *, step: int = 0) -> None:
        """Log the defined ones among `metrics`.

        MLflow has no null: a value that is None, NaN or infinite is left out rather than shown as a number;
        why it is undefined stands in the table `<kind>.metrics`.
        """
        from mlflow.entities import Metric  # noqa: PLC0415
        from mlflow.utils.time import get_current_time_millis  # noqa: PLC0415

        now = get_current_time_millis()
        entries = [
            Metric(name, float(value), now, step)
            for name, value in metrics.items()
            if value is not None and math.isfinite(value)
        ]
        for start in range(0, len(entries), BATCH):
            self.client.log_batch(self.run_id, metrics=entries[start : start + BATCH])

    def log_artifact(self, path: Path, *, folder: str | None = None) -> None:
        """Copy one file to the run's artefacts, into `folder` of them if given."""
        self.client.log_artifact(self.run_id, str(path), folder)

    def log_artifacts(self, path: Path, *, folder: str | None = None) -> None:
        """Copy what lies in the folder `path` to the run's artefacts."""
        self.client.log_artifacts(self.run_id, str(path), folder)

    def log_text(self, text: str, path: str) -> None:
        """Write a text file, such as an SVG picture, at `path` among the run's artefacts."""
        self.client.log_text(self.run_id, text, path)

    def log_dataset(
        self, name: str, *, digest: str, rows: int, columns: Sequence[str], context: str, source: str
    ) -> None:
        """Name the data that the run used: name, digest, rows and columns, not one row of them.

        Args:
            name: such as `BTC-USD 1h dev`.
            digest: of the data; MLflow keeps its first 36 characters, the whole one stands in the source.
            rows: how many rows were used.
            columns: of the feature matrix.
            context: `training` or `evaluation`.
            source: tables that the rows come from.

        Naming the same data again changes nothing.
        """
        from mlflow.entities import Dataset, DatasetInput, InputTag  # noqa: PLC0415
        from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT  # noqa: PLC0415

        types = [{"type": "float", "name": column, "required": False} for column in columns]
        dataset = Dataset(
            name,
            digest[:DIGEST_CHARACTERS],
            "truebar",
            json.dumps({"tables": source, "digest": digest}),
            schema=json.dumps({"mlflow_colspec": types}),
            profile=json.dumps({"num_rows": rows}),
        )
        tagged = DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, context)])
        self.client.log_inputs(self.run_id, datasets=[tagged])

    def log_bundle(self, bundle: Bundle) -> None:
        """Log a bundle: its files, what goes in and what comes out (`truebar_io.logged_bundle`)."""
        from truebar_io.logged_bundle import log_bundle  # noqa: PLC0415 (it needs this class)

        log_bundle(self, bundle)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set or replace tags."""
        for name, value in tags.items():
            self.client.set_tag(self.run_id, name, value)


def database(home: Home) -> Path:
    """Return where MLflow's SQLite database lies."""
    return home.mlflow / "mlflow.db"


def tracking_uri(home: Home) -> str:
    """Return what to give to `mlflow ui --backend-store-uri`."""
    return f"sqlite:///{database(home)}"


def _locked(home: Home) -> AbstractContextManager[None]:
    """Return the one lock under which tables, experiments and runs are found or made."""
    return exclusively(home.mlflow / "lock")


def _create_database(home: Home) -> None:
    """Make the database beside its place and move it there whole.

    Two processes that let MLflow make its tables at the same time fail on each other's, and one killed half
    way leaves tables that no later start completes. The 1 to 3 CPU seconds are spent once.
    """
    import logging  # noqa: PLC0415

    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # noqa: PLC0415

    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    partial = home.mlflow / ".mlflow.db.partial"
    partial.unlink(missing_ok=True)
    SqlAlchemyStore(f"sqlite:///{partial}", _artifacts(home).as_uri()).engine.dispose()
    partial.replace(database(home))


def _artifacts(home: Home) -> Path:
    return home.mlflow / "artifacts"


def _client(home: Home) -> Any:
    """Return mlflow's client over the database, made first if it is not there; the caller holds the lock.

    Raises:
        ConfigurationError: when the database was made by another version of MLflow.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when mlflow is imported
    os.environ.setdefault("DO_NOT_TRACK", "true")
    from mlflow import MlflowClient  # noqa: PLC0415
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    if not database(home).exists():
        _create_database(home)
    try:
        return MlflowClient(tracking_uri(home), registry_uri=tracking_uri(home))
    except MlflowException as error:
        raise ConfigurationError(
            f"MLflow cannot use {database(home)}: {error.message} If the versions differ, copy the file and "
            f"run `mlflow db upgrade {tracking_uri(home)}`."
        ) from error


def _experiment(client: Any, home: Home, kind: str) -> str:
    """Return the id of the experiment named after the model kind, made or restored if need be."""
    known = client.get_experiment_by_name(kind)
    if known is None:
        location = (_artifacts(home) / kind).as_uri()
        return str(client.create_experiment(kind, artifact_location=location))
    if known.lifecycle_stage == "deleted":
        client.restore_experiment(known.experiment_id)
    return str(known.experiment_id)


def _open(
    home: Home, dagster_run_id: str, partition: Partition, kind: str, *, is_synthetic: bool
) -> TrackedRun:
    """Return the MLflow run with these four tags, set to RUNNING, or a new one."""
    tags = {
        RUN_TAG: dagster_run_id,
        "symbol": partition.symbol,
        "timeframe": partition.timeframe,
        "kind": kind,
    }
    with _locked(home):
        client = _client(home)
        experiment = _experiment(client, home, kind)
        where = " and ".join(f"tags.{name} = '{value}'" for name, value in tags.items())
        found = client.search_runs([experiment], where, max_results=1)
        if found:
            run_id = found[0].info.run_id
            client.update_run(run_id, status="RUNNING")
        else:
            market = SYNTHETIC if is_synthetic else REAL
            mark = f" {SYNTHETIC}" if is_synthetic else ""
            name = f"{kind} {partition}{mark} {dagster_run_id[:8]}"
            every = {**tags, MARKET_TAG: market}
            run_id = client.create_run(experiment, tags=every, run_name=name).info.run_id
    return TrackedRun(run_id, client, is_synthetic)


@contextmanager
def track(
    home: Home, *, dagster_run_id: str, partition: Partition, kind: str, step: str, is_synthetic: bool
) -> Iterator[TrackedRun]:
    """Yield the MLflow run that all steps of one Dagster run share; it is never left RUNNING.

    It ends FINISHED, FAILED after an exception, KILLED after an interrupt. A step that succeeds after another
    one failed leaves it FAILED; the failed step itself makes it FINISHED when a retry succeeds. Only a
    process that dies inside the block leaves it RUNNING: `close_dead_runs` ends it.

    Args:
        home: where MLflow's database and artefacts lie; made on first use, by one process for all.
        dagster_run_id: the first of the four tags by which the run is found again.
        partition: the second and third.
        kind: the fourth, and the name of the experiment.
        step: which step of the Dagster run works here; names what failed.
        is_synthetic: the partition's bars were generated; the run's name, its tag `market` and its pictures
            say so.

    Raises:
        ConfigurationError: when the database was made by another version of MLflow.
    """
    run = _open(home, dagster_run_id, partition, kind, is_synthetic=is_synthetic)
    try:
        yield run
    except BaseException as error:
        run.set_tags({FAILED_STEP_TAG: step})
        run.client.set_terminated(run.run_id, "FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    failed_step = run.client.get_run(run.run_id).data.tags.get(FAILED_STEP_TAG)
    if failed_step == step:
        run.client.delete_tag(run.run_id, FAILED_STEP_TAG)
    is_whole = failed_step in (None, step)
    run.client.set_terminated(run.run_id, "FINISHED" if is_whole else "FAILED")


def _has_running(home: Home) -> bool:
    """Return whether any run is RUNNING, without the cost of importing mlflow."""
    if not database(home).exists():
        return False
    with closing(sqlite3.connect(f"{database(home).as_uri()}?mode=ro", uri=True, timeout=20)) as connection:
        return (
            connection.execute("select 1 from runs where status = 'RUNNING' limit 1").fetchone() is not None
        )


def _running(client: Any) -> list[Any]:
    """Return every RUNNING run of every experiment; read whole, since pages shift as runs are closed."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs: list[Any] = []
    token: str | None = None
    while True:
        page = client.search_runs(experiments, "attributes.status = 'RUNNING'", page_token=token)
        runs.extend(page)
        token = page.token
        if not token:
            return runs


def close_dead_runs(home: Home, runs: DagsterRuns) -> tuple[str, ...]:
    """End MLflow runs whose Dagster run is over, and return their ids.

    They end FINISHED where the Dagster run succeeded, FAILED where it did not or is not known any more. Runs
    without a Dagster run's tag are somebody else's and stay as they are.

    Args:
        home: where MLflow's database lies; without one there is nothing to do.
        runs: the Dagster instance; close its own dead runs first, or they still look alive.
    """
    if not _has_running(home):
        return ()
    with _locked(home):
        client = _client(home)
    closed = []
    for run in _running(client):
        dagster_run_id = run.data.tags.get(RUN_TAG)
        if dagster_run_id is None:
            continue
        dagster_run = runs.get_run_by_id(dagster_run_id)
        if dagster_run is None or dagster_run.is_finished:
            succeeded = dagster_run is not None and dagster_run.is_success
            client.set_terminated(run.info.run_id, "FINISHED" if succeeded else "FAILED")
            closed.append(run.info.run_id)
    return tuple(closed)
