"""The dbt assets over a range of dynamic partitions: published first, then told to Dagster."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

import assets.context
from assets.context import MANIFEST, PROJECT, dbt_features
from assets.partitioned import SYNTHETIC
from resources.configuration import ConfigurationResource
from resources.warehouse import WarehouseResource
from truebar.partitions import Partition
from truebar_io.lease import Lease
from truebar_io.warehouse import Warehouse

BTC, SYN = Partition("BTC-USD", "1h"), Partition("SYN-EDGE", "1h")
CONTEXT, STAGING = dg.AssetKey(["features", "context"]), dg.AssetKey(["staging", "klines"])
CHECKS = {test.name for test in MANIFEST.tests}


def klines(bars: int = 72) -> pd.DataFrame:
    open_time = pd.date_range("2024-01-03", periods=bars, freq="1h", tz="UTC")
    price = np.linspace(100, 110, bars)
    return pd.DataFrame(
        {
            "open_time": open_time,
            "close_time": open_time + pd.Timedelta("1h"),
            "open": price,
            "high": price * 1.01,
            "low": price * 0.99,
            "close": price,
            "volume": np.arange(1.0, bars + 1),
        }
    )


@pytest.fixture
def store(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path / "home")
    for partition in (BTC, SYN):
        warehouse.write(partition, "market.klines", klines())
    return warehouse


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        ephemeral.add_dynamic_partitions("symbols", [BTC.symbol, SYN.symbol, "ABSENT"])
        yield ephemeral


def execute(
    store: Warehouse,
    instance: dg.DagsterInstance,
    first: Partition,
    last: Partition | None = None,
    selection: list[dg.AssetKey] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run the dbt assets over one partition, or over the range from `first` to `last`."""
    definitions = dg.Definitions(
        assets=[dbt_features],
        jobs=[dg.define_asset_job("dbt_job")],
        resources={
            "warehouse": WarehouseResource(home_folder=str(store.root.parent)),
            "configuration": ConfigurationResource(),
        },
        executor=dg.in_process_executor,
        loggers={"console": dg.colored_console_logger},
    )
    tags = {}
    if last is not None:
        tags["dagster/asset_partition_range_start"] = first.key
        tags["dagster/asset_partition_range_end"] = last.key
    return definitions.resolve_job_def("dbt_job").execute_in_process(
        instance=instance,
        partition_key=first.key if last is None else None,
        tags=tags,
        asset_selection=selection,
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )


def checks_of(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {check.check_name: check for check in result.get_asset_check_evaluations()}


def test_definitions_of_context_carry_lineage_sql_and_checks() -> None:
    specs = {spec.key: spec for spec in dbt_features.specs}
    assert set(specs) == {STAGING, CONTEXT}
    assert [dep.asset_key for dep in specs[CONTEXT].deps] == [STAGING]
    assert [dep.asset_key for dep in specs[STAGING].deps] == [dg.AssetKey(["market", "klines"])]
    assert "not stored" in (specs[STAGING].description or "")
    for spec in specs.values():
        assert spec.group_name == "features"
        assert spec.kinds == {"dbt", "duckdb"}
        assert spec.owners
        assert "select" in spec.metadata["sql"].value
    assert {key.name for key in dbt_features.check_keys} == CHECKS


def test_context_module_loads_without_the_heavy_libraries() -> None:
    heavy = ("pandas", "dbt", "mlflow", "duckdb", "numba")
    script = f"import sys, assets.context; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=PROJECT.parent,
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout.strip() == "[]"


def test_context_range_run_publishes_each_partition_and_tells_dagster(
    store: Warehouse, instance: dg.DagsterInstance
) -> None:
    result = execute(store, instance, BTC, SYN)
    assert result.success
    for partition in (BTC, SYN):
        assert store.summary(partition)["features.context"].rows == len(klines())
        assert not (store.root.parent / ".workbench" / result.run_id).exists()
    materialized = [
        (event.asset_key, event.partition)
        for event in result.all_events
        if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION
    ]
    keys = {BTC.key, SYN.key}
    assert [key for key, _ in materialized] == [STAGING, STAGING, CONTEXT, CONTEXT]
    assert {partition for _, partition in materialized[:2]} == keys
    assert {partition for _, partition in materialized[2:]} == keys
    record = instance.fetch_materializations(CONTEXT, limit=1).records[0]
    assert record.asset_materialization is not None
    metadata = record.asset_materialization.metadata
    assert metadata["dagster/partition_row_count"].value == len(klines())
    assert "watermark" in metadata
    assert metadata["market"].value == ("real" if record.partition_key == BTC.key else SYNTHETIC)
    assert metadata["dagster/column_lineage"].value.deps_by_column["range_ratio_1d"]
    checks = checks_of(result)
    assert set(checks) == CHECKS
    assert all(check.passed and check.partition is None for check in checks.values())


def test_context_single_partition_run_gives_its_checks_that_partition(
    store: Warehouse, instance: dg.DagsterInstance
) -> None:
    result = execute(store, instance, BTC)
    assert result.success
    assert {check.partition for check in checks_of(result).values()} == {BTC.key}
    assert not store.has(SYN, "features.context")


def test_context_failing_data_test_publishes_nothing_and_fails_the_run_by_name(
    store: Warehouse, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Path(shutil.copytree(PROJECT, tmp_path / "project", ignore=shutil.ignore_patterns("target")))
    properties = project / "models" / "features" / "context.yml"
    properties.write_text(properties.read_text().replace("volume_ratio_1d >= 0", "volume_ratio_1d < 0"))
    monkeypatch.setattr(assets.context, "PROJECT", project)
    result = execute(store, instance, BTC, SYN)
    assert not result.success
    name = "context_ratios_are_finite_and_not_negative"
    failure = result.failure_data_for_node("dbt_features")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert name in (failure.user_failure_data.description or "")
    assert [check for check, outcome in checks_of(result).items() if not outcome.passed] == [name]
    assert checks_of(result)[name].metadata["failing_rows"].value == 2 * (len(klines()) - 23)
    assert not any(store.has(partition, "features.context") for partition in (BTC, SYN))
    assert instance.fetch_materializations(CONTEXT, limit=1).records == []


def test_context_partition_without_klines_fails_the_run_and_names_only_it(
    store: Warehouse, instance: dg.DagsterInstance
) -> None:
    result = execute(store, instance, SYN, Partition("ABSENT", "1h"))
    assert not result.success
    failure = result.failure_data_for_node("dbt_features")
    assert failure is not None
    assert failure.user_failure_data is not None
    failed = failure.user_failure_data.metadata["failed_partitions"].value
    assert isinstance(failed, dict)
    assert list(failed) == ["ABSENT|1h"]
    assert store.has(SYN, "features.context")


def test_context_partition_held_by_another_run_is_left_alone(
    store: Warehouse, instance: dg.DagsterInstance
) -> None:
    lease = Lease.acquire(WarehouseResource(home_folder=str(store.root.parent)).home, SYN, "another")
    try:
        result = execute(store, instance, BTC, SYN)
    finally:
        lease.release()
    assert not result.success
    assert store.has(BTC, "features.context")
    assert not store.has(SYN, "features.context")


def test_context_selecting_only_staging_judges_and_publishes_nothing(
    store: Warehouse, instance: dg.DagsterInstance
) -> None:
    result = execute(store, instance, BTC, selection=[STAGING])
    assert result.success
    assert not store.has(BTC, "features.context")
    assert set(checks_of(result)) == {test.name for test in MANIFEST.tests if test.model == "staging.klines"}
