"""Commands without the graph: JSON for scripts, a full disk in words, the doctor, the report page."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import sys
import time
import webbrowser
from pathlib import Path

import pandas as pd
import pytest

from truebar.partitions import Partition
from truebar_apps.cli import graph, main
from truebar_apps.cli.checkout import prepare_dagster_home, require_checkout
from truebar_io.durable import replace_file
from truebar_io.home import Home
from truebar_io.reports import report_path
from truebar_io.warehouse import Warehouse

PARTITIONS = (Partition("AAAUSDT", "1h"), Partition("BBBUSDT", "1h"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("TRUEBAR_HOME", str(tmp_path))
    store = Warehouse(tmp_path)
    frame = pd.DataFrame({"open_time": pd.date_range("2024-01-01", periods=3, freq="h", tz="UTC"), "a": 1.0})
    for partition in PARTITIONS:
        store.write(partition, "features.price", frame)
    return Home(tmp_path)


def test_sql_json_lists_are_lists_and_dates_are_dates(home, truebar):
    sql = (
        "select [1.5, null] as l, date '2024-01-02' as d, [date '2024-01-02'] as ds, max(open_time) as t, "
        "[max(open_time)] as ts, {'x': [1, 2]} as s from features.price"
    )
    code, out, err = truebar("sql", sql, "--json")
    assert code == 0, err
    (row,) = json.loads(out)
    assert row["l"] == [1.5, None]
    assert (row["d"], row["ds"], row["s"]) == ("2024-01-02", ["2024-01-02"], {"x": [1, 2]})
    assert pd.Timestamp(row["t"]) == pd.Timestamp("2024-01-01 02:00", tz="UTC")
    assert pd.Timestamp(row["ts"][0]).tz_localize(None) == pd.Timestamp("2024-01-01 02:00")


def test_sql_json_columns_of_one_name_are_refused_by_name(home, truebar):
    code, out, err = truebar("sql", "select 1 as x, 2 as x, 3 as y", "--json")
    assert (code, out) == (2, "")
    assert "QueryError" in err
    assert "same name: x;" in err


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        sqlite3.OperationalError("database or disk is full"),
        RuntimeError("wrapped"),
    ],
)
def test_full_disk_anywhere_in_a_command_is_told_in_words(home, truebar, monkeypatch, error):
    if isinstance(error, RuntimeError):
        error.__cause__ = sqlite3.OperationalError("database or disk is full")

    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(graph, "_start", full)
    code, _, err = truebar("demo")
    assert code == 75
    assert "StorageFullError" in err
    assert "Free some space" in err


def test_other_system_error_stays_what_it_is(home, monkeypatch):
    def denied(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(graph, "_start", denied)
    monkeypatch.setattr(sys, "argv", ["truebar", "demo"])
    with pytest.raises(PermissionError):
        main.main()


def test_prepare_dagster_home_leaves_another_process_part_alone(home, monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    home.dagster.mkdir()
    other = home.dagster / "dagster.part"
    other.write_text("another process is at it")
    prepare_dagster_home(require_checkout(), home)
    assert other.read_text() == "another process is at it"
    assert sorted(path.name for path in home.dagster.iterdir()) == ["dagster.part", "dagster.yaml"]


def test_report_open_shows_the_page_that_exists(home, truebar, monkeypatch):
    page = report_path(home, PARTITIONS[1], "xgboost")
    page.parent.mkdir(parents=True)
    page.write_text("<html></html>")
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    code, _, err = truebar("report", "--open")
    assert (code, opened) == (0, [page.as_uri()]), err


def test_materialize_without_any_data_is_refused_before_dagster_hears_of_the_symbol(home, truebar):
    code, _, err = truebar("materialize", "-s", "ZZZUSDT", "-t", "1h")
    assert code == 2
    assert "has no klines and no source" in err
    assert not home.dagster.exists()


@pytest.mark.parametrize(
    "where",
    [
        "models/AAAUSDT/1h/xgboost/parts/model.json",
        "reports/index.html",
        "studies/AAAUSDT-1h-xgboost/request/3.f64",
        "exports/market.klines.parquet",
        "warehouse/AAAUSDT/1h/features.volume.state",
        "dagster/dagster.yaml",
    ],
)
def test_doctor_sees_what_is_half_written_wherever_files_are_replaced(home, truebar, monkeypatch, where):
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink"):
            patch.setattr(Path, name, killed)
        with pytest.raises(KeyboardInterrupt):
            replace_file(home.path / where, b"content")
    (left,) = (home.path / where).parent.glob(".*.part")
    assert json.loads(truebar("doctor", "--json")[1])["complaints"] == []
    os.utime(left, (time.time() - 4_000,) * 2)
    (told,) = json.loads(truebar("doctor", "--json")[1])["complaints"]
    assert (told["where"], told["problem"]) == (str(left), "half-written for over an hour")
    assert json.loads(truebar("doctor", "--fix", "--json")[1])["swept"] == [str(left)]
    assert not left.exists()


def test_doctor_tells_and_removes_what_killed_writers_left(home, truebar):
    hour, day = time.time() - 4_000, time.time() - 90_000
    old = home.models / "AAAUSDT" / ".bundle.part"
    theirs = home.landing / "AAAUSDT" / "1h" / "download.csv.part"
    new = home.reports / ".index.html.part"
    stray = home.landing / "AAAUSDT" / "1h" / "notes.txt"
    build = home.workbench / "run"
    for folder in (old, build):
        folder.mkdir(parents=True)
    for path in (theirs, new, stray):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    for path, at in ((old, hour), (theirs, hour), (build, day)):
        os.utime(path, (at, at))

    def complained() -> tuple[set[str], list[str]]:
        *_, out, _ = truebar("doctor", "--json", *fix)
        told = json.loads(out)
        assert {item["severity"] for item in told["complaints"]} == {"warning"}
        return {item["where"] for item in told["complaints"]}, told["swept"]

    fix: list[str] = []
    assert complained() == ({str(path) for path in (old, theirs, stray, build)}, [])
    fix = ["--fix"]
    left, swept = complained()
    assert left == {str(theirs), str(stray)}
    assert set(swept) == {str(old), str(build)}
    assert [path.exists() for path in (old, build, theirs, new)] == [False, False, True, True]
