"""A sidecar is believed only while it describes the very file that is published."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from truebar_io.warehouse import Warehouse

MakeBars = Callable[..., pd.DataFrame]
KLINES = "market.klines"


@pytest.fixture
def stale(warehouse, hourly, files, make_bars: MakeBars) -> Warehouse:
    """As if a writer had been killed between the renames of the database and of its sidecar."""
    warehouse.write(hourly, KLINES, make_bars(5), made_from="old")
    old = files.sidecar.read_bytes()
    warehouse.write(hourly, KLINES, make_bars(8), made_from="new")
    files.sidecar.write_bytes(old)
    return warehouse


def test_summary_stale_sidecar_is_not_believed_and_is_repaired(stale, hourly, files, make_bars) -> None:
    summary = stale.summary(hourly)[KLINES]
    assert (summary.rows, summary.made_from) == (8, "new")
    assert summary.watermark == make_bars(8)["open_time"].iloc[-1]
    assert '"made_from": "new"' in files.sidecar.read_text()


def test_summary_stale_sidecar_while_a_writer_is_at_work_is_left_to_it(stale, hourly, files) -> None:
    before = files.sidecar.read_bytes()
    with files.locked():
        assert stale.summary(hourly)[KLINES].rows == 8
    assert files.sidecar.read_bytes() == before


@pytest.mark.parametrize(
    "content", [None, "", "{", "[]", '{"format": 0}', '{"format": 1, "files": {"market.duckdb": {}}}', "\x00"]
)
def test_summary_sidecar_that_is_no_sidecar_is_made_again(stale, hourly, files, content) -> None:
    expected = stale.summary(hourly)
    files.sidecar.unlink()
    if content is not None:
        files.sidecar.write_text(content)
    assert stale.summary(hourly) == expected
    assert json.loads(files.sidecar.read_text())["format"] == 1


def test_summary_of_a_copied_warehouse_is_the_same(stale, hourly, tmp_path: Path) -> None:
    shutil.copytree(stale.home.path, tmp_path / "copy")
    assert Warehouse(tmp_path / "copy").summary(hourly) == stale.summary(hourly)


def test_summary_without_a_stale_sidecar_opens_no_database(
    warehouse, hourly, make_bars: MakeBars, monkeypatch
) -> None:
    warehouse.write(hourly, KLINES, make_bars(5))
    monkeypatch.setattr("duckdb.connect", None)
    assert warehouse.summary(hourly)[KLINES].rows == 5
    assert warehouse.has(hourly, KLINES)


def test_summary_file_that_was_removed_is_forgotten(stale, hourly, files) -> None:
    files.file().unlink()
    assert stale.summary(hourly) == {}


def test_write_after_a_stale_sidecar_keeps_what_other_tables_were_made_from(
    warehouse, hourly, files, make_bars: MakeBars
) -> None:
    imports = pd.DataFrame(
        {
            "file": ["a"],
            "sha256": ["a"],
            "rows_read": 1,
            "rows_written": 1,
            "rows_revised": 0,
            "rows_quarantined": 0,
        }
    )
    warehouse.write(hourly, "market.imports", imports, made_from="a landing file")
    files.sidecar.unlink()
    warehouse.write(hourly, KLINES, make_bars(5), made_from="bars")
    summary = warehouse.summary(hourly)
    assert {name: held.made_from for name, held in summary.items()} == {
        "market.imports": "a landing file",
        KLINES: "bars",
    }
    assert summary[KLINES].publish > summary["market.imports"].publish


def test_write_without_room_for_the_sidecar_is_still_a_write(
    warehouse, hourly, files, make_bars: MakeBars, monkeypatch, caplog
) -> None:
    """The rows are published by then: an error would make the caller think that they are not."""
    warehouse.write(hourly, KLINES, make_bars(5))

    def no_room(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("truebar_io.warehouse.sidecar.replace_text", no_room)
    assert warehouse.write(hourly, KLINES, make_bars(9)).rows == 9
    assert "repaired at the next read" in caplog.text
    assert warehouse.summary(hourly)[KLINES].rows == 9
    monkeypatch.undo()
    assert warehouse.summary(hourly)[KLINES].rows == 9
    assert warehouse.diagnose() == []
