from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.io.stamps import stamps
from truebar_io.warehouse import Warehouse
from truebar_io.warehouse.files import SchemaFiles, temporary

MakeBars = Callable[..., pd.DataFrame]
KLINES = "market.klines"


@pytest.fixture
def filled(warehouse, hourly, make_bars: MakeBars) -> Warehouse:
    warehouse.write(hourly, KLINES, make_bars(5))
    return warehouse


def tampered(files: SchemaFiles, *statements: str) -> None:
    """Change the published file as somebody with another client might."""
    with duckdb.connect(str(files.file())) as connection:
        for statement in statements:
            connection.execute(statement)


def test_diagnose_nothing_wrong_finds_nothing(filled, tmp_path: Path) -> None:
    assert filled.diagnose() == []
    assert Warehouse(tmp_path / "nothing").diagnose() == []


def test_diagnose_leftovers_are_found_and_swept_and_nothing_else(filled, hourly, files) -> None:
    left = [temporary(files.file()), Path(f"{temporary(files.file())}.wal"), temporary(files.sidecar)]
    left.append(temporary(files.file(2023)))
    for path in left:
        path.write_bytes(b"half")
    spill = Path(f"{temporary(files.file())}.spill")
    spill.mkdir()
    (spill / "block").touch()
    others = stamps({*files.folder.iterdir()} - {*left, spill})

    findings = filled.diagnose()

    assert {finding.file for finding in findings} == {*left, spill}
    assert {(finding.severity, finding.partition) for finding in findings} == {("warning", hourly)}
    assert all("killed writer" in finding.problem and "--fix" in finding.advice for finding in findings)
    assert set(filled.sweep()) == {*left, spill}
    assert stamps(files.folder.iterdir()) == others
    assert filled.diagnose() == []


def test_sweep_does_not_touch_a_writer_at_work(filled, files) -> None:
    at_work = temporary(files.file())
    at_work.write_bytes(b"half")
    with files.locked():
        assert filled.diagnose() == []
        assert filled.sweep() == []
    assert at_work.exists()


def test_sweep_finds_leftovers_of_a_first_write(warehouse, hourly, files, make_bars: MakeBars) -> None:
    files.folder.mkdir(parents=True)
    temporary(files.file()).write_bytes(b"half")
    assert warehouse.partitions() == []
    assert [finding.severity for finding in warehouse.diagnose()] == ["warning"]
    warehouse.write(hourly, KLINES, make_bars(3))
    assert warehouse.diagnose() == []


def test_sweep_removes_spill_folders_of_dead_processes_only(filled) -> None:
    dead, alive = filled.root / ".spill-999999999-ab", filled.root / f".spill-{os.getpid()}-ab"
    dead.mkdir()
    alive.mkdir()
    assert [finding.file for finding in filled.diagnose()] == [dead]
    assert filled.sweep() == [dead]
    assert alive.exists()


def test_diagnose_stale_sidecar_is_found_and_heals(filled, hourly, files, make_bars: MakeBars) -> None:
    old = files.sidecar.read_bytes()
    filled.write(hourly, KLINES, make_bars(9))
    files.sidecar.write_bytes(old)
    (finding,) = filled.diagnose()
    assert (finding.severity, finding.file) == ("info", files.sidecar)
    filled.summary(hourly)
    assert filled.diagnose() == []


def test_diagnose_file_that_does_not_open_is_found(filled, hourly, files) -> None:
    files.file().write_bytes(b"x" * 10_000)
    (finding,) = [finding for finding in filled.diagnose() if finding.severity == "error"]
    assert (finding.partition, finding.file) == (hourly, files.file())
    assert "move the file away" in finding.advice


def test_diagnose_log_beside_a_published_file_is_found(filled, files) -> None:
    log = Path(f"{files.file()}.wal")
    log.write_bytes(b"")
    (finding,) = [finding for finding in filled.diagnose() if finding.file == log]
    assert finding.severity == "error"
    assert "another program" in finding.problem


def test_diagnose_schema_drift_is_found(filled, files) -> None:
    tampered(
        files,
        "alter table klines drop column trades",
        "alter table klines add column vwap double",
        "alter table klines alter volume type float",
        "create table notes (a integer)",
    )
    problems = {finding.problem: finding for finding in filled.diagnose() if finding.severity != "info"}
    assert sorted(problems) == [
        "market.klines: column volume is FLOAT, expected DOUBLE",
        "market.klines: column vwap is not declared",
        "market.klines: declared column trades is missing",
        "market.notes is not declared by this version of truebar",
    ]
    assert "materialize market/klines again" in problems["market.klines: column vwap is not declared"].advice


def test_diagnose_rows_changed_behind_the_sidecar_are_found(filled, hourly, files) -> None:
    """The stamp of the file is forged: only the digest can tell."""
    stamp = files.sidecar.read_text()
    before = files.file().stat()
    tampered(files, "update klines set volume = 99 where volume = 3")
    after = files.file().stat()
    text = stamp.replace(f'"size_bytes": {before.st_size}', f'"size_bytes": {after.st_size}')
    files.sidecar.write_text(text.replace(str(before.st_mtime_ns), str(after.st_mtime_ns)))
    (finding,) = filled.diagnose()
    assert finding.severity == "error"
    assert "not those that the sidecar describes" in finding.problem


def test_diagnose_matrix_that_cannot_be_read_is_found(warehouse, hourly, make_family: MakeBars) -> None:
    warehouse.write_tables(
        hourly, {"features.price": make_family(5, "a"), "features.context": make_family(5, "b")}
    )
    warehouse.create_view(hourly, "features.matrix", {"price": ["a"], "context": ["b"]})
    assert warehouse.diagnose() == []
    warehouse.write(hourly, "features.price", make_family(6, "a"))
    (finding,) = warehouse.diagnose()
    assert finding.severity == "error"
    assert "features.matrix cannot be read" in finding.problem


def test_diagnose_reads_only(filled, files) -> None:
    before = stamps(files.folder.iterdir())
    filled.diagnose()
    assert stamps(files.folder.iterdir()) == before
