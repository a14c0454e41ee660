"""One Dagster run over one partition is one MLflow run, whichever way it was started."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.partitions import ONE_BY_ONE, PARTITIONS, partition_of
from resources.tracking import TrackingResource
from truebar.errors import TooFewRowsError
from truebar.partitions import Partition
from truebar_io.home import Home
from truebar_io.tracking import close_dead_runs, tracking_uri

BTC = Partition("BTC-USD", "1h")
MODEL = dg.AssetKey(["xgboost", "model"])


@dg.asset(key=["xgboost", "model"], partitions_def=PARTITIONS, backfill_policy=ONE_BY_ONE)
def model(context: dg.AssetExecutionContext, tracking: TrackingResource) -> None:
    with tracking.run(context, partition_of(context), "xgboost", is_synthetic=False) as run:
        run.log_params({"depth": 3})
        context.add_asset_metadata({"rows": 10}, partition_key=context.partition_key)


@dg.asset(key=["xgboost", "calibrator"], deps=[model], partitions_def=PARTITIONS, backfill_policy=ONE_BY_ONE)
def calibrator(context: dg.AssetExecutionContext, tracking: TrackingResource) -> None:
    with tracking.run(context, partition_of(context), "xgboost", is_synthetic=False) as run:
        run.log_metrics({"log_loss": 1.0})
        if context.run.tags.get("fail") == "yes":
            raise TooFewRowsError("too few rows")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        ephemeral.add_dynamic_partitions("symbols", [BTC.symbol])
        yield ephemeral


def execute(home: Home, instance: dg.DagsterInstance, **tags: str) -> dg.ExecuteInProcessResult:
    """Run both assets the way the UI's Materialize button does: in the asset graph's own job."""
    definitions = dg.Definitions(
        assets=[model, calibrator],
        resources={"tracking": TrackingResource(home_folder=str(home.path))},
        executor=dg.in_process_executor,
    )
    return definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        partition_key=BTC.key,
        tags=tags,
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )


def mlflow_runs(home: Home, dagster_run_id: str) -> list[Any]:
    from mlflow import MlflowClient  # noqa: PLC0415 (collecting the tests does not pay for it)

    client = MlflowClient(tracking_uri(home))
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return list(client.search_runs(experiments, f"tags.dagster_run_id = '{dagster_run_id}'"))


def test_tracking_run_of_two_assets_is_one_finished_mlflow_run(
    home: Home, instance: dg.DagsterInstance
) -> None:
    result = execute(home, instance)
    assert result.success
    (run,) = mlflow_runs(home, result.run_id)
    assert run.info.status == "FINISHED"
    assert (run.data.params, run.data.metrics) == ({"depth": "3"}, {"log_loss": 1.0})
    (record,) = instance.fetch_materializations(MODEL, limit=1).records
    assert record.asset_materialization is not None
    metadata = record.asset_materialization.metadata
    assert metadata["mlflow_run_id"].value == run.info.run_id
    assert metadata["rows"].value == 10


def test_tracking_failed_dagster_run_is_a_failed_mlflow_run_and_the_next_is_its_own(
    home: Home, instance: dg.DagsterInstance
) -> None:
    failed, succeeded = execute(home, instance, fail="yes"), execute(home, instance)
    assert [result.success for result in (failed, succeeded)] == [False, True]
    statuses = [
        [run.info.status for run in mlflow_runs(home, result.run_id)] for result in (failed, succeeded)
    ]
    assert statuses == [["FAILED"], ["FINISHED"]]


def test_close_dead_runs_asks_the_dagster_instance(home: Home, instance: dg.DagsterInstance) -> None:
    from mlflow import MlflowClient  # noqa: PLC0415

    results = [execute(home, instance), execute(home, instance, fail="yes")]
    runs = [mlflow_runs(home, result.run_id)[0].info.run_id for result in results]
    for run_id in runs:
        MlflowClient(tracking_uri(home)).update_run(run_id, status="RUNNING")
    assert sorted(close_dead_runs(home, instance)) == sorted(runs)
    statuses = [mlflow_runs(home, result.run_id)[0].info.status for result in results]
    assert statuses == ["FINISHED", "FAILED"]


def test_tracking_leaves_nothing_in_the_working_folder(
    home: Home, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert execute(home, instance).success
    assert list(tmp_path.iterdir()) == []
    assert "MLFLOW_TRACKING_URI" not in os.environ
