"""A real Dagster daemon and webserver for tests, started as a user starts them: by `truebar ui`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg

from assets.partitions import PARTITIONS
from tests.orchestration.conftest import CHECKOUT, TRUEBAR, environment
from truebar.feature_columns import COLUMN_FAMILIES
from truebar.partitions import Partition
from truebar_io.warehouse import Warehouse

SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
REFRESHED = (
    "market.klines",
    *(f"features.{family}" for family in COLUMN_FAMILIES),
    "features.context",
    "features.matrix",
    "labels.volatility",
    "labels.vol_scaled",
)
Found = TypeVar("Found")


def wait_for(what: str, look: Callable[[], Found], *, timeout_s: float = 280) -> Found:
    """Return what `look` finds as soon as that is true, or fail saying what it found last."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"no {what} after {timeout_s} s; found {found!r}"
        time.sleep(1)
    return found


@dataclass(frozen=True)
class Server:
    """A running webserver and daemon on one home."""

    home: Path
    port: int

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """What the server has noted; to be read once it is up."""
        return dg.DagsterInstance.from_config(str(self.home / "dagster"))

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the data that the webserver answers to a query."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.loads(response.read())
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def ticks(self) -> dict[str, list[dict[str, Any]]]:
        """Return the finished ticks of each sensor, newest first; of the last 500."""
        query = """query Sensors($repository: RepositorySelector!) {
            sensorsOrError(repositorySelector: $repository) { ... on Sensors { results {
                name sensorState { ticks(limit: 500) { timestamp status error { message } } } } } } }"""
        repository = {"repositoryName": "__repository__", "repositoryLocationName": "truebar"}
        sensors = self.graphql(query, repository=repository)["sensorsOrError"].get("results", [])
        return {
            sensor["name"]: [t for t in sensor["sensorState"]["ticks"] if t["status"] != "STARTED"]
            for sensor in sensors
        }

    def ticks_since(self, moment: float, name: str) -> int:
        """Return how many ticks of a sensor began after `moment` and are over."""
        return len([tick for tick in self.ticks()[name] if tick["timestamp"] > moment])

    def is_up(self) -> bool:
        """Return whether the webserver answers and knows the sensors."""
        try:
            return "landing" in self.ticks()
        except (urllib.error.URLError, ConnectionError):
            return False

    def runs(self, partition: Partition, **tags: str) -> list[dg.DagsterRun]:
        """Return the runs over one partition, alone or within a range, newest first."""
        runs = self.instance.get_runs(dg.RunsFilter(tags=tags))
        return [run for run in runs if partition.key in self.keys(run)]

    def keys(self, run: dg.DagsterRun) -> list[str | None]:
        """Return the keys of a run's partitions."""
        if RANGE_START not in run.tags:
            return [run.tags.get("dagster/partition")]
        corners = dg.PartitionKeyRange(run.tags[RANGE_START], run.tags[RANGE_END])
        with dg.partition_loading_context(dynamic_partitions_store=self.instance):
            return list(PARTITIONS.get_partition_keys_in_range(corners))

    def ended(self, **tags: str) -> list[dg.DagsterRun]:
        """Return the runs that bear `tags` and are over, newest first."""
        return self.instance.get_runs(dg.RunsFilter(tags=tags, statuses=[SUCCESS, FAILURE]))

    def rows(self, partition: Partition) -> dict[str, int]:
        """Return how many rows each published table has."""
        return {name: table.rows for name, table in Warehouse(self.home).summary(partition).items()}

    def digests(self, partition: Partition, tables: Sequence[str]) -> list[str]:
        """Return the digest of each of the published tables."""
        summary = Warehouse(self.home).summary(partition)
        return [summary[table].digest for table in tables]

    def is_refreshed(self, partition: Partition, bars: int) -> bool:
        """Return whether the landing sensor's runs are over and every table of data holds `bars` rows."""
        runs, rows = self.runs(partition, **{"truebar/cause": "landing"}), self.rows(partition)
        return (
            bool(runs)
            and all(run.is_finished for run in self.runs(partition))
            and all(rows.get(table) == bars for table in REFRESHED)
        )

    def complaints(self) -> list[str]:
        """Return what the daemon logged as an error, and the ticks of sensors that failed."""
        log = (self.home / "server.log").read_text(errors="replace").splitlines()
        errors = [line for line in log if "dagster.daemon" in line and "ERROR" in line]
        failed = [str(tick["error"]) for ticks in self.ticks().values() for tick in ticks if tick["error"]]
        return errors + failed


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process group that `process` leads: asked to first, then made to."""
    for number, seconds in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, number)
            process.wait(seconds)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """Start webserver and daemon on a home, and stop them at the end."""
    port = free_port()
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [str(TRUEBAR), "ui", "--port", str(port)],
            cwd=CHECKOUT,
            env=environment(home),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(home, port)
    try:
        wait_for("answer of the webserver", server.is_up)
        yield server
        server.instance.dispose()
    finally:
        stop(process)
