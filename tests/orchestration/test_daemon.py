"""Sensors, the UI's backfill and failed runs under a real Dagster daemon and webserver."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import dagster as dg
import pytest

from tests.orchestration.conftest import land, random_walk
from tests.orchestration.server import (
    FAILURE,
    RANGE_END,
    RANGE_START,
    REFRESHED,
    SUCCESS,
    Server,
    serving,
    wait_for,
)
from truebar.partitions import Partition
from truebar_io.bundles import BundleStore
from truebar_io.home import Home
from truebar_io.lease import Lease
from truebar_io.reports import report_path
from truebar_io.warehouse import Warehouse

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(600)]

AAA, AAA_4H = Partition("AAAUSDT", "1h"), Partition("AAAUSDT", "4h")
BBB, BBB_4H = Partition("BBBUSDT", "1h"), Partition("BBBUSDT", "4h")
CCC, DDD, EEE = Partition("CCCUSDT", "1h"), Partition("DDDUSDT", "1h"), Partition("EEEUSDT", "1h")
BARS, FURTHER, OVERLAP = 2_500, 100, 50
LANDED = (AAA, AAA_4H, BBB, BBB_4H)
"""A rectangle of symbols and timeframes, so one run refreshes them all."""
WALKS = {
    AAA: random_walk(BARS, seed=1),
    AAA_4H: random_walk(BARS, seed=2, minutes=240),
    BBB: random_walk(BARS + FURTHER, seed=3),
    BBB_4H: random_walk(BARS, seed=4, minutes=240),
    DDD: random_walk(BARS, seed=5),
    EEE: random_walk(BARS, seed=6),
}
LANDING = {"truebar/cause": "landing"}
QUICK = {
    "TRUEBAR_DATA__MIN_TRAINING_BARS": str(BARS),
    "TRUEBAR_XGB__OPTUNA__N_TRIALS": "1",
    "TRUEBAR_XGB__XGB__ROUNDS": "10",
}


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    """Make trainings short, in this process and those that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUICK.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def server(quick: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Files landed in a new home, then the server started on it.

    Nothing is asked of the server: what follows from the files is the landing sensor's doing.
    """
    home = tmp_path_factory.mktemp("daemon") / "home"
    for partition in LANDED:
        land(home, partition.symbol, partition.timeframe, WALKS[partition].iloc[:BARS])
    with serving(home) as server:
        wait_for("first refresh", lambda: all(server.is_refreshed(partition, BARS) for partition in LANDED))
        yield server


@pytest.fixture(scope="module")
def backfill(server: Server) -> str:
    """A backfill of all assets over two partitions, begun as the UI does and left to the daemon.

    The backfill daemon looks every 30 s, so this is begun first and goes on during the other tests.
    """
    launch = """mutation LaunchPartitionBackfill($backfillParams: LaunchBackfillParams!) {
        launchPartitionBackfill(backfillParams: $backfillParams) {
            __typename
            ... on LaunchBackfillSuccess { backfillId }
            ... on Error { message } } }"""
    assets = server.graphql("{ assetNodes { assetKey { path } } }")["assetNodes"]
    params = {
        "assetSelection": [{"path": asset["assetKey"]["path"]} for asset in assets],
        "partitionNames": [BBB.key, BBB_4H.key],
        "fromFailure": False,
        "tags": [],
    }
    launched = server.graphql(launch, backfillParams=params)["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    return str(launched["backfillId"])


def test_landing_sensor_refreshes_what_landed_and_trains_nothing(server):
    for partition in LANDED:
        assert {server.rows(partition)[table] for table in REFRESHED} == {BARS}
        assert not [name for name in server.rows(partition) if name.startswith("xgboost.")]
        assert BundleStore(Home(server.home)).current(partition, "xgboost") is None
    (run,) = server.ended(**LANDING)
    assert (run.job_name, run.status) == ("refresh", SUCCESS)
    assert (run.tags[RANGE_START], run.tags[RANGE_END]) == (AAA.key, BBB_4H.key)


def test_run_failure_sensor_splits_a_failed_range_so_that_only_the_bad_partition_is_red(server, backfill):
    good = land(server.home, "DDDUSDT", "1h", WALKS[DDD], name=".a.parquet")
    bad = good.parents[2] / "CCCUSDT" / "1h" / ".page.csv"
    bad.parent.mkdir(parents=True)
    bad.write_text("<!DOCTYPE html><html><body>429 Too Many Requests</body></html>")
    os.utime(bad, ns=(good.stat().st_mtime_ns,) * 2)  # so that one tick finds both
    good.rename(good.with_name("a.parquet"))
    bad.rename(bad.with_name("page.csv"))

    both = {RANGE_START: CCC.key, RANGE_END: DDD.key}
    (failed,) = wait_for("end of the range", lambda: server.ended(**both))
    assert failed.status is FAILURE
    cause = {"truebar/cause": f"split of failed run {failed.run_id}"}
    splits = wait_for("end of both splits", lambda: len(runs := server.ended(**cause)) == 2 and runs)
    assert {run.tags["dagster/partition"]: run.status for run in splits} == {
        CCC.key: FAILURE,
        DDD.key: SUCCESS,
    }
    for path in (["market", "klines"], ["features", "matrix"], ["labels", "vol_scaled"]):
        green = server.instance.get_materialized_partitions(dg.AssetKey(path))
        assert green & {CCC.key, DDD.key} == {DDD.key}
    assert server.rows(CCC) == {}

    log = Home(server.home).logs / "failures.jsonl"
    text = wait_for("second line of failures.jsonl", lambda: (t := log.read_text()).count("\n") > 1 and t)
    written = [json.loads(line) for line in text.splitlines()]
    assert [line["partitions"] for line in written] == [[CCC.key, DDD.key], [CCC.key]]
    assert written[0]["run_id"] == failed.run_id
    for line in written:
        stated = line["steps"]["market__klines"]
        assert {key: why["error"] for key, why in stated.items()} == {CCC.key: "UnreadableFileError"}


def test_landed_data_whose_run_found_the_partition_busy_are_asked_for_again_when_it_is_free(server):
    land(server.home, "EEEUSDT", "1h", WALKS[EEE])
    (refused,) = wait_for("run", lambda: server.runs(EEE))
    lease = Lease.acquire(Home(server.home), EEE, "a test")  # the run loads for seconds before it asks
    try:
        wait_for("mark on the refused run", lambda: server.ended(**{"truebar/ask_again": "waiting"}))
        marked = time.time()
        wait_for("tick while busy", lambda: server.ticks_since(marked, "ask_again"))
        assert [run.run_id for run in server.runs(EEE)] == [refused.run_id]
        assert server.rows(EEE) == {}
    finally:
        lease.release()
    wait_for("refreshed EEEUSDT", lambda: server.is_refreshed(EEE, BARS))
    (again, _) = server.runs(EEE)
    assert (again.status, again.tags["truebar/attempt"]) == (SUCCESS, "2")


def test_backfill_of_all_assets_by_the_ui_ends_with_a_verdict_for_each_partition(server, backfill):
    query = """query Backfill($id: String!) { partitionBackfillOrError(backfillId: $id) {
        ... on PartitionBackfill { status error { message } } ... on Error { message } } }"""

    def ended():
        answer = server.graphql(query, id=backfill)["partitionBackfillOrError"]
        return answer if answer.get("status") != "REQUESTED" else None

    assert wait_for("end of the backfill", ended) == {"status": "COMPLETED_SUCCESS", "error": None}
    # One run brings the data of both, then one run a partition does all that a model needs.
    assert len(server.ended(**{"dagster/backfill": backfill})) == 1 + 2
    home = Home(server.home)
    bundles = BundleStore(home)
    for partition in (BBB, BBB_4H):
        verdict = bundles.load_verdict(partition, "xgboost")
        assert verdict is not None
        assert verdict["bundle"] == bundles.current(partition, "xgboost")
        assert report_path(home, partition, "xgboost").is_file()


def test_landing_sensor_new_file_extends_just_its_partition_and_trains_nothing(server, backfill):
    others = {partition: server.digests(partition, REFRESHED) for partition in LANDED if partition != BBB}
    models = {path: path.read_bytes() for path in (server.home / "models/BBBUSDT/1h").rglob("*.json")}
    assert {"evaluation.json", "verdict.json"} <= {path.name for path in models}
    predicted = server.rows(BBB)["xgboost.predictions"]

    land(server.home, "BBBUSDT", "1h", WALKS[BBB].iloc[BARS - OVERLAP :], name="b.parquet")
    wait_for("extended BBBUSDT", lambda: server.is_refreshed(BBB, BARS + FURTHER))

    assert server.rows(BBB)["xgboost.predictions"] == predicted + FURTHER
    columns = ["open_time", "segment"]
    rows = Warehouse(server.home).read(columns, from_="xgboost.predictions", partitions=[BBB])
    new = rows[rows["open_time"] >= WALKS[BBB]["open_time"].iloc[BARS]]
    assert set(new["segment"]) == {"live"}
    assert list(new["open_time"]) == list(WALKS[BBB]["open_time"].iloc[BARS:])
    assert {path: path.read_bytes() for path in (server.home / "models/BBBUSDT/1h").rglob("*.json")} == models
    assert {partition: server.digests(partition, REFRESHED) for partition in others} == others


def test_sensors_ask_for_nothing_twice_and_never_fail(server):
    """After all other tests, many ticks later."""
    last = max(record.create_timestamp.timestamp() for record in server.instance.get_run_records())
    wait_for("three more ticks", lambda: server.ticks_since(last, "landing") >= 3)
    runs = server.instance.get_runs()
    by_landing = [run for run in runs if run.tags.get("truebar/cause") == "landing"]
    # All that landed first; then CCCUSDT with DDDUSDT, EEEUSDT, BBBUSDT.
    assert len(by_landing) == 4
    assert len(server.runs(BBB, **LANDING)) == 2
    assert len([run for run in runs if "truebar/attempt" in run.tags]) == 1
    assert server.complaints() == []
