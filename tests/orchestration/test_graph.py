"""Runs of the graph in this process: failures stay their own, busy partitions are refused."""

from __future__ import annotations

import dagster as dg
import pytest

from definitions import defs
from tests.orchestration.conftest import land, random_walk
from truebar.feature_columns import COLUMN_FAMILIES
from truebar.partitions import Partition
from truebar_io.home import Home
from truebar_io.lease import Lease
from truebar_io.warehouse import Warehouse

RANGE = {
    "dagster/asset_partition_range_start": "AAAUSDT|1h",
    "dagster/asset_partition_range_end": "BBBUSDT|1h",
}


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        ephemeral.add_dynamic_partitions("symbols", ["AAAUSDT", "BBBUSDT"])
        yield ephemeral


def refresh(instance, **how):
    job = defs.resolve_job_def("refresh")
    return job.execute_in_process(instance=instance, raise_on_error=False, **how)


def failures(result):
    return {
        event.step_key: event.step_failure_data.user_failure_data.description
        for event in result.all_events
        if event.is_step_failure and event.step_failure_data.user_failure_data
    }


def test_refresh_of_a_range_publishes_every_partition_and_its_evidence(home, instance):
    land(home, "AAAUSDT", "1h", random_walk(1_200, seed=1))
    land(home, "BBBUSDT", "1h", random_walk(1_200, seed=2), name="b.csv")
    result = refresh(instance, tags=RANGE)
    assert result.success
    store = Warehouse(Home(home))
    for symbol in ("AAAUSDT", "BBBUSDT"):
        summary = store.summary(Partition(symbol, "1h"))
        tables = (
            "market.klines",
            *(f"features.{family}" for family in COLUMN_FAMILIES),
            "features.context",
            "features.matrix",
            "labels.vol_scaled",
        )
        assert {summary[table].rows for table in tables} == {1_200}
        for table in tables:
            declared = defs.resolve_assets_def(table.split(".")).specs_by_key[dg.AssetKey(table.split("."))]
            columns = [column.name for column in declared.metadata["dagster/column_schema"].columns]
            assert list(store.read("*", from_=table, partitions=[Partition(symbol, "1h")])) == columns, table
    evaluations = result.get_asset_check_evaluations()
    fit = {e.check_name: e.passed for e in evaluations if e.check_name.endswith("fit_to_build_on")}
    assert fit == dict.fromkeys(
        ("klines_fit_to_build_on", "matrix_fit_to_build_on", "vol_scaled_fit_to_build_on"), True
    )


def test_refresh_of_a_range_twice_tells_each_partition_its_check_results(home, instance):
    land(home, "AAAUSDT", "1h", random_walk(600, seed=1))
    land(home, "BBBUSDT", "1h", random_walk(600, seed=2))
    runs = [refresh(instance, tags=RANGE).run_id for _ in range(2)]
    for asset, name in (("market", "klines"), ("features", "context")):
        checks = defs.resolve_asset_graph().get_check_keys_for_assets({dg.AssetKey([asset, name])})
        for key in checks:
            history = instance.event_log_storage.get_asset_check_execution_history(key, limit=20)
            passed = {(e.run_id, e.partition) for e in history if e.status.value == "SUCCEEDED"}
            assert passed >= {(run, key) for run in runs for key in ("AAAUSDT|1h", "BBBUSDT|1h")}


def test_refresh_with_one_bad_file_names_it_and_finishes_the_other_partition(home, instance):
    land(home, "AAAUSDT", "1h", random_walk(600, seed=1))
    bad = home / "landing" / "BBBUSDT" / "1h" / "page.csv"
    bad.parent.mkdir(parents=True)
    bad.write_text("<!DOCTYPE html><html><body>429</body></html>")
    result = refresh(instance, tags=RANGE)
    assert not result.success
    message = failures(result)["market__klines"]
    assert "BBBUSDT|1h" in message
    assert "AAAUSDT" not in message
    store = Warehouse(Home(home))
    assert store.summary(Partition("AAAUSDT", "1h"))["market.klines"].rows == 600
    assert not store.has(Partition("BBBUSDT", "1h"), "market.klines")


def test_refresh_of_a_partition_that_another_run_holds_is_refused_by_name(home, instance):
    land(home, "AAAUSDT", "1h", random_walk(600, seed=1))
    lease = Lease.acquire(Home(home), Partition("AAAUSDT", "1h"), "the-other-run")
    result = refresh(instance, partition_key="AAAUSDT|1h")
    lease.release()
    assert "being worked on by run the-other-run" in failures(result)["market__klines"]
    assert not Warehouse(Home(home)).has(Partition("AAAUSDT", "1h"), "market.klines")
    assert refresh(instance, partition_key="AAAUSDT|1h").success


def test_refresh_with_too_many_rejected_rows_is_blocked_after_klines(home, instance):
    frame = random_walk(600, seed=1)
    frame.loc[100:120, "high"] = frame.loc[100:120, "low"] / 2
    land(home, "AAAUSDT", "1h", frame)
    result = refresh(instance, partition_key="AAAUSDT|1h")
    assert not result.success
    store = Warehouse(Home(home))
    assert store.summary(Partition("AAAUSDT", "1h"))["market.quarantine"].rows == 21
    assert not store.has(Partition("AAAUSDT", "1h"), "features.price")
