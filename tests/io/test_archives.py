from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest

from truebar.errors import CorruptDataError, SchemaError, UnreadableFileError, WrongTimeframeError
from truebar.market import validate_klines
from truebar_io.archives import MALFORMED_LINE, read_klines
from truebar_io.delimited import ARCHIVE_COLUMNS

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "vision_archive"
HOUR_MS = 3_600_000
START_MS = 1_735_689_600_000


def archive_lines(n: int = 24, *, factor: int = 1, first: int = 0) -> list[str]:
    """Lines as in an exchange's archive; factor 1000 gives microsecond stamps."""
    lines = []
    for i in range(first, first + n):
        opened = (START_MS + i * HOUR_MS) * factor
        closed = opened + HOUR_MS * factor - 1
        lines.append(f"{opened},100.10,101.50,99.{i % 10}0,100.70,5.125,{closed},512.5,42,2.5,250.1,0")
    return lines


HEADER = ",".join(ARCHIVE_COLUMNS)


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_headerless_archive_and_one_with_header_and_parquet_and_zip_are_the_same_bars(tmp_path: Path) -> None:
    lines = archive_lines()
    bare = write(tmp_path / "bare.csv", "\n".join(lines) + "\n")
    headed = write(tmp_path / "headed.csv", "\n".join([HEADER, *lines]))
    dos = write(tmp_path / "dos.csv", b"\xef\xbb\xbf\r\n" + "\r\n".join([HEADER, *lines, ""]).encode())
    semicolon = write(tmp_path / "semicolon.csv", "\n".join([HEADER, *lines]).replace(",", ";"))
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as packed:
        packed.write(bare, "BTCUSDT-1h.csv")
    bars = read_klines(bare, timeframe="1h").bars
    bars.rename(columns={"trades": "count"}).to_parquet(tmp_path / "table.parquet")
    assert len(bars) == 24
    assert set(bars["source"]) == {"bare.csv"}
    assert bars.loc[3, ["open", "high", "low", "close", "volume"]].tolist() == [
        100.1,
        101.5,
        99.3,
        100.7,
        5.125,
    ]
    assert bars.loc[3, ["quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume"]].tolist() == [
        512.5, 42.0, 2.5, 250.1,
    ]  # fmt: skip
    for path in (headed, dos, semicolon, tmp_path / "packed.zip", tmp_path / "table.parquet"):
        klines = read_klines(path, timeframe="1h")
        assert klines.quarantine.empty
        pd.testing.assert_frame_equal(klines.bars.drop(columns="source"), bars.drop(columns="source"))
        assert set(klines.bars["source"]) == {path.name}


def test_stamps_that_change_from_ms_to_us_inside_a_file_are_each_read_in_their_unit(tmp_path: Path) -> None:
    lines = archive_lines(10) + archive_lines(10, factor=1000, first=10)
    klines = read_klines(write(tmp_path / "mixed.csv", "\n".join(lines)), timeframe="1h")
    assert len(klines.bars) == 20
    assert klines.gaps.empty
    assert klines.bars["open_time"].iloc[-1] == pd.Timestamp("2025-01-01 19:00", tz="UTC")


def test_line_with_another_number_of_cells_is_quarantined_as_it_stands(tmp_path: Path) -> None:
    lines = archive_lines(6)
    lines[5] = lines[5][:40]  # a download cut off
    now = datetime(2026, 1, 1, tzinfo=UTC)
    klines = read_klines(write(tmp_path / "cut.csv", "\n".join(lines)), timeframe="1h", now=now)
    assert klines.quarantine["reason"].tolist() == [MALFORMED_LINE]
    assert json.loads(klines.quarantine["row"][0]) == {"line": lines[5]}
    assert klines.quarantine["seen_at"].tolist() == [pd.Timestamp(now)]
    assert klines.rows_read == 6 == len(klines.bars) + len(klines.quarantine)
    lines[2] = lines[2].replace("101.50", "1.0")
    both = read_klines(write(tmp_path / "both.csv", "\n".join(lines)), timeframe="1h", now=now)
    assert both.quarantine["reason"].tolist() == ["high_below_low", MALFORMED_LINE]
    assert both.quarantine["open_time"].dtype == both.quarantine["seen_at"].dtype == "datetime64[ns, UTC]"


def test_empty_cells_are_missing_and_unreadable_ones_reject_the_row(tmp_path: Path) -> None:
    lines = archive_lines(6)
    lines[1] = lines[1].replace("512.5,42", ",")
    lines[2] = lines[2].replace("5.125", "")
    lines[3] = lines[3].replace("100.10", "oops")
    klines = read_klines(write(tmp_path / "cells.csv", "\n".join(lines)), timeframe="1h")
    assert klines.quarantine["reason"].tolist() == ["missing_volume", "unreadable_number"]
    assert json.loads(klines.quarantine["row"][1])["open"] == "oops"
    assert klines.bars["quote_volume"].isna().tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "\n\n", "has no lines"),
        ("a.parquet", "", "is empty"),
        ("a.csv", "<!DOCTYPE html><html><body>403</body></html>", "holds a web page"),
        ("a.csv", " \n<html>", "holds a web page"),
        ("a.parquet", "<html></html>", "named as a Parquet file and holds a web page"),
        ("a.zip", "<html></html>", "named as a zip archive and holds a web page"),
        ("a.csv", '{"code": -1121}', "holds JSON"),
        ("a.csv", b"PAR1....", "holds a Parquet file"),
        ("a.csv", b"\x1f\x8b\x08", "holds a gzip file"),
        ("a.csv", HEADER.encode("utf-16"), "holds UTF-16"),
        ("a.csv", b"open_time,\xff\xfe,open", "no UTF-8"),
        ("a.csv", HEADER.encode() + b"\n1,\xff,3,4,5,6,7,8,9,10,11,0", "cannot be read as CSV"),
        ("a.csv", "a,b\n" + "\n".join(archive_lines(3)), "3 of 3 lines do not have the 2 cells"),
        ("a.parquet", b"PAR1 cut", "cannot be read as Parquet"),
        ("a.zip", b"PK\x03\x04 cut", "cannot be unpacked"),
        ("a.xlsx", "x", "ends in '.xlsx'"),
        ("a", "x", "ends in 'nothing'"),
    ],
)
def test_unreadable_file_is_named_with_what_it_holds(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(UnreadableFileError, match=message):
        read_klines(write(tmp_path / name, content), timeframe="1h")


def test_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="does not exist"):
        read_klines(tmp_path / "none.csv", timeframe="1h")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UnreadableFileError, match="is a folder"):
        read_klines(str(tmp_path / "folder.csv"), timeframe="1h")


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_truncated_parquet_or_zip_is_refused(tmp_path: Path, share: float) -> None:
    text = "\n".join(archive_lines(200))
    with zipfile.ZipFile(tmp_path / "whole.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.csv", text)
    read_klines(write(tmp_path / "a.csv", text), timeframe="1h").bars.to_parquet(tmp_path / "whole.parquet")
    for suffix in (".zip", ".parquet"):
        content = (tmp_path / f"whole{suffix}").read_bytes()
        cut = write(tmp_path / f"cut{suffix}", content[: int(len(content) * share)])
        with pytest.raises(UnreadableFileError, match=f"cut{suffix}.*(truncated|damaged)"):
            read_klines(cut, timeframe="1h")


@pytest.mark.parametrize("member", ["./k.csv", "a//k.csv", "a/../k.csv", "a/./k.CSV", "[/k].csv"])
def test_zip_is_read_whatever_path_its_csv_has_inside(tmp_path: Path, member: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(member, "\n".join(archive_lines()))
    assert len(read_klines(tmp_path / "a.zip", timeframe="1h").bars) == 24


def test_damaged_zip_content_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("a.csv", "\n".join(archive_lines(200)))
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[500] ^= 1
    with pytest.raises(UnreadableFileError, match="cannot be unpacked"):
        read_klines(write(tmp_path / "a.zip", bytes(content)), timeframe="1h")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.csv": "x", "b.csv": "y"}, "holds 2 CSV files"),
        ({"readme.txt": "x"}, "holds 0 CSV files"),
        ({"a.csv": ""}, "a.csv in a.zip is empty"),
        ({"a.csv": "<html>"}, "a.csv in a.zip is named as CSV text and holds a web page"),
    ],
)
def test_zip_without_one_good_csv_is_refused(tmp_path: Path, members: dict[str, str], message: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        for name, text in members.items():
            packed.writestr(name, text)
    with pytest.raises(UnreadableFileError, match=message):
        read_klines(tmp_path / "a.zip", timeframe="1h")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,100.0,2.0,3,3,1735689600000,True,True\n" * 3, "8 columns.*trades"),
        ("1735689600000,1,2,3,4,5\n", "6 columns"),
        (
            "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n1,1,1,1,1,1,1\n",
            "look like trades",
        ),
        ("calc_time,funding_interval_hours,last_funding_rate\n1,8,0.1\n", "look like funding rates"),
        ("timestamp,open,high,low,close,volume\n1735689600000,1,2,1,2,5\n", "rename it to open_time"),
        (
            "open_time,open,high,low,close\n1735689600000,1,2,1,2\n",
            "volume are missing|volume is missing|volume are",
        ),
    ],
)
def test_file_of_another_kind_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        read_klines(write(tmp_path / "a.csv", text), timeframe="1h")


def test_errors_about_rows_name_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "hours.csv", "\n".join(archive_lines(24)))
    with pytest.raises(WrongTimeframeError, match=r"^hours\.csv: expected 15m bars, found bars 1h apart"):
        read_klines(path, timeframe="15m")
    with pytest.raises(CorruptDataError, match=r"^empty\.csv: expected klines, found no rows"):
        read_klines(write(tmp_path / "empty.csv", HEADER + "\n"), timeframe="1h")


def test_checksum_beside_a_file_must_match(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "\n".join(archive_lines(24)))
    beside = tmp_path / "a.csv.CHECKSUM"
    write(beside, f"{sha256(path.read_bytes()).hexdigest().upper()}  a.csv\n")
    assert len(read_klines(path, timeframe="1h").bars) == 24
    write(beside, "0" * 64 + "  a.csv\n")
    with pytest.raises(UnreadableFileError, match="CHECKSUM says 0000"):
        read_klines(path, timeframe="1h")
    write(beside, "<html>")
    with pytest.raises(UnreadableFileError, match="holds no SHA-256"):
        read_klines(path, timeframe="1h")


def test_folder_named_like_a_column_does_not_become_one(tmp_path: Path) -> None:
    folder = tmp_path / "source=elsewhere"
    folder.mkdir()
    bars = read_klines(write(tmp_path / "a.csv", "\n".join(archive_lines(24))), timeframe="1h").bars
    bars.to_parquet(folder / "a.parquet")
    assert set(read_klines(folder / "a.parquet", timeframe="1h").bars["source"]) == {"a.parquet"}


def test_csv_written_from_bars_reads_back_to_the_same_values(tmp_path: Path) -> None:
    bars = read_klines(write(tmp_path / "a.csv", "\n".join(archive_lines(48))), timeframe="1h").bars
    bars["close"] = bars["close"] + [i / 7e6 for i in range(48)]
    bars.to_csv(tmp_path / "again.csv", index=False)
    again = read_klines(tmp_path / "again.csv", timeframe="1h").bars
    expected = validate_klines(bars, timeframe="1h", source="again.csv").bars
    pd.testing.assert_frame_equal(again, expected, check_exact=True)


@pytest.mark.parametrize(
    ("path", "timeframe", "bars"),
    [
        ("futures/um/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2024-10-28.zip", "1h", 24),
        ("futures/um/monthly/klines/BTCUSDT/5m/BTCUSDT-5m-2025-10.zip", "5m", 8_928),
        ("spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2024-10-28.zip", "1h", 24),
        ("spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2026-05-08.zip", "1h", 24),
        ("spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2020-01-01.zip", "1m", 1_440),
    ],
)
def test_real_archives_are_read_whole(path: str, timeframe: str, bars: int) -> None:
    if not (REAL / path).is_file():
        pytest.skip(f"../shared/data is not there: {path}")
    klines = read_klines(REAL / path, timeframe=timeframe, now=datetime(2026, 11, 21, tzinfo=UTC))
    assert len(klines.bars) == klines.rows_read == bars
    assert klines.quarantine.empty
    assert not klines.bars.isna().any(axis=None)
