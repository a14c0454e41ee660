"""What the sensors ask for, evaluated in this process."""

from __future__ import annotations

import json
import os
import time

import dagster as dg
import pytest

from definitions import defs
from resources.warehouse import WarehouseResource
from sensors.ask_again import ask_again
from sensors.landing import landing, signatures
from sensors.run_failure import MAX_ATTEMPTS, run_failure, split
from tests.orchestration.conftest import land, random_walk
from truebar.partitions import Partition
from truebar_io.home import Home
from truebar_io.ingest import LandingFile
from truebar_io.lease import Lease

AAA = Partition("AAAUSDT", "1h")
RANGE = {
    "dagster/asset_partition_range_start": "AAAUSDT|1h",
    "dagster/asset_partition_range_end": "BBBUSDT|1h",
}
BY_LANDING = {"truebar/cause": "landing"}
WAITING = {"truebar/ask_again": "waiting"}
HTML = "<!DOCTYPE html><html></html>"


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        ephemeral.add_dynamic_partitions("symbols", ["AAAUSDT", "BBBUSDT"])
        yield ephemeral


@pytest.fixture
def stored(tmp_path_factory):
    """An instance on disk, as a daemon has: sensors find the partitions only there."""
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as local:
        local.add_dynamic_partitions("symbols", ["AAAUSDT", "BBBUSDT"])
        yield local


def settled(home, symbol, timeframe, *, name="a.csv", text=HTML, seconds_ago=60):
    """Drop a small file as if it were written a while ago."""
    path = home / "landing" / symbol / timeframe / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (time.time() - seconds_ago,) * 2)
    return path


def evaluate(sensor, home, instance, cursor=None):
    """Return what a sensor asks for, and its new cursor."""
    built = dg.build_sensor_context(
        instance=instance,
        instance_ref=instance.get_ref(),
        cursor=cursor,
        repository_def=defs.get_repository_def(),
        resources={"warehouse": WarehouseResource(home_folder=str(home))},
    )
    with built as context:
        data = sensor.evaluate_tick(context)
    if data.dynamic_partitions_requests:
        instance.add_dynamic_partitions("symbols", data.dynamic_partitions_requests[0].partition_keys)
    return data.run_requests, data.cursor


def partitions(requests):
    """Return the key or the corners of each request."""
    start, end = RANGE
    return sorted((r.partition_key,) if r.partition_key else (r.tags[start], r.tags[end]) for r in requests)


def fail(instance, **how):
    """Run a refresh that fails, let the run-failure sensor see it, and return the run and the requests."""
    job = defs.resolve_job_def("refresh")
    result = job.execute_in_process(instance=instance, raise_on_error=False, **how)
    assert not result.success
    built = dg.build_run_status_sensor_context(
        sensor_name="run_failure",
        dagster_event=result.get_run_failure_event(),
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        repository_def=defs.get_repository_def(),
        resources={"warehouse": WarehouseResource()},
    )
    with built.for_run_failure() as context:
        requests = run_failure(context)
    return instance.get_run_by_id(result.run_id), requests


@pytest.mark.parametrize(("age_s", "expected"), [(0.5, set()), (3, {AAA}), (-60, {AAA})])
def test_signatures_leave_out_a_partition_whose_file_may_still_grow(tmp_path, age_s, expected):
    now = 1_700_000_000_000_000_000
    old = LandingFile(AAA, tmp_path / "a.csv", now - 10**12, 5)
    young = LandingFile(AAA, tmp_path / "b.csv", now - int(age_s * 1e9), 5)
    assert set(signatures([old, young], now_ns=now)) == expected


def test_landing_neighbours_share_a_run_and_nothing_is_asked_twice(home, stored):
    for symbol, timeframe in (("AAAUSDT", "1h"), ("BBBUSDT", "1h"), ("CCCUSDT", "1d")):
        settled(home, symbol, timeframe)
    requests, cursor = evaluate(landing, home, stored)
    assert partitions(requests) == [("AAAUSDT|1h", "BBBUSDT|1h"), ("CCCUSDT|1d",)]
    assert list(stored.get_dynamic_partitions("symbols")) == ["AAAUSDT", "BBBUSDT", "CCCUSDT"]
    assert evaluate(landing, home, stored, cursor) == ([], cursor)


def test_landing_changed_partition_is_asked_for_alone_and_again_when_it_is_as_before(home, stored):
    for symbol in ("AAAUSDT", "BBBUSDT"):
        settled(home, symbol, "1h")
    _, cursor = evaluate(landing, home, stored)
    further = settled(home, "AAAUSDT", "1h", name="b.csv")
    requests, cursor = evaluate(landing, home, stored, cursor)
    assert partitions(requests) == [("AAAUSDT|1h",)]
    further.unlink()
    requests, cursor = evaluate(landing, home, stored, cursor)
    assert partitions(requests) == [("AAAUSDT|1h",)]
    assert requests[0].run_key is None


def test_landing_partition_that_a_run_holds_waits_for_a_later_tick(home, stored):
    for symbol in ("AAAUSDT", "BBBUSDT"):
        settled(home, symbol, "1h")
    lease = Lease.acquire(Home(home), AAA, "a test")
    requests, cursor = evaluate(landing, home, stored)
    assert partitions(requests) == [("BBBUSDT|1h",)]
    lease.release()
    requests, cursor = evaluate(landing, home, stored, cursor)
    assert partitions(requests) == [("AAAUSDT|1h",)]


def test_run_failure_of_a_range_asks_for_each_partition_and_writes_the_reason_down(home, instance):
    land(home, "AAAUSDT", "1h", random_walk(100, seed=1))
    settled(home, "BBBUSDT", "1h")
    run, requests = fail(instance, tags=RANGE)
    assert partitions(requests) == [("AAAUSDT|1h",), ("BBBUSDT|1h",)]
    assert {request.job_name for request in requests} == {"refresh"}
    assert len({request.run_key for request in requests}) == 2
    (line,) = (home / "logs" / "failures.jsonl").read_text().splitlines()
    written = json.loads(line)
    assert (written["run_id"], written["partitions"]) == (run.run_id, ["AAAUSDT|1h", "BBBUSDT|1h"])
    assert written["steps"]["market__klines"]["BBBUSDT|1h"]["error"] == "UnreadableFileError"


@pytest.mark.parametrize(
    ("tags", "is_marked"),
    [
        (BY_LANDING, True),
        ({}, False),
        ({**BY_LANDING, "truebar/attempt": str(MAX_ATTEMPTS - 1)}, True),
        ({**BY_LANDING, "truebar/attempt": str(MAX_ATTEMPTS)}, False),
    ],
)
def test_run_failure_of_a_busy_partition_is_marked_if_a_sensor_asked_for_it(home, instance, tags, is_marked):
    lease = Lease.acquire(Home(home), AAA, "a test")
    run, requests = fail(instance, partition_key=AAA.key, tags=tags)
    lease.release()
    assert requests is None
    assert (WAITING.items() <= run.tags.items()) is is_marked


def test_run_failure_of_a_bad_file_is_left_to_a_person(home, instance):
    settled(home, "AAAUSDT", "1h")
    run, requests = fail(instance, partition_key=AAA.key, tags=BY_LANDING)
    assert requests is None
    assert "truebar/ask_again" not in run.tags


@pytest.mark.parametrize(
    ("job", "selected", "expected"),
    [
        ("refresh", None, ("refresh", None)),
        ("train", ["xgboost/model"], ("train", ["xgboost/model"])),
        ("__ASSET_JOB", ["market/klines", "xgboost/model"], ("refresh", ["market/klines"])),
        ("__ASSET_JOB", ["xgboost/model"], None),
    ],
)
def test_split_asks_for_what_a_job_of_ours_can_make(job, selected, expected):
    chosen = {dg.AssetKey.from_user_string(name) for name in selected} if selected else None
    run = dg.DagsterRun(job_name=job, asset_selection=chosen)
    requests = split(run, [AAA.key], defs.get_repository_def())
    found = [
        (r.job_name, r.asset_selection and [k.to_user_string() for k in r.asset_selection]) for r in requests
    ]
    assert found == ([expected] if expected else [])


def test_ask_again_waits_for_the_lease_asks_once_and_takes_the_mark_off(home, stored):
    lease = Lease.acquire(Home(home), AAA, "a test")
    run, _ = fail(stored, partition_key=AAA.key, tags=BY_LANDING)
    requests, cursor = evaluate(ask_again, home, stored)
    assert requests == []
    lease.release()
    requests, cursor = evaluate(ask_again, home, stored, cursor)
    (request,) = requests
    assert (request.job_name, request.partition_key) == ("refresh", AAA.key)
    assert request.tags["truebar/attempt"] == "2"
    assert stored.get_run_by_id(run.run_id).tags["truebar/ask_again"] == "waiting"
    requests, cursor = evaluate(ask_again, home, stored, cursor)
    assert requests == []
    assert stored.get_run_by_id(run.run_id).tags["truebar/ask_again"] == "asked"
    assert evaluate(ask_again, home, stored, cursor)[0] == []
