"""Sources of a partition: each file is ingested by itself, and every bad one is named."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from truebar.errors import (
    ConfigurationError,
    CorruptDataError,
    DataError,
    MissingDataError,
    UnreadableFileError,
)
from truebar.partitions import Partition
from truebar_io.configuration import load_configuration
from truebar_io.generated import market_behind, oracle_scores
from truebar_io.home import Home
from truebar_io.ingest import ignored_paths, ingest_file, landing_files
from truebar_io.sources import FileSource, ingest_sources, pending_sources, refuse_files, require_data
from truebar_io.warehouse import Warehouse

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARTITION = Partition("AAAUSDT", "1h")
SYNTHETIC = Partition("SYN-EDGE", "15m")
EMBEDDED = Partition("BTC-USD", "1h")
SETTINGS = load_configuration(environment={"TRUEBAR_MARKETS__SYN_EDGE__SYNTHETIC__BARS": "500"})


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
        ingest_sources(store, home, PARTITION, SETTINGS, now=NOW)
    assert store.summary(PARTITION)["market.klines"].rows == 50
    assert [source.name for source in pending_sources(store, home, PARTITION, SETTINGS)] == ["a_bad.csv"]


def test_ingest_sources_names_every_bad_file(home: Home) -> None:
    land(home, "a.csv", "", age_s=60)
    land(home, "b.parquet", "<html>", age_s=30)
    with pytest.raises(UnreadableFileError, match=r"(?s)a\.csv.*b\.parquet"):
        ingest_sources(Warehouse(home), home, PARTITION, SETTINGS, now=NOW)


def test_ingest_sources_result_tells_only_what_was_read_now(home: Home) -> None:
    store = Warehouse(home)
    land(home, "good.parquet")
    assert ingest_sources(store, home, PARTITION, SETTINGS, now=NOW).files == ("good.parquet",)
    again = ingest_sources(store, home, PARTITION, SETTINGS, now=NOW)
    assert (again.files, again.rows_written, again.rows) == ((), 0, 50)


def test_pending_sources_counts_a_file_that_cannot_be_read(home: Home, monkeypatch) -> None:
    path = land(home, "good.parquet")

    def unreadable(*_: object) -> bool:
        raise UnreadableFileError("the system does not let good.parquet be read.")

    monkeypatch.setattr("truebar_io.sources.is_imported", unreadable)
    assert pending_sources(Warehouse(home), home, PARTITION, SETTINGS) == [FileSource(path)]


def test_landing_folder_with_the_name_of_a_file_is_ignored_and_told(home: Home) -> None:
    folder = home.landing / "AAAUSDT" / "1h" / "dir.csv"
    folder.mkdir()
    assert landing_files(home) == []
    assert [ignored.path for ignored in ignored_paths(home)] == [folder]
    assert pending_sources(Warehouse(home), home, PARTITION, SETTINGS) == []


def own_bars(path: Path, *, start: str = "2018-01-01", price: float = 100.0) -> Path:
    """Write bars at a price that the embedded market never had at that time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    close = price + np.sin(np.arange(50))
    times = pd.date_range(start, periods=50, freq="h", tz="UTC")
    frame = {"open_time": times, "open": close, "high": close, "low": close, "close": close, "volume": 1.0}
    pd.DataFrame(frame).to_parquet(path, index=False)
    return path


@pytest.mark.parametrize("name", ["mine.parquet", "BTC-USD_1h.parquet"])
def test_embedded_market_stays_out_of_a_partition_that_holds_bars_of_the_users_own(
    tmp_path: Path, name: str
) -> None:
    home, store = Home(tmp_path / "home"), Warehouse(tmp_path / "home")
    ingest_file(store, EMBEDDED, own_bars(tmp_path / name), now=NOW)
    assert pending_sources(store, home, EMBEDDED, SETTINGS) == []
    result = ingest_sources(store, home, EMBEDDED, SETTINGS, now=NOW)
    assert (result.files, result.rows) == ((), 50)


def test_embedded_market_stays_out_where_files_of_the_users_own_wait(tmp_path: Path) -> None:
    home, store = Home(tmp_path / "home"), Warehouse(tmp_path / "home")
    own_bars(home.landing / "BTC-USD" / "1h" / "mine.parquet")
    result = ingest_sources(store, home, EMBEDDED, SETTINGS, now=NOW)
    assert (result.files, result.rows) == (("mine.parquet",), 50)


def test_file_after_the_embedded_market_goes_on_where_that_ends_or_is_refused(tmp_path: Path) -> None:
    home, store = Home(tmp_path / "home"), Warehouse(tmp_path / "home")
    bars = ingest_sources(store, home, EMBEDDED, SETTINGS, now=NOW).rows
    later = own_bars(home.landing / "BTC-USD" / "1h" / "later.parquet", start="2020-01-01")
    assert ingest_sources(store, home, EMBEDDED, SETTINGS, now=NOW).rows == bars + 50
    assert pending_sources(store, home, EMBEDDED, SETTINGS) == []
    own_bars(later.with_name("other.parquet"))
    with pytest.raises(CorruptDataError, match=r"other\.parquet and BTC-USD_1h\.parquet close apart"):
        ingest_sources(store, home, EMBEDDED, SETTINGS, now=NOW)


def test_require_data_without_any_source_is_refused(home: Home) -> None:
    store = Warehouse(home)
    with pytest.raises(MissingDataError, match="no klines and no source"):
        require_data(store, home, PARTITION, SETTINGS)
    land(home, "good.parquet")
    require_data(store, home, PARTITION, SETTINGS)


def test_synthetic_market_is_ingested_once_and_says_so_in_every_bar(home: Home) -> None:
    store = Warehouse(home)
    result = ingest_sources(store, home, SYNTHETIC, SETTINGS, now=NOW)
    assert (result.rows, result.rows_written, result.rows_quarantined) == (500, 500, 0)
    assert result.files == ("synthetic SYN-EDGE, 500 bars of 15m, seed 1",)
    bars = store.read("*", "market.klines", SYNTHETIC)
    assert set(bars["source"]) == set(result.files)
    gaps = store.read("*", "market.gaps", SYNTHETIC)
    assert (set(gaps["reason"]), sorted(gaps["bars"])) == ({"missing"}, [6, 20])
    assert pending_sources(store, home, SYNTHETIC, SETTINGS) == []
    again = ingest_sources(store, home, SYNTHETIC, SETTINGS, now=NOW)
    assert (again.files, again.rows_written) == ((), 0)


def test_market_behind_published_bars_is_the_generated_one_and_scores_its_oracle(home: Home) -> None:
    store = Warehouse(home)
    ingest_sources(store, home, SYNTHETIC, SETTINGS, now=NOW)
    market = market_behind(store, SYNTHETIC, SETTINGS)
    bars = store.read(["open_time", "close"], "market.klines", SYNTHETIC)
    assert bars["close"].tolist() == market.bars["close"].tolist()
    label = SETTINGS.data.labels.for_partition(SYNTHETIC)
    scores = oracle_scores(market, bars["open_time"].tail(300), label, SETTINGS.backtest)
    assert set(scores) == {"roc_auc", "log_loss", "ev_bps"}
    assert 0.6 < scores["roc_auc"] < 1


def test_market_behind_other_bars_is_refused(home: Home) -> None:
    store = Warehouse(home)
    ingest_sources(store, home, SYNTHETIC, SETTINGS, now=NOW)
    revised = store.read("*", "market.klines", SYNTHETIC).tail(1)
    store.write(SYNTHETIC, "market.klines", revised.assign(volume=1e9))
    with pytest.raises(CorruptDataError, match="are not the ones"):
        market_behind(store, SYNTHETIC, SETTINGS)


def test_synthetic_market_of_another_seed_is_not_mixed_with_the_first(home: Home) -> None:
    store = Warehouse(home)
    ingest_sources(store, home, SYNTHETIC, SETTINGS, now=NOW)
    other = load_configuration(environment={"TRUEBAR_MARKETS__SYN_EDGE__SYNTHETIC__SEED": "8"})
    assert len(pending_sources(store, home, SYNTHETIC, other)) == 1
    with pytest.raises(ConfigurationError, match="another seed is another market"):
        ingest_sources(store, home, SYNTHETIC, other, now=NOW)
    assert store.summary(SYNTHETIC)["market.klines"].rows == 500


def test_synthetic_market_at_another_timeframe_has_no_klines(home: Home) -> None:
    partition = Partition("SYN-EDGE", "1h")
    with pytest.raises(MissingDataError, match="generated at 15m only"):
        ingest_sources(Warehouse(home), home, partition, SETTINGS, now=NOW)


def test_files_of_a_synthetic_market_are_refused(home: Home) -> None:
    folder = home.landing / "SYN-EDGE" / "15m"
    folder.mkdir(parents=True)
    land(home, "mine.parquet").rename(folder / "mine.parquet")
    with pytest.raises(ConfigurationError, match=r"synthetic market.*mine\.parquet"):
        ingest_sources(Warehouse(home), home, SYNTHETIC, SETTINGS, now=NOW)
    refuse_files(SETTINGS, "BTCUSDT", ["mine.parquet"])
