from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.io.stamps import stamps
from truebar.errors import (
    ConfigurationError,
    MissingDataError,
    QueryError,
    SchemaError,
    UnknownTableError,
    WarehouseDamagedError,
)
from truebar.partitions import Partition
from truebar_io.warehouse import Warehouse

MakeBars = Callable[..., pd.DataFrame]
KLINES = "market.klines"


@pytest.fixture(scope="module")
def ether() -> Partition:
    return Partition("ETH-USD", "4h")


@pytest.fixture(scope="module")
def filled(tmp_path_factory, hourly, ether, make_bars: MakeBars, make_family: MakeBars) -> Warehouse:
    """Only read by the tests that share it."""
    warehouse = Warehouse(tmp_path_factory.mktemp("home"))
    warehouse.write(hourly, KLINES, make_bars(10))
    warehouse.write(ether, KLINES, make_bars(4, timeframe="4h", level=50))
    warehouse.write(hourly, "features.price", make_family(10, "a", "b"))
    warehouse.write(ether, "features.price", make_family(4, "b", "c", timeframe="4h"))
    return warehouse


@pytest.fixture
def own(filled, tmp_path: Path) -> Warehouse:
    """A copy of `filled` that a test may damage."""
    shutil.copytree(filled.home.path, tmp_path / "own")
    return Warehouse(tmp_path / "own")


def test_read_one_partition_has_no_partition_columns_unless_named(filled, hourly) -> None:
    assert "symbol" not in filled.read("*", KLINES, [hourly])
    named = filled.read(["symbol", "close", "timeframe"], KLINES, [hourly])
    assert list(named.columns) == ["symbol", "close", "timeframe"]
    assert set(named["symbol"]) == {"BTC-USD"}
    assert list(filled.read("close", KLINES, hourly).columns) == ["close"]


def test_read_several_partitions_are_in_the_order_asked(filled, hourly, ether) -> None:
    held = filled.read(["open_time"], KLINES, [ether, hourly])
    assert list(held.columns) == ["symbol", "timeframe", "open_time"]
    assert held["symbol"].tolist() == ["ETH-USD"] * 4 + ["BTC-USD"] * 10
    assert held.groupby("symbol")["open_time"].is_monotonic_increasing.all()
    assert held.index.tolist() == list(range(14))
    assert len(filled.read("*", KLINES)) == 14
    assert len(filled.read("*", KLINES, [ether, ether])) == 4


def test_read_partitions_with_other_columns_are_joined_by_name(filled, hourly, ether) -> None:
    held = filled.read("*", "features.price", [hourly, ether])
    assert set(held.columns) == {"symbol", "timeframe", "open_time", "a", "b", "c"}
    assert held.loc[held["symbol"] == "ETH-USD", "a"].isna().all()
    assert held.loc[held["symbol"] == "ETH-USD", "b"].notna().sum() == 2


def test_read_many_rows_keep_their_order_without_a_sort(warehouse, hourly, make_bars: MakeBars) -> None:
    other = Partition("ETH-USD", "1h")
    warehouse.write(hourly, KLINES, make_bars(150_000, start="2000-01-01"))
    warehouse.write(other, KLINES, make_bars(150_000, start="2000-01-01"))
    held = warehouse.read(["open_time", "volume"], KLINES, [other, hourly])
    assert held["volume"].tolist() == [float(i) for i in range(150_000)] * 2
    assert (held["symbol"] == ["ETH-USD"] * 150_000 + ["BTC-USD"] * 150_000).all()


def test_read_bounds_are_half_open(filled, hourly, make_bars: MakeBars) -> None:
    times = make_bars(10)["open_time"]
    held = filled.read("*", KLINES, [hourly], since=times[3], until=times[6])
    assert held["open_time"].tolist() == times[3:6].tolist()
    naive = filled.read("*", KLINES, [hourly], since="2024-01-01 08:00", until="2024-01-01 09:00")
    assert naive["open_time"].tolist() == [times[8]]
    assert filled.read("*", KLINES, [hourly], since="2030-01-01").empty
    tokyo = pd.Timestamp("2024-01-01 17:00", tz="Asia/Tokyo")
    assert filled.read("*", KLINES, [hourly], since=tokyo)["open_time"].iloc[0] == times[8]


def test_read_bounds_of_a_table_without_times_are_refused(warehouse, hourly) -> None:
    metric = {
        "name": "roc_auc",
        "value": 0.6,
        "no_skill": 0.5,
        "low": None,
        "high": None,
        "n": 7,
        "reason": None,
    }
    warehouse.write(hourly, "xgboost.metrics", pd.DataFrame([metric]))
    with pytest.raises(ConfigurationError, match="no time column"):
        warehouse.read("*", "xgboost.metrics", [hourly], since="2024-01-01")


def test_read_what_is_not_there_says_what_and_where(filled, hourly) -> None:
    with pytest.raises(MissingDataError, match=r"market\.klines is not there yet for SOL-USD 1h"):
        filled.read("*", KLINES, [hourly, Partition("SOL-USD", "1h")])
    with pytest.raises(MissingDataError, match=r"labels\.volatility is not there yet for any partition"):
        filled.read("*", "labels.volatility")
    with pytest.raises(MissingDataError, match=r"features\.context"):
        filled.read("*", "features.context", [hourly])
    with pytest.raises(UnknownTableError, match=r"market\.candles"):
        filled.read("*", "market.candles", [hourly])
    with pytest.raises(SchemaError, match="no column vwap; expected"):
        filled.read(["close", "vwap"], KLINES, [hourly])
    with pytest.raises(SchemaError, match="none was named"):
        filled.read([], KLINES, [hourly])


def test_read_column_names_are_never_sql(filled, hourly) -> None:
    with pytest.raises(SchemaError, match="no column"):
        filled.read(["close from p0.main.klines; --"], KLINES, [hourly])


def test_query_joins_tables_over_partitions(filled) -> None:
    held = filled.query(
        "with last as ("
        "  select symbol, timeframe, max(open_time) as open_time from market.klines group by all"
        ") "
        "select symbol, k.close, p.b, k.open_time from last "
        "join market.klines k using (symbol, timeframe, open_time) "
        "join features.price p using (symbol, timeframe, open_time) order by symbol"
    )
    assert held["symbol"].tolist() == ["BTC-USD", "ETH-USD"]
    assert held["open_time"].dtype == "datetime64[ns, UTC]"
    assert held["open_time"].iloc[0] == pd.Timestamp("2024-01-01 09:00", tz="UTC")


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("from market.klines", 14),
        ('select * from "MARKET"."Klines"', 14),
        ("select * from Market.KLINES where symbol = 'ETH-USD'", 4),
        ("with klines as (select * from market.klines limit 3) from klines", 3),
        ("with recursive t(n) as (select 1 union all select n + 1 from t where n < 5) from t", 5),
        ("describe market.klines", 15),
        ("summarize market.klines", 15),
        ("values (1), (2)", 2),
        ("select 1 as one -- ; drop table x", 1),
        ("select (select max(b) from features.price) as b", 1),
        ("select 1 as one;", 1),
    ],
)
def test_query_read_statements_run(filled, sql: str, rows: int) -> None:
    assert len(filled.query(sql)) == rows


def test_query_numbers_are_plain_numbers(filled) -> None:
    held = filled.query(
        "select count(*) as n, sum(trades) as t, 1.5 as d, date '2024-01-02' as day from market.klines"
    )
    assert [str(dtype) for dtype in held.dtypes] == ["int64", "int64", "float64", "datetime64[ns, UTC]"]
    assert (
        filled.query("select sum(n) as n from (values (9223372036854775807), (1)) as t(n)")["n"][0] == 2.0**63
    )


def test_query_days_and_hours_are_utc_wherever_the_process_runs(filled, monkeypatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        held = filled.query(
            "select hour(open_time) as hour, open_time::varchar as text, date_trunc('day', open_time) as day "
            "from market.klines where symbol = 'BTC-USD' order by open_time desc limit 1"
        )
    finally:
        monkeypatch.undo()
        time.tzset()
    day = pd.Timestamp("2024-01-01", tz="UTC")
    assert held.iloc[0].tolist() == [9, "2024-01-01 09:00:00+00", day]


def test_query_of_partitions_looks_at_these_only(filled, ether) -> None:
    assert filled.query("select distinct symbol from market.klines", [ether])["symbol"].tolist() == [
        "ETH-USD"
    ]
    with pytest.raises(MissingDataError, match=r"market\.klines is not there yet for SOL-USD 1h"):
        filled.query("from market.klines", [Partition("SOL-USD", "1h")])


@pytest.mark.parametrize(
    ("sql", "error", "match"),
    [
        ("selec 1", QueryError, 'syntax error at or near "selec"'),
        ("select 'open", QueryError, "cannot be parsed"),
        ("", QueryError, "found 0"),
        (None, QueryError, "expected a SQL text"),
        ("select " + "(" * 600 + "1" + ")" * 600 + " + 1" * 900, QueryError, "SQL"),
        ("select 1; select 2", QueryError, "found 2"),
        ("select nope from market.klines", QueryError, "nope"),
        ("select no_such_function(close) from market.klines", QueryError, "no_such_function"),
        ("select 'a'::integer", QueryError, "Could not convert"),
        ("show tables", QueryError, "name a table"),
        ("insert into market.klines select * from market.klines", QueryError, "only a SELECT"),
        ("create table x as select 1", QueryError, "only a SELECT"),
        ("drop table market.klines", QueryError, "only a SELECT"),
        ("attach 'x.duckdb'", QueryError, "only a SELECT"),
        ("copy (select 1) to 'stolen.csv'", QueryError, "only a SELECT"),
        ("pragma database_list", QueryError, "only a SELECT"),
        ("set threads = 1", QueryError, "only a SELECT"),
        ("from read_csv('/etc/passwd')", QueryError, "disabled by configuration"),
        ("from read_text('/etc/passwd')", QueryError, "disabled by configuration"),
        ("from glob('/*')", QueryError, "disabled by configuration"),
        ("from '/etc/passwd.parquet'", UnknownTableError, "passwd"),
        ("from klines", UnknownTableError, "'klines'"),
        ("from p0.main.klines", UnknownTableError, r"p0\.main\.klines"),
        ("from information_schema.tables", UnknownTableError, "information_schema"),
        ("from market.candles", UnknownTableError, r"market\.candles"),
        ("from market.gaps", MissingDataError, r"market\.gaps is not there yet for BTC-USD 1h, ETH-USD 4h"),
    ],
)
def test_query_everything_else_is_refused_by_name(filled, sql: str, error, match: str) -> None:
    with pytest.raises(error, match=match):
        filled.query(sql)


def test_query_python_variables_are_no_tables(filled) -> None:
    secret = pd.DataFrame({"a": [1]})
    with pytest.raises(UnknownTableError):
        filled.query("from secret")
    assert len(secret) == 1


def test_query_attaches_only_what_is_named_and_read_only(own, hourly, monkeypatch) -> None:
    """A broken features file is no business of a query of market; what is opened is never writable."""
    (own.root / "BTC-USD" / "1h" / "features.duckdb").write_bytes(b"broken" * 4096)
    opened: list[str] = []
    connect = duckdb.connect

    def spying(*arguments: object, **options: object) -> object:
        opened.append(str(arguments[0]))
        return connect(*arguments, **options)

    monkeypatch.setattr(duckdb, "connect", spying)
    before = stamps(own.root.rglob("*"))
    assert len(own.query("from market.klines")) == 14
    assert len(own.read("*", KLINES, [hourly])) == 10
    assert set(opened) == {":memory:"}
    assert stamps(own.root.rglob("*")) == before
    with pytest.raises(
        WarehouseDamagedError, match=r"BTC-USD/1h/features\.duckdb cannot be read.*Move it away"
    ):
        own.query("from features.price")


def test_query_of_files_that_may_not_be_written_works(own, hourly) -> None:
    for path in own.root.rglob("*.duckdb"):
        path.chmod(0o444)
    assert len(own.query("from market.klines")) == 14


@pytest.mark.parametrize("damage", ["truncated", "overwritten", "empty"])
def test_read_damaged_file_is_named(own, hourly, damage: str) -> None:
    path = own.root / "BTC-USD" / "1h" / "market.duckdb"
    content = path.read_bytes()
    path.write_bytes(
        {"truncated": content[:5000], "overwritten": b"\x7f" * len(content), "empty": b""}[damage]
    )
    for call in (
        lambda: own.read("*", KLINES, [hourly]),
        lambda: own.query("from market.klines"),
        lambda: own.summary(hourly),
    ):
        with pytest.raises(WarehouseDamagedError, match=r"BTC-USD/1h/market\.duckdb"):
            call()


def test_read_rotten_block_is_an_error_and_never_rows(warehouse, hourly, make_bars: MakeBars) -> None:
    """The header is whole, a data block is not: DuckDB's checksum of the block tells."""
    warehouse.write(hourly, KLINES, make_bars(60_000, start="2010-01-01"))
    path = warehouse.root / "BTC-USD" / "1h" / "market.duckdb"
    content = bytearray(path.read_bytes())
    for position in range(20_000, len(content), 5_000):
        content[position] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(WarehouseDamagedError, match=r"market\.duckdb cannot be read"):
        warehouse.read("*", KLINES, [hourly])
    with pytest.raises(WarehouseDamagedError, match=r"market\.duckdb cannot be read"):
        warehouse.query("select avg(close) from market.klines")


def test_read_in_threads_while_one_writes_never_fails(warehouse, hourly, make_bars: MakeBars) -> None:
    warehouse.write(hourly, KLINES, make_bars(100))
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                if len(warehouse.query("from market.klines")) < 100 or not warehouse.summary(hourly):
                    raise AssertionError("rows are missing")
            except BaseException as error:  # noqa: BLE001 (told below)
                failures.append(error)
                return

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(101, 116):
        warehouse.write(hourly, KLINES, make_bars(n))
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []


def test_partitions_and_schemas_are_those_on_disk(own, hourly, ether, tmp_path: Path) -> None:
    for stray in ("notes/1h", "BTC-USD/2h", "BTC-USD/1d"):
        (own.root / stray).mkdir(parents=True)
    (own.root / "notes/1h/x.duckdb").touch()
    assert own.partitions() == [hourly, ether]
    assert own.schemas(hourly) == ["features", "market"]
    assert Warehouse(tmp_path / "nothing").partitions() == []
    assert own.has(hourly, KLINES)
    assert not own.has(hourly, "market.gaps")
    assert own.summary(Partition("SOL-USD", "1h")) == {}
