from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from truebar.errors import (
    ConfigurationError,
    MissingDataError,
    SchemaError,
    StorageFullError,
    UnknownTableError,
)
from truebar.partitions import Partition
from truebar_io.warehouse import Warehouse, copy_tables, read_workbench

MakeBars = Callable[..., pd.DataFrame]
KLINES = "market.klines"


@pytest.fixture
def ether() -> Partition:
    return Partition("ETH-USD", "4h")


@pytest.fixture
def filled(warehouse, hourly, ether, make_bars: MakeBars) -> Warehouse:
    warehouse.write(hourly, KLINES, make_bars(10))
    warehouse.write(ether, KLINES, make_bars(4, timeframe="4h"))
    return warehouse


@pytest.fixture
def path(warehouse) -> Path:
    return warehouse.home.workbench / "run" / "workbench.duckdb"


def test_workbench_brings_rows_there_and_back(filled, hourly, ether, path: Path) -> None:
    copy_tables(filled, [hourly, ether], [KLINES], path)

    with duckdb.connect(str(path)) as dbt:
        dbt.execute("create schema features")
        dbt.execute(
            "create table features.context as "
            "select symbol, timeframe, open_time, (high - low)::float as spread "
            "from market.klines order by open_time desc"
        )
    held = read_workbench(path, "features.context")

    assert set(held) == {hourly, ether}
    assert list(held[hourly].columns) == ["open_time", "spread"]
    assert held[ether].index.tolist() == [0, 1, 2, 3]
    for partition, frame in held.items():
        assert filled.write(partition, "features.context", frame).rows == len(frame)
    assert sorted(file.name for file in path.parent.iterdir()) == ["workbench.duckdb"]


def test_workbench_holds_only_what_was_asked_for(filled, hourly, path: Path) -> None:
    copy_tables(filled, [hourly], [KLINES], path)
    held = read_workbench(path, KLINES)
    pd.testing.assert_frame_equal(held[hourly], filled.read("*", KLINES, [hourly]))
    assert set(held) == {hourly}


def test_workbench_that_exists_is_never_overwritten(filled, hourly, path: Path) -> None:
    copy_tables(filled, [hourly], [KLINES], path)
    with pytest.raises(ConfigurationError, match="exists"):
        copy_tables(filled, [hourly], [KLINES], path)


def test_workbench_missing_table_is_named_and_no_file_is_left(filled, hourly, path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"market\.gaps is not there yet for BTC-USD 1h"):
        copy_tables(filled, [hourly], [KLINES, "market.gaps"], path)
    assert not path.exists()
    with pytest.raises(UnknownTableError):
        copy_tables(filled, [hourly], ["market.candles"], path)
    with pytest.raises(ConfigurationError, match="at least one"):
        copy_tables(filled, [], [KLINES], path)


def test_workbench_without_room_leaves_no_file(filled, hourly, path: Path, monkeypatch) -> None:
    def full(*_: object) -> str:
        raise duckdb.IOException("No space left on device")

    monkeypatch.setattr("truebar_io.warehouse.workbench.relation", full)
    with pytest.raises(StorageFullError):
        copy_tables(filled, [hourly], [KLINES], path)
    assert not path.exists()


def test_read_workbench_what_is_not_there_is_named(filled, hourly, path: Path) -> None:
    with pytest.raises(MissingDataError, match="does not exist"):
        read_workbench(path, "features.context")
    copy_tables(filled, [hourly], [KLINES], path)
    with pytest.raises(MissingDataError, match=r"features\.context is not in the workbench"):
        read_workbench(path, "features.context")
    with duckdb.connect(str(path)) as dbt:
        dbt.execute("create schema features; create table features.context as select 1 as a")
    with pytest.raises(SchemaError, match="lacks symbol or timeframe"):
        read_workbench(path, "features.context")
