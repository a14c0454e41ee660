"""kill -9 of writers, many writers at once, and a full disk; the experiments run in `laboratory.py`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from truebar_io.warehouse.publish import STEPS

LABORATORY = Path(__file__).with_name("laboratory.py")
LARGEST_FILE_BYTES = 3_000_000


def experiment(name: str, home: Path, number: int) -> Any:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(LABORATORY), name, str(home), str(number)],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_publish_writer_killed_at_every_step_loses_and_tears_nothing(tmp_path: Path) -> None:
    records = experiment("kills", tmp_path, 20_261_121)["kills"]

    wrong = [record for record in records if record["wrong"]]
    assert wrong == []
    hits = Counter(record["step"] for record in records if record["died_writing"])
    assert set(hits) == set(STEPS)
    assert min(hits.values()) >= 5, hits
    assert sum(hits.values()) >= 50, hits
    assert sum(record["mode"] == "any time" for record in records) >= 10
    # The sweep has been seen at work: many of the killed writers had left their private files.
    assert sum(record["leftovers"] > 0 for record in records) >= 20


def test_four_writers_and_a_reader_at_once_fail_nothing_and_lose_nothing(tmp_path: Path) -> None:
    report = experiment("crowd", tmp_path, 7)

    assert report["failures"] == []
    assert report["acknowledged"] == 100
    assert report["lost"] == []
    assert report["reads"] > 10
    assert report["findings"] == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A folder and the largest file allowed in it: a 4 MB disk, or where none can be mounted a limit."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    yield disk, 0 if mounted else LARGEST_FILE_BYTES
    if mounted:
        subprocess.run(["umount", str(disk)], check=True)


def assert_refused_but_whole(report: Any) -> None:
    assert len(report["refused"]) >= 2
    for refusal in report["refused"]:
        assert refusal["untouched"]
        assert refusal["names"] == ["market.duckdb", "market.duckdb.lock", "market.json"]
        assert "no room" in refusal["message"]
        assert "untouched" in refusal["message"]
    smallest = min(refusal["rows"] for refusal in report["refused"])
    assert report["rows"] == report["summary"] < smallest


def test_write_full_disk_raises_and_leaves_published_rows(small_disk: tuple[Path, int]) -> None:
    disk, largest = small_disk
    assert_refused_but_whole(experiment("full", disk, largest))


def test_write_file_size_limit_raises_and_leaves_published_rows(tmp_path: Path) -> None:
    assert_refused_but_whole(experiment("full", tmp_path, LARGEST_FILE_BYTES))
