"""A user's own data on the command line: what is taken, what is refused, and that nothing is half done."""

from __future__ import annotations

import errno
import io
import json
import shutil
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.bars import bars_of
from truebar.partitions import Partition
from truebar_apps.cli import graph
from truebar_apps.cli.checkout import MARKERS, require_checkout
from truebar_apps.cli.stage_clock import StageClock
from truebar_io.configuration import load_configuration
from truebar_io.home import Home
from truebar_io.lease import Lease
from truebar_io.warehouse import Warehouse

PARTITION = Partition("BTCUSDT", "15m")
WHERE = ("--symbol", "BTCUSDT", "--timeframe", "15m")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("TRUEBAR_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir()
    return path


def klines(n: int = 200, *, minutes: int = 15, start: str = "2025-01-01", seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.002, n)))
    return bars_of(close, start=start, step=f"{minutes}min").assign(volume=random.lognormal(3, 0.5, n))


def archive(path: Path, frame: pd.DataFrame, *, header: bool = False, unit: str = "ms") -> Path:
    """Write klines as an exchange archives them: one CSV of twelve columns in a zip."""
    ticks = frame["open_time"].dt.as_unit("ns").astype("int64") // {"ms": 10**6, "us": 10**3}[unit]
    step = int(ticks.iloc[1] - ticks.iloc[0])
    rows = frame.assign(open_time=ticks, close_time=ticks + step - 1, quote_volume=1.0, count=1)
    rows = rows.assign(taker_buy_volume=0.0, taker_buy_quote_volume=0.0, ignore=0)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(f"{path.stem}.csv", rows.to_csv(index=False, header=header))
    return path


def checksum(path: Path, digest: str | None = None) -> None:
    digest = digest or sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.CHECKSUM").write_text(f"{digest}  {path.name}\n")


def agg_trades(path: Path) -> Path:
    rows = "\n".join(f"{i},100.0,1.5,{i},{i},{1735689600000 + i},True,True" for i in range(500))
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(f"{path.stem}.csv", rows)
    return path


def nothing_was_done(home: Home) -> bool:
    return not home.warehouse.exists() and not home.dagster.exists() and not home.models.exists()


def test_import_folder_of_archives_with_and_without_header_in_two_units(home, folder, truebar):
    first = archive(folder / "BTCUSDT-15m-2025-01.zip", klines(200), header=True)
    checksum(first)
    second = klines(150, start="2025-01-03 02:00", seed=2)
    archive(folder / "BTCUSDT-15m-2025-02.zip", second, unit="us")
    (folder / "README.md").write_text("not data")
    code, out, err = truebar("import", str(folder), *WHERE, "--json")
    assert code == 0, err
    told = json.loads(out)
    assert (told["rows_read"], told["rows_written"], told["rows_quarantined"]) == (350, 350, 0)
    assert [done["stamp_units"] for done in told["files"]] == ["200 ms", "150 us"]
    assert [done["checksum_verified"] for done in told["files"]] == [True, False]
    assert Warehouse(home).summary(PARTITION)["market.klines"].rows == 350
    code, out, _ = truebar("import", str(folder), *WHERE, "--json")
    again = json.loads(out)
    assert (code, again["rows_written"], again["already_imported"]) == (0, 0, True)


def test_import_folder_in_which_a_file_reaches_further_takes_its_bar_for_a_frozen_one(home, folder, truebar):
    whole = klines(200)
    frozen = whole.head(100).copy()
    frozen.loc[99, ["close", "volume"]] = [frozen.loc[99, "open"], 0.5]
    frozen.to_parquet(folder / "b_exported_first.parquet", index=False)
    whole.tail(101).to_parquet(folder / "a_exported_later.parquet", index=False)
    code, out, err = truebar("import", str(folder), *WHERE, "--json")
    assert code == 0, err
    assert json.loads(out)["rows_revised"] == 1
    stored = Warehouse(home).read(["close"], "market.klines", PARTITION)["close"]
    assert stored.tolist() == whole["close"].tolist()


def test_import_folder_takes_what_it_can_and_names_the_rest(home, folder, truebar):
    klines().to_csv(folder / "good.csv", index=False)
    (folder / "page.csv").write_text("<!DOCTYPE html><html></html>")
    agg_trades(folder / "trades.zip")
    code, out, err = truebar("import", str(folder), *WHERE, "--json")
    assert code == 2
    told = json.loads(out)
    assert told["rows_written"] == 200
    assert set(told["refused"]) == {"page.csv", "trades.zip"}
    assert "web page" in err
    assert "aggTrades" in err
    assert Warehouse(home).summary(PARTITION)["market.klines"].rows == 200


def truncated_zip(folder: Path) -> Path:
    path = archive(folder / "a.zip", klines())
    path.write_bytes(path.read_bytes()[:-200])
    return path


def truncated_parquet(folder: Path) -> Path:
    path = folder / "a.parquet"
    klines().to_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])
    return path


def damaged_inside(folder: Path) -> Path:
    path = archive(folder / "a.zip", klines())
    content = bytearray(path.read_bytes())
    content[2_000:2_050] = bytes(50)
    path.write_bytes(content)
    return path


def wrong_checksum(folder: Path) -> Path:
    path = archive(folder / "a.zip", klines())
    checksum(path, "0" * 64)
    return path


def two_timeframes(folder: Path) -> Path:
    archive(folder / "a.zip", klines())
    archive(folder / "b.zip", klines(minutes=5))
    return folder


def two_markets_by_name(folder: Path) -> Path:
    archive(folder / "BTCUSDT-15m-2025-01.zip", klines())
    archive(folder / "ETHUSDT-15m-2025-01.zip", klines(seed=2))
    return folder


def two_markets_by_content(folder: Path) -> Path:
    klines().to_csv(folder / "a.csv", index=False)
    klines(seed=2).to_csv(folder / "b.csv", index=False)
    return folder


def written(name: str, text: str):
    def make(folder: Path) -> Path:
        (folder / name).write_text(text)
        return folder / name

    return make


def with_rows(change):
    def make(folder: Path) -> Path:
        change(klines()).to_csv(folder / "a.csv", index=False)
        return folder / "a.csv"

    return make


BAD = {
    "no such path": (lambda folder: folder / "gone.csv", "UnreadableFileError", "does not exist"),
    "a folder without klines": (lambda folder: folder, "UnreadableFileError", "holds no file that ends"),
    "an empty file": (written("a.csv", ""), "UnreadableFileError", "is empty"),
    "a web page saved as CSV": (written("a.csv", "<html></html>"), "UnreadableFileError", "web page"),
    "another kind of file": (written("a.xlsx", "x"), "UnreadableFileError", "ends in '.xlsx'"),
    "a truncated Parquet": (truncated_parquet, "UnreadableFileError", "truncated or damaged"),
    "a truncated zip": (truncated_zip, "UnreadableFileError", "truncated"),
    "a zip damaged inside": (damaged_inside, "UnreadableFileError", "cannot be unpacked"),
    "a wrong CHECKSUM": (wrong_checksum, "UnreadableFileError", "its CHECKSUM says"),
    "aggTrades": (lambda folder: agg_trades(folder / "a.zip"), "SchemaError", "aggTrades"),
    "columns missing": (with_rows(lambda f: f.drop(columns=["high", "low"])), "SchemaError", "high, low"),
    "another timeframe": (
        with_rows(lambda f: f.iloc[::4]),
        "WrongTimeframeError",
        "expected 15m bars, found bars 1h apart",
    ),
    "two timeframes in one folder": (two_timeframes, "WrongTimeframeError", "b.zip: expected 15m"),
    "two markets by name": (two_markets_by_name, "CorruptDataError", "named after 2 markets"),
    "two markets by content": (two_markets_by_content, "CorruptDataError", "close apart in"),
    "negative prices": (
        with_rows(lambda f: f.assign(low=-f["low"])),
        "CorruptDataError",
        "non_positive_price",
    ),
    "bars of the future": (
        with_rows(lambda f: f.assign(open_time=f["open_time"] + pd.Timedelta(days=36_500))),
        "FutureBarError",
        "closed bar yet",
    ),
}


@pytest.mark.parametrize("command", [("import",), ("demo", "--data")], ids=["import", "demo"])
@pytest.mark.parametrize("case", BAD)
def test_bad_data_is_refused_by_name_and_nothing_is_written(home, folder, truebar, case, command):
    make, error, named = BAD[case]
    code, out, err = truebar(*command, str(make(folder)), *WHERE, "--json")
    assert (code, out) == (2, "")
    assert err.startswith(f"{error}: ")
    assert named in err
    assert nothing_was_done(home)


@pytest.mark.parametrize("case", ["a truncated zip", "two timeframes in one folder", "a wrong CHECKSUM"])
def test_bad_data_leave_what_is_there_as_it_was(home, folder, tmp_path, truebar, case):
    good = tmp_path / "good.csv"
    klines().to_csv(good, index=False)
    assert truebar("import", str(good), *WHERE)[0] == 0
    store = Warehouse(home)
    before = store.summary(PARTITION)["market.klines"].digest
    assert truebar("import", str(BAD[case][0](folder)), *WHERE)[0] == 2
    assert store.summary(PARTITION)["market.klines"].digest == before
    assert store.diagnose() == []


@pytest.mark.parametrize(
    ("symbol", "timeframe", "error"),
    [
        ("../../x", "15m", "InvalidSymbolError"),
        ("btcusdt", "15m", "InvalidSymbolError"),
        ("BTCUSDT", "7m", "UnknownTimeframeError"),
        ("BTCUSDT-NOWHERE", "15m", "ConfigurationError"),
        ("SYN-EDGE", "15m", "ConfigurationError"),
    ],
)
@pytest.mark.parametrize("command", [("import",), ("demo", "--data")], ids=["import", "demo"])
def test_symbol_or_timeframe_that_is_none_is_refused(
    home, folder, truebar, command, symbol, timeframe, error
):
    klines().to_csv(folder / "a.csv", index=False)
    where = ("--symbol", symbol, "--timeframe", timeframe)
    code, _, err = truebar(*command, str(folder / "a.csv"), *where)
    assert code == 2
    assert err.startswith(error)
    assert nothing_was_done(home)


def test_typo_in_a_configuration_file_is_refused_before_anything_is_done(
    home, folder, tmp_path, truebar, monkeypatch
):
    checkout = tmp_path / "checkout"
    for name in MARKERS:
        shutil.copyfile(require_checkout() / name, _made(checkout / name))
    _made(checkout / "configs" / "data.yaml").write_text("labels:\n  horizon: {15m: 4}\n")
    monkeypatch.chdir(checkout)
    klines().to_csv(folder / "a.csv", index=False)
    for command in (("import",), ("demo", "--data")):
        code, _, err = truebar(*command, str(folder / "a.csv"), *WHERE)
        assert code == 2
        assert "configs/data.yaml line 2: labels.horizon is no setting. Did you mean horizons?" in err
    assert nothing_was_done(home)


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_partition_that_a_run_holds_is_busy(home, folder, truebar):
    klines().to_csv(folder / "a.csv", index=False)
    lease = Lease.acquire(home, PARTITION, "the other run")
    for command in (("import",), ("demo", "--data")):
        code, _, err = truebar(*command, str(folder / "a.csv"), *WHERE)
        assert code == 75
        assert "being worked on by run the other run" in err
    lease.release()
    assert not home.warehouse.exists()


def test_full_disk_on_import_is_told_and_keeps_what_was_there(home, folder, truebar, monkeypatch):
    klines(100).to_csv(folder / "a.csv", index=False)
    assert truebar("import", str(folder / "a.csv"), *WHERE)[0] == 0

    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("truebar_io.warehouse.publish.sync", full)
    klines().to_csv(folder / "b.csv", index=False)
    code, _, err = truebar("import", str(folder / "b.csv"), *WHERE)
    assert code == 75
    assert err.startswith("StorageFullError")
    store = Warehouse(home)
    assert store.summary(PARTITION)["market.klines"].rows == 100
    assert store.diagnose() == []


@pytest.mark.parametrize("arguments", [("--data", "a.csv"), ("--symbol", "BTCUSDT"), ("--timeframe", "15m")])
def test_demo_on_half_of_what_it_needs_is_refused(home, truebar, arguments):
    code, _, err = truebar("demo", *arguments)
    assert code == 2
    assert "SYMBOL=BTCUSDT TIMEFRAME=15m" in " ".join(err.split())
    assert nothing_was_done(home)


def test_demo_on_24_bars_imports_them_and_refuses_to_train(home, folder, truebar):
    klines(24).to_csv(folder / "a.csv", index=False)
    code, out, err = truebar("demo", "--data", str(folder / "a.csv"), *WHERE)
    assert code == 2
    assert "TooFewRowsError: BTCUSDT 15m has 24 bars; expected at least 5,000" in err
    assert "24 bars, 2025-01-01 00:00" in out
    assert Warehouse(home).summary(PARTITION)["market.klines"].rows == 24
    assert not home.dagster.exists()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda f: f.assign(open=100.0, high=100.0, low=100.0, close=100.0), "the price is the same in all"),
        (lambda f: f.assign(volume=0.0), "nothing traded"),
        (lambda f: f.drop(index=range(2_000, 3_000)), "of the bars are missing"),
    ],
    ids=["constant prices", "zero volume", "a month missing"],
)
def test_demo_on_bars_that_nothing_can_be_built_on_is_refused_before_training(
    home, folder, truebar, change, named
):
    change(klines(6_500)).to_parquet(folder / "a.parquet", index=False)
    code, _, err = truebar("demo", "--data", str(folder / "a.parquet"), *WHERE)
    assert code == 2
    assert "CorruptDataError: BTCUSDT 15m is not fit to train on" in err
    assert named in err
    assert not home.dagster.exists()


def test_demo_on_own_data_works_on_that_partition_alone_then_tells_what_was_refused(
    home, folder, truebar, monkeypatch
):
    worked_on: list[tuple[list[Partition], bool, int]] = []

    def work_on(partitions, *, json, imported):
        worked_on.append((partitions, json, imported["rows_written"]))

    monkeypatch.setattr(graph, "_work_on", work_on)
    klines(5_000).to_parquet(folder / "good.parquet", index=False)
    (folder / "bad.csv").write_text("")
    code, out, err = truebar("demo", "--data", str(folder), *WHERE)
    assert worked_on == [([PARTITION], False, 5_000)]
    assert code == 2
    assert "5,000 bars" in out
    assert err.count("bad.csv is empty") == 2  # before the work, and as the reason of the exit status


class NothingLeft:
    """A session that finds its partitions up to date."""

    def __init__(self, home: Home) -> None:
        self.home, self.settings, self.clock = home, load_configuration(environment={}), StageClock()

    def bring_up_to_date(self, partitions, *, quiet, retrain):
        return {"refreshed": 0, "trained": 0, "redrawn": 0, "klines_written": 7}, {}


def test_demo_on_own_data_tells_what_was_imported_refused_and_quarantined(home, folder, truebar, monkeypatch):
    monkeypatch.setattr(graph, "_start", lambda _: NothingLeft(home))
    frame = klines(5_010)
    frame.loc[:9, "high"] = frame.loc[:9, "low"] / 2
    frame.to_parquet(folder / "good.parquet", index=False)
    (folder / "bad.csv").write_text("")
    code, out, err = truebar("demo", "--data", str(folder), *WHERE, "--json")
    assert code == 2, err
    told = json.loads(out)
    assert told["klines_written"] == 5_007
    imported = told["imported"]
    assert (imported["rows_written"], imported["rows_quarantined"]) == (5_000, 10)
    assert [done["source"] for done in imported["files"]] == ["good.parquet"]
    assert "is empty" in imported["refused"]["bad.csv"]
    code, out, _ = truebar("demo", "--data", str(folder / "good.parquet"), *WHERE)
    assert code == 0
    assert "7 klines written, 0 partitions refreshed" in out
    assert "BTCUSDT 15m is a perpetual: its funding is not counted yet" in out


def test_demo_on_a_spot_market_of_ones_own_says_nothing_of_funding(home, folder, truebar, monkeypatch):
    monkeypatch.setattr(graph, "_start", lambda _: NothingLeft(home))
    klines(5_000).to_parquet(folder / "a.parquet", index=False)
    where = ("-s", "BTCUSDT-SPOT", "-t", "15m")
    code, out, err = truebar("demo", "--data", str(folder / "a.parquet"), *where)
    assert code == 0, err
    assert "funding" not in out


def test_demo_on_too_few_bars_tells_scripts_what_was_imported_all_the_same(home, folder, truebar):
    klines(24).to_csv(folder / "a.csv", index=False)
    code, out, _ = truebar("demo", "--data", str(folder / "a.csv"), *WHERE, "--json")
    assert code == 2
    told = json.loads(out)
    assert (told["klines_written"], told["trained"], told["imported"]["rows_written"]) == (24, 0, 24)
    assert "expected at least 5,000" in told["failed"]["BTCUSDT|15m"]


NAMES = ("x[/old].csv", "k[bold].csv", "[/].csv", "a:cat:.csv", "end\\.csv")
"""Each is something else to rich: a tag that closes, one that opens, a picture, an escape."""


@pytest.mark.parametrize("name", NAMES)
def test_names_of_files_are_printed_as_they_are(home, folder, truebar, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "200")
    for file in (folder / name, folder / f"bad{name}"):
        file.parent.mkdir(exist_ok=True)
    klines(100).to_csv(folder / name, index=False)
    (folder / f"bad{name}").write_text("")
    code, out, err = truebar("import", str(folder), *WHERE)
    assert code == 2
    assert f"refused bad{name}: " in err
    assert out.startswith(f"BTCUSDT 15m from {Path(name).name}")
    code, out, err = truebar("import", str(folder / f"bad{name}"), *WHERE)
    assert (code, err.split(" is empty")[0]) == (2, f"UnreadableFileError: {Path(f'bad{name}').name}")


def test_columns_and_values_of_a_query_are_printed_as_they_are(home, folder, truebar):
    klines(100).to_csv(folder / "a.csv", index=False)
    truebar("import", str(folder / "a.csv"), *WHERE)
    query = "select '[/red]:cat:' as \"[/x]\" from market.klines limit 1"
    code, out, err = truebar("sql", query)
    assert code == 0, err
    assert [line.strip() for line in out.splitlines() if "[" in line] == ["[/x]", "[/red]:cat:"]


def test_home_with_brackets_in_its_name_is_printed_as_it_is(tmp_path, truebar, monkeypatch):
    monkeypatch.setenv("TRUEBAR_HOME", str(tmp_path / "my[/home]"))
    code, out, err = truebar("doctor")
    assert code == 0, err
    assert "my[/home]: nothing wrong" in out


def test_import_counts_an_open_candle_and_the_later_export_closes_it(home, folder, truebar):
    now = pd.Timestamp(datetime.now(UTC)).floor("15min")
    frame = klines(100).assign(open_time=pd.date_range(end=now, periods=100, freq="15min"))
    frame.to_parquet(folder / "a.parquet", index=False)
    code, out, err = truebar("import", str(folder / "a.parquet"), *WHERE, "--json")
    assert code == 0, err
    assert (json.loads(out)["rows_written"], json.loads(out)["rows_quarantined"]) == (99, 1)
    query = "select reason, count(*) as n from market.quarantine group by all"
    assert json.loads(truebar("sql", query, "--json")[1]) == [{"reason": "open_candle", "n": 1}]


def test_export_without_a_name_goes_to_the_home(home, folder, truebar):
    klines(50).to_csv(folder / "a.csv", index=False)
    truebar("import", str(folder / "a.csv"), *WHERE)
    code, out, err = truebar("export", "market.klines", "--json")
    assert code == 0, err
    target = home.path / "exports" / "market.klines.parquet"
    assert json.loads(out)["file"] == str(target)
    assert len(pd.read_parquet(io.BytesIO(target.read_bytes()))) == 50
