"""MLflow runs end whatever happens to the code, the step or the process that opened them."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from truebar.partitions import Partition
from truebar_io.home import Home
from truebar_io.tracking import close_dead_runs, database, track, tracking_uri

BTC = Partition("BTC-USD", "1h")
SYN = Partition("SYN-EDGE", "1h")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One MLflow for the module: making its tables costs a second or more."""
    return Home(tmp_path_factory.mktemp("home with a space"))


def client_of(home: Home) -> Any:
    from mlflow import MlflowClient  # noqa: PLC0415 (collecting the tests does not pay for it)

    return MlflowClient(tracking_uri(home))


def run_of(home: Home, run_id: str) -> Any:
    return client_of(home).get_run(run_id)


def step(home: Home, dagster_run_id: str, name: str, *, error: BaseException | None = None) -> str:
    """Open the run as the step `name` does, raise `error` inside, and return the run's id."""
    with track(
        home, dagster_run_id=dagster_run_id, partition=BTC, kind="xgboost", step=name, is_synthetic=False
    ) as run:
        if error is not None:
            raise error
    return run.run_id


def status_of(home: Home, dagster_run_id: str) -> str:
    client = client_of(home)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    (run,) = client.search_runs(experiments, f"tags.dagster_run_id = '{dagster_run_id}'")
    return str(run.info.status)


@dataclass(frozen=True)
class FakeRun:
    is_finished: bool
    is_success: bool = False


@dataclass(frozen=True)
class FakeRuns:
    """Dagster's runs, by id."""

    known: Mapping[str, FakeRun]

    def get_run_by_id(self, run_id: str) -> FakeRun | None:
        return self.known.get(run_id)


def test_close_dead_runs_without_a_database_does_nothing(tmp_path: Path) -> None:
    assert close_dead_runs(Home(tmp_path), FakeRuns({})) == ()
    assert list(tmp_path.iterdir()) == []


def test_track_two_steps_of_one_dagster_run_share_one_finished_run(home: Home, tmp_path: Path) -> None:
    artefact = tmp_path / "calibrator.json"
    artefact.write_text("{}")
    params = {f"setting_{number}": number for number in range(150)}
    with track(
        home, dagster_run_id="shared", partition=BTC, kind="xgboost", step="model", is_synthetic=False
    ) as first:
        first.log_params(params)
        first.log_params({"setting_0": 0})
        assert run_of(home, first.run_id).info.status == "RUNNING"
    with track(
        home, dagster_run_id="shared", partition=BTC, kind="xgboost", step="calibrator", is_synthetic=False
    ) as second:
        second.log_metrics({"roc_auc": 0.5, "sharpe": None, "ece": float("nan"), "ratio": float("inf")})
        second.log_artifact(artefact, folder="parts")
        second.log_artifacts(tmp_path, folder="all")
    run = run_of(home, first.run_id)
    assert second.run_id == first.run_id
    assert run.info.status == "FINISHED"
    assert run.data.params == {name: str(value) for name, value in params.items()}
    assert run.data.metrics == {"roc_auc": 0.5}
    own_tags = {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")}
    assert own_tags == {
        "dagster_run_id": "shared",
        "symbol": "BTC-USD",
        "timeframe": "1h",
        "kind": "xgboost",
        "market": "real",
    }
    assert "synthetic" not in run.info.run_name
    kept = home.mlflow / "artifacts" / "xgboost" / first.run_id / "artifacts"
    assert (kept / "parts" / "calibrator.json").is_file()
    assert (kept / "all" / "calibrator.json").is_file()


def test_track_of_a_generated_market_says_so_in_tag_and_name(home: Home) -> None:
    with track(
        home, dagster_run_id="made", partition=SYN, kind="xgboost", step="model", is_synthetic=True
    ) as tracked:
        assert tracked.is_synthetic
    run = run_of(home, tracked.run_id)
    assert run.data.tags["market"] == "synthetic"
    assert f"{SYN} synthetic" in run.info.run_name


def test_track_another_partition_kind_or_dagster_run_has_its_own_run(home: Home) -> None:
    identities = [
        ("one", BTC, "xgboost"),
        ("one", SYN, "xgboost"),
        ("one", BTC, "lstm"),
        ("two", BTC, "xgboost"),
    ]
    found = set()
    for dagster_run_id, partition, kind in identities:
        with track(
            home,
            dagster_run_id=dagster_run_id,
            partition=partition,
            kind=kind,
            step="model",
            is_synthetic=False,
        ) as run:
            found.add(run.run_id)
    assert len(found) == len(identities)


def test_track_exception_ends_failed_until_the_same_step_succeeds(home: Home) -> None:
    with pytest.raises(ValueError, match="no fit"):
        step(home, "retried", "model", error=ValueError("no fit"))
    assert status_of(home, "retried") == "FAILED"
    step(home, "retried", "report")
    assert status_of(home, "retried") == "FAILED"
    run_id = step(home, "retried", "model")
    assert status_of(home, "retried") == "FINISHED"
    assert "failed_step" not in run_of(home, run_id).data.tags


def test_track_interrupt_ends_killed(home: Home) -> None:
    with pytest.raises(KeyboardInterrupt):
        step(home, "stopped", "model", error=KeyboardInterrupt())
    assert status_of(home, "stopped") == "KILLED"


def test_track_experiment_deleted_in_the_ui_is_restored(home: Home) -> None:
    step(home, "before", "model")
    client = client_of(home)
    client.delete_experiment(client.get_experiment_by_name("xgboost").experiment_id)
    step(home, "after", "model")
    assert status_of(home, "after") == "FINISHED"


def step_left_running(home: Home) -> str:
    """Return the id of a run that is RUNNING because its Dagster run is at work."""
    run_id = step(home, "alive", "model")
    client_of(home).update_run(run_id, status="RUNNING")
    return run_id


def die_inside(home: Home, dagster_run_id: str) -> None:
    """Open a run and end the process as `kill -9` does: nothing is cleaned up."""
    with track(
        home, dagster_run_id=dagster_run_id, partition=BTC, kind="xgboost", step="model", is_synthetic=False
    ) as run:
        run.log_params({"depth": 3})
        os._exit(9)


DEAD = ("succeeded", "failed", "unknown")


def test_track_first_use_by_processes_that_die_leaves_runs_to_close(tmp_path: Path) -> None:
    home = Home(tmp_path)
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=die_inside, args=(home, name)) for name in DEAD]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [9] * len(DEAD)
    client = client_of(home)
    foreign = client.create_run(client.get_experiment_by_name("xgboost").experiment_id).info.run_id
    alive = step_left_running(home)
    runs = FakeRuns(
        {
            "succeeded": FakeRun(is_finished=True, is_success=True),
            "failed": FakeRun(is_finished=True),
            "alive": FakeRun(is_finished=False),
        }
    )

    closed = [run_of(home, run_id) for run_id in close_dead_runs(home, runs)]
    assert sorted((run.data.tags["dagster_run_id"], run.info.status) for run in closed) == [
        ("failed", "FAILED"),
        ("succeeded", "FINISHED"),
        ("unknown", "FAILED"),
    ]
    assert [run_of(home, run_id).info.status for run_id in (foreign, alive)] == ["RUNNING", "RUNNING"]
    assert close_dead_runs(home, runs) == ()
    assert sorted(path.name for path in database(home).parent.iterdir()) == ["lock", "mlflow.db"]
