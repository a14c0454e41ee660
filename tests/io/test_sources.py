"""Sources of a partition: each file is ingested by itself, and every bad one is named."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from truebar.errors import DataError, MissingDataError, UnreadableFileError
from truebar.partitions import Partition
from truebar_io.home import Home
from truebar_io.ingest import ignored_paths, landing_files
from truebar_io.sources import ingest_sources, pending_sources, require_data
from truebar_io.warehouse import Warehouse

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARTITION = Partition("AAAUSDT", "1h")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "landing" / "AAAUSDT" / "1h").mkdir(parents=True)
    return Home(tmp_path)


def land(home: Home, name: str, text: str | None = None, *, age_s: float = 0.0) -> Path:
    path = home.landing / "AAAUSDT" / "1h" / name
    if text is not None:
        path.write_text(text)
    else:
        close = 100 + np.sin(np.arange(50))
        times = pd.date_range("2025-01-01", periods=50, freq="h", tz="UTC")
        bars = pd.DataFrame(
            {"open_time": times, "open": close, "high": close, "low": close, "close": close, "volume": 1.0}
        )
        bars.to_parquet(path, index=False)
    os.utime(path, (NOW.timestamp() - age_s,) * 2)
    return path


def test_ingest_sources_bad_older_file_does_not_block_the_good_one(home: Home) -> None:
    land(home, "a_bad.csv", "<!DOCTYPE html><html></html>", age_s=60)
    land(home, "good.parquet")
    store = Warehouse(home)
    with pytest.raises(DataError, match=r"a_bad\.csv"):
        ingest_sources(store, home, PARTITION, now=NOW)
    assert store.summary(PARTITION)["market.klines"].rows == 50
    assert [path.name for path in pending_sources(store, home, PARTITION)] == ["a_bad.csv"]


def test_ingest_sources_names_every_bad_file(home: Home) -> None:
    land(home, "a.csv", "", age_s=60)
    land(home, "b.parquet", "<html>", age_s=30)
    with pytest.raises(UnreadableFileError, match=r"(?s)a\.csv.*b\.parquet"):
        ingest_sources(Warehouse(home), home, PARTITION, now=NOW)


def test_ingest_sources_result_tells_only_what_was_read_now(home: Home) -> None:
    store = Warehouse(home)
    land(home, "good.parquet")
    assert ingest_sources(store, home, PARTITION, now=NOW).files == ("good.parquet",)
    again = ingest_sources(store, home, PARTITION, now=NOW)
    assert (again.files, again.rows_written, again.rows) == ((), 0, 50)


def test_pending_sources_counts_a_file_that_cannot_be_read(home: Home, monkeypatch) -> None:
    path = land(home, "good.parquet")

    def unreadable(*_: object) -> bool:
        raise UnreadableFileError("the system does not let good.parquet be read.")

    monkeypatch.setattr("truebar_io.sources.is_imported", unreadable)
    assert pending_sources(Warehouse(home), home, PARTITION) == [path]


def test_landing_folder_with_the_name_of_a_file_is_ignored_and_told(home: Home) -> None:
    folder = home.landing / "AAAUSDT" / "1h" / "dir.csv"
    folder.mkdir()
    assert landing_files(home) == []
    assert [ignored.path for ignored in ignored_paths(home)] == [folder]
    assert pending_sources(Warehouse(home), home, PARTITION) == []


def test_require_data_without_any_source_is_refused(home: Home) -> None:
    store = Warehouse(home)
    with pytest.raises(MissingDataError, match="no klines and no source"):
        require_data(store, home, PARTITION)
    land(home, "good.parquet")
    require_data(store, home, PARTITION)
