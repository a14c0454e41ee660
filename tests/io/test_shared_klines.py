"""Real klines of every kind at hand: they run through, nothing good is rejected, and the halts are found."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from truebar.errors import CorruptDataError, SchemaError, UnreadableFileError, WrongTimeframeError
from truebar.market import resample
from truebar.partitions import Partition
from truebar_io.archives import read_klines
from truebar_io.ingest import ingest_data_set
from truebar_io.stages.checks import klines_judgement, quality_of
from truebar_io.warehouse import Warehouse

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there")

NOW = datetime(2026, 11, 25, tzinfo=UTC)
TIMEFRAMES = ("1m", "5m", "15m", "1h")
FILES = [*sorted(DATA.glob("klines/**/*.parquet")), *sorted(DATA.glob("vision_archive/**/klines/**/*.zip"))]
HALTS = [("2025-01-29 01:25", "2025-01-29 01:35", 2), ("2025-08-29 06:20", "2025-08-29 06:35", 3)]


def timeframe_of(path: Path) -> str:
    return next(part for part in reversed(path.parts) if part in TIMEFRAMES)


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_real_klines_are_all_taken(path: Path) -> None:
    klines = read_klines(path, timeframe=timeframe_of(path), now=NOW)
    assert len(klines.quarantine) == 0
    assert len(klines.bars) == klines.rows_read > 0
    assert (klines.duplicates, klines.out_of_order) == (0, 0)
    assert "delisted_tail" not in set(klines.gaps["reason"])


@pytest.mark.parametrize("symbol", ["BTCUSDT", "SOLUSDT", "NEARUSDT"])
def test_halts_of_2025_are_found_in_5m_and_the_15m_bars_around_them_traded(symbol: str) -> None:
    fine = read_klines(DATA / f"klines/binance_um/5m/{symbol}_2025.parquet", timeframe="5m", now=NOW)
    halts = fine.gaps[fine.gaps["reason"] == "halted"]
    assert len(halts) == len(fine.gaps)
    found = [(f"{h.start:%Y-%m-%d %H:%M}", f"{h.end:%Y-%m-%d %H:%M}", h.bars) for h in halts.itertuples()]
    assert found == HALTS
    coarse = read_klines(DATA / f"klines/binance_um/15m/{symbol}_2025.parquet", timeframe="15m", now=NOW)
    assert (len(coarse.bars), len(coarse.gaps)) == (35_040, 0)
    made = resample(fine.bars, to="15m")
    assert made["open_time"].equals(coarse.bars["open_time"])
    assert made["close"].tolist() == coarse.bars["close"].tolist()


def test_monthly_zip_says_the_same_as_the_year_and_is_read_in_ms(tmp_path: Path) -> None:
    partition = Partition("BTCUSDT", "5m")
    month = DATA / "vision_archive/futures/um/monthly/klines/BTCUSDT/5m/BTCUSDT-5m-2025-10.zip"
    store = Warehouse(tmp_path)
    taken = ingest_data_set(store, partition, month, exchange_symbol="BTCUSDT", now=NOW)
    assert [(done.rows_written, done.stamp_units) for done in taken.imported] == [(8_928, "8928 ms")]
    year = DATA / "klines/binance_um/5m/BTCUSDT_2025.parquet"
    taken = ingest_data_set(store, partition, year, exchange_symbol="BTCUSDT", now=NOW)
    assert (taken.imported[0].rows_written, taken.imported[0].rows_revised) == (105_120 - 8_928, 0)
    quality = quality_of(store, partition)
    assert (quality.bars, quality.rejected, quality.gap("halted").bars) == (105_120, {}, 5)
    assert klines_judgement(store, partition, NOW).passed


def test_daily_zips_with_and_without_header_in_ms_and_us_meet_their_checksums(tmp_path: Path) -> None:
    partition = Partition("BTCUSDT-SPOT", "1h")
    folder = DATA / "vision_archive/spot/daily/klines/BTCUSDT/1h"
    store = Warehouse(tmp_path)
    taken = ingest_data_set(store, partition, folder, exchange_symbol="BTCUSDT", now=NOW)
    assert [done.stamp_units for done in taken.imported] == ["24 ms", "24 us", "24 us"]
    assert quality_of(store, partition).checksums_verified == 2
    bars = store.read("*", "market.klines", partition)
    assert len(bars) == 72
    assert bars["taker_buy_volume"].notna().all()
    header = DATA / "vision_archive/futures/um/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2024-10-28.zip"
    assert len(read_klines(header, timeframe="1h", now=NOW).bars) == 24


def test_other_archives_are_refused_by_what_they_hold() -> None:
    archive = DATA / "vision_archive"
    for path, error, named in (
        ("spot/daily/aggTrades/PEPEUSDT/PEPEUSDT-aggTrades-2024-10-27.zip", SchemaError, "aggTrades"),
        (
            "futures/cm/daily/aggTrades/BTCUSD_PERP/BTCUSD_PERP-aggTrades-2026-05-08.zip",
            SchemaError,
            "aggTrades",
        ),
        ("futures/um/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2026-04.zip", SchemaError, "funding"),
        ("spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2020-01-01.zip", WrongTimeframeError, "look like 1m"),
    ):
        with pytest.raises(error, match=named):
            read_klines(archive / path, timeframe="15m", now=NOW)


def test_wrong_checksum_beside_a_real_archive_is_refused(tmp_path: Path) -> None:
    real = DATA / "vision_archive/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2020-01-01.zip"
    copy = tmp_path / real.name
    copy.write_bytes(real.read_bytes())
    beside = tmp_path / f"{real.name}.CHECKSUM"
    beside.write_bytes(real.with_name(beside.name).read_bytes())
    assert len(read_klines(copy, timeframe="1m", now=NOW).bars) == 1_440
    beside.write_text(f"{'0' * 64}  {real.name}\n")
    with pytest.raises(UnreadableFileError, match="CHECKSUM says 0000"):
        read_klines(copy, timeframe="1m", now=NOW)


def test_folder_of_three_real_markets_is_refused_as_a_whole(tmp_path: Path) -> None:
    store, partition = Warehouse(tmp_path), Partition("BTCUSDT", "15m")
    with pytest.raises(CorruptDataError, match="named after 3 markets"):
        ingest_data_set(store, partition, DATA / "klines/binance_um/15m", exchange_symbol="BTCUSDT", now=NOW)
    assert not store.has(partition, "market.klines")


def test_real_year_as_csv_in_any_unit_or_order_gives_the_same_bars(tmp_path: Path) -> None:
    path = DATA / "klines/binance_um/15m/NEARUSDT_2025.parquet"
    year = read_klines(path, timeframe="15m", now=NOW).bars
    rows = pd.read_parquet(path).head(3_000)
    stamps = rows["open_time"].astype("datetime64[ns, UTC]").astype("int64")
    mixed = (stamps // 1_000_000).where(rows.index < 1_000, stamps // 1_000)  # ms, then us
    shuffled = rows.assign(open_time=mixed).drop(columns="close_time").sample(frac=1, random_state=7)
    shuffled.to_csv(tmp_path / "mixed.csv", index=False)
    klines = read_klines(tmp_path / "mixed.csv", timeframe="15m", now=NOW)
    assert dict(klines.stamp_units) == {"ms": 1_000, "us": 2_000}
    assert klines.out_of_order > 2_000
    columns = ["open_time", "open", "high", "low", "close", "volume", "taker_buy_volume", "trades"]
    assert klines.bars[columns].equals(year.head(3_000)[columns])
