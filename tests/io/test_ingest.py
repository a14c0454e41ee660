from __future__ import annotations

import os
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.bars import bars_of
from truebar.errors import ConfigurationError, CorruptDataError, UnreadableFileError
from truebar.market import resample, validate_klines
from truebar.partitions import Partition
from truebar_io.embedded import embedded_path, embedded_source
from truebar_io.home import Home
from truebar_io.ingest import (
    ignored_paths,
    ingest_file,
    ingest_frame,
    is_imported,
    landing_files,
)
from truebar_io.ingest.publishing import EARLIER_STATE
from truebar_io.warehouse import Warehouse

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARTITION = Partition("BTCUSDT", "1h")
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "klines"


def make_bars(n: int = 48, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    bars = bars_of(100 + random.normal(0, 1, n).cumsum())
    return bars.assign(
        high=bars["high"] + 1,
        low=bars["low"] - 1,
        volume=random.uniform(1, 9, n),
        count=random.integers(1, 50, n),
    )


@pytest.fixture
def store(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "home")


def save(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_parquet(path, index=False)
    return path


def stored(store: Warehouse, table: str = "market.klines") -> pd.DataFrame:
    return store.read("*", from_=table, partitions=[PARTITION])


def test_first_file_publishes_bars_quarantine_gaps_and_imports(store: Warehouse, tmp_path: Path) -> None:
    bars = make_bars().drop(index=[10, 11])
    bars.loc[20, "high"] = 0.5
    path = save(bars, tmp_path / "a.parquet")
    result = ingest_file(store, PARTITION, path, now=NOW)
    assert (result.rows_read, result.rows_written, result.rows_revised, result.rows_quarantined) == (
        46,
        45,
        0,
        1,
    )
    assert (result.gaps, result.already_imported) == (2, False)
    assert result.watermark == bars["open_time"].max()
    klines = stored(store)
    expected = validate_klines(bars, timeframe="1h", source="a.parquet").bars
    pd.testing.assert_frame_equal(klines[list(expected.columns)], expected, check_dtype=False)
    assert set(klines["ingested_at"]) == {pd.Timestamp(NOW)}
    assert stored(store, "market.gaps")["bars"].tolist() == [2, 1]
    assert stored(store, "market.quarantine")["reason"].tolist() == ["high_below_low"]
    imports = stored(store, "market.imports").iloc[0]
    assert imports["sha256"] == sha256(path.read_bytes()).hexdigest()
    assert (imports["file"], imports["rows_read"], imports["rows_written"]) == ("a.parquet", 46, 45)


def test_clean_first_file_makes_all_four_tables(store: Warehouse, tmp_path: Path) -> None:
    ingest_file(store, PARTITION, save(make_bars(), tmp_path / "a.parquet"), now=NOW)
    tables = store.summary(PARTITION)
    assert {"market.klines", "market.quarantine", "market.gaps", "market.imports"} <= set(tables)
    assert tables["market.quarantine"].rows == tables["market.gaps"].rows == 0


def test_same_content_under_any_name_is_imported_once(store: Warehouse, tmp_path: Path) -> None:
    path = save(make_bars(), tmp_path / "a.parquet")
    assert not is_imported(store, PARTITION, path)
    first = ingest_file(store, PARTITION, path, now=NOW)
    before = store.summary(PARTITION)
    copy = tmp_path / "b.parquet"
    copy.write_bytes(path.read_bytes())
    assert is_imported(store, PARTITION, copy)
    again = ingest_file(store, PARTITION, copy, now=NOW)
    assert again.already_imported
    assert (again.rows_read, again.rows_written, again.watermark) == (0, 0, first.watermark)
    assert store.summary(PARTITION) == before
    assert not is_imported(store, Partition("ETHUSDT", "1h"), copy)


def test_later_file_writes_only_what_is_new_or_different(store: Warehouse, tmp_path: Path) -> None:
    bars = make_bars(60)
    ingest_file(store, PARTITION, save(bars.head(48), tmp_path / "a.parquet"), now=NOW)
    later = bars.iloc[40:].copy()
    later.loc[42, "close"] = later.loc[42, "high"]
    result = ingest_file(store, PARTITION, save(later, tmp_path / "b.parquet"), now=NOW)
    assert (result.rows_read, result.rows_written, result.rows_revised) == (20, 13, 1)
    klines = stored(store)
    assert klines["source"].value_counts().to_dict() == {"a.parquet": 47, "b.parquet": 13}
    assert klines.loc[42, "close"] == later.loc[42, "close"]
    assert klines["open_time"].tolist() == bars["open_time"].tolist()


def test_file_that_says_nothing_new_leaves_the_klines_as_they_were(store: Warehouse, tmp_path: Path) -> None:
    bars = make_bars()
    ingest_file(store, PARTITION, save(bars, tmp_path / "a.parquet"), now=NOW)
    before = store.summary(PARTITION)["market.klines"]
    bars.iloc[5:25].drop(columns="count").to_csv(tmp_path / "b.csv", index=False)
    result = ingest_file(store, PARTITION, tmp_path / "b.csv", now=NOW)
    assert (result.rows_read, result.rows_written, result.already_imported) == (20, 0, False)
    assert store.summary(PARTITION)["market.klines"] == before
    assert set(stored(store, "market.imports")["file"]) == {"a.parquet", "b.csv"}


def test_gaps_are_those_of_all_bars_and_close_when_bars_arrive(store: Warehouse, tmp_path: Path) -> None:
    bars = make_bars(60)
    ingest_file(store, PARTITION, save(bars.head(10), tmp_path / "a.parquet"), now=NOW)
    ingest_file(store, PARTITION, save(bars.iloc[30:], tmp_path / "b.parquet"), now=NOW)
    assert stored(store, "market.gaps")["bars"].tolist() == [20]
    result = ingest_file(store, PARTITION, save(bars.iloc[8:25], tmp_path / "c.parquet"), now=NOW)
    assert stored(store, "market.gaps")["bars"].tolist() == [5]
    assert result.gaps == 1
    ingest_file(store, PARTITION, save(bars.iloc[25:30], tmp_path / "d.parquet"), now=NOW)
    assert stored(store, "market.gaps").empty


def test_frozen_open_candle_is_replaced_and_never_comes_back(store: Warehouse, tmp_path: Path) -> None:
    bars = make_bars()
    export = bars.head(20).copy()
    export.loc[19, "close"] = export.loc[19, "open"]
    export.loc[19, "volume"] *= 0.1
    frozen, whole = save(export, tmp_path / "frozen.parquet"), save(bars, tmp_path / "whole.parquet")
    ingest_file(store, PARTITION, frozen, now=NOW)
    result = ingest_file(store, PARTITION, whole, now=NOW)
    assert (result.rows_written, result.rows_revised) == (29, 1)
    shorter = save(export.iloc[5:], tmp_path / "shorter.parquet")
    result = ingest_file(store, PARTITION, shorter, now=NOW)
    assert (result.rows_written, result.rows_quarantined) == (0, 1)
    assert stored(store, "market.quarantine")["reason"].tolist() == [EARLIER_STATE]
    np.testing.assert_array_equal(stored(store)["volume"], bars["volume"])


def test_open_candle_waits_in_quarantine_until_it_has_closed(store: Warehouse, tmp_path: Path) -> None:
    path = save(make_bars(5), tmp_path / "a.parquet")
    result = ingest_file(store, PARTITION, path, now=datetime(2025, 1, 1, 3, 30, tzinfo=UTC))
    assert (result.rows_written, result.rows_quarantined) == (3, 2)
    assert sorted(stored(store, "market.quarantine")["reason"]) == ["future", "open_candle"]
    assert stored(store)["close_time"].max() <= pd.Timestamp("2025-01-01 03:30", tz="UTC")


def test_repeated_bad_rows_are_counted_and_stored_once(store: Warehouse, tmp_path: Path) -> None:
    bars = make_bars(10)
    bad = bars.loc[[3]].assign(open=-1.0)
    result = ingest_file(store, PARTITION, save(pd.concat([bars, bad, bad]), tmp_path / "a.parquet"), now=NOW)
    assert result.rows_quarantined == 2
    assert len(stored(store, "market.quarantine")) == 1
    stamp = pd.concat([bars, bars.loc[[4]].assign(open_time=pd.Timestamp("2025-01-01T00:00:00.000000123Z"))])
    ingest_file(store, PARTITION, save(stamp, tmp_path / "b.parquet"), now=NOW)
    assert "off_grid" in set(stored(store, "market.quarantine")["reason"])


def test_bad_file_writes_nothing(store: Warehouse, tmp_path: Path) -> None:
    ingest_file(store, PARTITION, save(make_bars(), tmp_path / "a.parquet"), now=NOW)
    before = store.summary(PARTITION)
    with pytest.raises(CorruptDataError):
        ingest_file(store, PARTITION, save(make_bars(60).assign(open=0.0), tmp_path / "b.parquet"), now=NOW)
    with pytest.raises(UnreadableFileError):
        ingest_file(store, PARTITION, tmp_path / "none.parquet", now=NOW)
    assert store.summary(PARTITION) == before
    with pytest.raises(CorruptDataError):
        ingest_file(store, Partition("ETHUSDT", "1h"), tmp_path / "b.parquet", now=NOW)
    assert store.partitions() == [PARTITION]


def test_frame_is_ingested_like_a_file(store: Warehouse) -> None:
    fine = make_bars(96)
    coarse = resample(validate_klines(fine, timeframe="1h").bars, to="4h")
    partition = Partition("BTCUSDT", "4h")
    first = ingest_frame(store, partition, coarse, source="resampled from 1h", now=NOW)
    again = ingest_frame(store, partition, coarse, source="resampled from 1h", now=NOW)
    assert (first.rows_written, first.already_imported) == (24, False)
    assert again.already_imported
    klines = store.read("*", partitions=[partition])
    assert set(klines["source"]) == {"resampled from 1h"}
    coarse.loc[3, "close"] = coarse.loc[3, "high"]
    assert ingest_frame(store, partition, coarse, source="resampled from 1h", now=NOW).rows_revised == 1


@pytest.mark.parametrize(
    ("timeframe", "bars", "halted_bars"), [("1h", 20_111, 28), ("4h", 5_027, 3), ("1d", 837, 0)]
)
def test_embedded_market_is_ingested_at_its_own_and_coarser_timeframes(
    store: Warehouse, timeframe: str, bars: int, halted_bars: int
) -> None:
    partition = Partition("BTC-USD", timeframe)
    path = embedded_source(partition)
    assert path is not None
    result = ingest_file(store, partition, path, now=NOW)
    assert (result.rows_written, result.rows_quarantined) == (bars, 0)
    gaps = store.read("*", from_="market.gaps", partitions=[partition])
    assert gaps["bars"].sum() == halted_bars
    assert set(gaps["reason"]) <= {"halted"}
    klines = store.read("*", partitions=[partition])
    assert set(klines["source"]) == {path.name if timeframe == "1h" else "resampled from 1h"}
    assert klines[["trades", "taker_buy_volume"]].isna().all(axis=None)


def test_embedded_markets_are_only_those_that_come_with_truebar() -> None:
    assert embedded_path("BTC-USD", "1h").with_name("ATTRIBUTION.md").is_file()
    assert embedded_source(Partition("BTC-USD", "15m")) is None
    assert embedded_source(Partition("BTCUSDT", "1h")) is None
    with pytest.raises(ConfigurationError, match="BTC-USD 1h"):
        embedded_path("BTCUSDT", "1h")
    attribution = embedded_path("BTC-USD", "1h").with_name("ATTRIBUTION.md").read_text(encoding="utf-8")
    assert sha256(embedded_path("BTC-USD", "1h").read_bytes()).hexdigest() in attribution


def test_real_month_from_another_file_changes_no_bar_of_the_year(store: Warehouse) -> None:
    year = REAL / "binance_um" / "5m" / "BTCUSDT_2025.parquet"
    month = REAL.parent / "vision_archive/futures/um/monthly/klines/BTCUSDT/5m/BTCUSDT-5m-2025-10.zip"
    if not (year.is_file() and month.is_file()):
        pytest.skip("../shared/data is not there")
    partition = Partition("BTCUSDT", "5m")
    assert ingest_file(store, partition, month, now=NOW).rows_written == 8_928
    result = ingest_file(store, partition, year, now=NOW)
    assert (result.rows_read, result.rows_written, result.rows_revised) == (105_120, 105_120 - 8_928, 0)
    assert result.gaps == 2


def touch(path: Path, modified_ns: int = 10**18) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    os.utime(path, ns=(modified_ns, modified_ns))
    return path


def test_landing_files_come_in_the_order_of_modification(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    newer = touch(landing / "BTCUSDT" / "1h" / "a.parquet", 3 * 10**18)
    older = touch(landing / "BTCUSDT" / "1h" / "b.CSV", 10**18)
    other = touch(landing / "BTC-USD" / "15m" / "c.zip", 2 * 10**18)
    files = landing_files(tmp_path)
    assert [file.path for file in files] == [older, other, newer]
    assert (files[0].partition, files[0].modified_ns, files[0].size_bytes) == (PARTITION, 10**18, 1)
    assert [file.path for file in landing_files(Home(tmp_path), PARTITION)] == [older, newer]
    assert landing_files(tmp_path / "nowhere") == []


def test_landing_leaves_out_what_is_in_the_making_and_reports_what_it_cannot_place(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    for name in (".hidden.csv", "x.csv.part", "x.tmp", "a.zip.CHECKSUM"):
        touch(landing / "BTCUSDT" / "1h" / name)
    bad = [
        touch(landing / "loose.csv"),
        touch(landing / "BTCUSDT" / "loose.csv"),
        touch(landing / "btcusdt" / "1h" / "a.csv").parent,
        touch(landing / "BTCUSDT" / "7m" / "a.csv").parent,
        touch(landing / "BTCUSDT" / "1h" / "notes.txt"),
    ]
    assert landing_files(tmp_path) == []
    ignored = ignored_paths(tmp_path)
    assert sorted(entry.path for entry in ignored) == sorted(bad)
    assert all(entry.reason for entry in ignored)
