"""`truebar demo` on the embedded market: once, again, and after being killed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tests.orchestration.conftest import CHECKOUT, TRUEBAR, environment, truebar

DEMO_PARTITIONS = {("BTC-USD", "1h"), ("BTC-USD", "4h")}


def demo(home: Path) -> dict[str, Any]:
    finished = truebar(home, "demo", "--json")
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def bundles(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(v["symbol"], v["timeframe"]): v["bundle"] for v in result["verdicts"]}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A home on which the demo ran once, and what it printed."""
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    return home, demo(home)


def test_demo_first_run_trains_and_judges_both_partitions(undisturbed):
    _, result = undisturbed
    assert result["trained"] == 2
    assert result["klines_written"] > 25_000
    assert set(bundles(result)) == DEMO_PARTITIONS
    assert Path(result["report"]).is_file()


def test_demo_verdict_with_a_condition_not_computed_is_no_edge_proven(undisturbed):
    _, result = undisturbed
    for verdict in result["verdicts"]:
        assert verdict["verdict"] == "no edge proven"
        assert "leakage" in verdict["failed"]
        assert verdict["missing"] == ["leakage"]
        assert verdict["vault_looks"] == 1
        for name, metric in verdict["metrics"].items():
            assert (metric["value"] is None) == (metric["reason"] is not None), name


def test_demo_second_run_writes_nothing_and_keeps_the_bundles(undisturbed):
    home, first = undisturbed
    files = {path: path.stat().st_mtime_ns for path in (home / "warehouse").rglob("*.duckdb")}
    second = demo(home)
    assert (second["trained"], second["refreshed"], second["klines_written"]) == (0, 0, 0)
    assert second["verdicts"] == first["verdicts"]
    assert {path: path.stat().st_mtime_ns for path in (home / "warehouse").rglob("*.duckdb")} == files


def test_demo_reports_are_one_page_each_without_remote_resources(undisturbed):
    home, _ = undisturbed
    pages = sorted((home / "reports").glob("*.html"))
    assert [page.name for page in pages] == [
        "BTC-USD_1h_xgboost.html",
        "BTC-USD_4h_xgboost.html",
        "index.html",
    ]
    for page in pages:
        text = page.read_text()
        assert 'src="http' not in text
        assert "no edge proven" in text.lower()


def test_cli_after_the_demo_answers_in_json(undisturbed):
    home, first = undisturbed
    sql = "select symbol, timeframe, count(*) as bars from market.klines group by all order by timeframe"
    answer = json.loads(truebar(home, "sql", sql, "--json").stdout)
    assert [(row["symbol"], row["timeframe"]) for row in answer] == sorted(DEMO_PARTITIONS)
    assert json.loads(truebar(home, "verdicts", "--json").stdout) == first["verdicts"]
    doctor = truebar(home, "doctor", "--json")
    assert (doctor.returncode, json.loads(doctor.stdout)["complaints"]) == (0, [])


def test_cli_export_writes_the_whole_matrix(undisturbed, tmp_path):
    home, _ = undisturbed
    target = tmp_path / "matrix.parquet"
    arguments = ("export", "features.matrix", "--to", str(target), "-s", "BTC-USD", "-t", "4h", "--json")
    exported = json.loads(truebar(home, *arguments).stdout)
    held = json.loads(
        truebar(home, "sql", "select count(*) as n from features.matrix", "-t", "4h", "--json").stdout
    )
    assert exported["rows"] == held[0]["n"] > 5_000
    assert target.is_file()


def kill_demo_after(home: Path, seconds: float) -> int:
    """Start the demo, kill it after a while, and return how it ended."""
    process = subprocess.Popen(
        [str(TRUEBAR), "demo", "--json"],
        cwd=CHECKOUT,
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    process.kill()
    return process.wait()


def test_demo_killed_at_random_moments_completes_to_the_same_bundles(undisturbed, tmp_path):
    _, expected = undisturbed
    home = tmp_path / "home"
    moments = [random.SystemRandom().uniform(3, 25) for _ in range(2)]
    ends = [kill_demo_after(home, seconds) for seconds in moments]
    result = demo(home)
    assert bundles(result) == bundles(expected), moments
    assert -signal.SIGKILL in ends, moments
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        statuses = {run.status for run in instance.get_runs()}
    assert statuses <= {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE}, moments
    assert [verdict["vault_looks"] for verdict in result["verdicts"]] == [1, 1]
