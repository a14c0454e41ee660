from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from truebar.errors import (
    ConfigurationError,
    WarehouseDamagedError,
)
from truebar.partitions import Partition
from truebar_io.warehouse import Warehouse

MakeBars = Callable[..., pd.DataFrame]
KLINES = "market.klines"


def published(warehouse: Warehouse, partition: Partition, name: str = "market.duckdb") -> Path:
    return warehouse.root / partition.symbol / partition.timeframe / name


def stored_order(path: Path, table: str, column: str) -> list[int]:
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{path}' as p (read_only)")
        rows = connection.execute(f"select epoch_us({column}) from p.main.{table} order by rowid").fetchall()
    return [row[0] for row in rows]


def test_write_bars_come_back_as_they_were(warehouse, hourly, make_bars: MakeBars) -> None:
    bars = make_bars(50)

    result = warehouse.write(hourly, KLINES, bars, made_from="a file")

    assert (result.table, result.rows_written, result.rows) == (KLINES, 50, 50)
    assert result.watermark == bars["open_time"].iloc[-1]
    held = warehouse.read("*", KLINES, [hourly])
    assert held["open_time"].dtype == "datetime64[ns, UTC]"
    expected = bars.assign(trades=bars["trades"].astype("float64"))
    pd.testing.assert_frame_equal(held[list(bars.columns)], expected)
    assert warehouse.summary(hourly)[KLINES].made_from == "a file"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sets(st.integers(0, 40), min_size=1), min_size=1, max_size=4))
def test_write_append_is_an_upsert_in_time_order(tmp_path_factory, make_bars: MakeBars, writes) -> None:
    warehouse = Warehouse(tmp_path_factory.mktemp("home"))
    partition = Partition("BTC-USD", "1h")
    expected: dict[pd.Timestamp, float] = {}
    for level, chosen in enumerate(writes, start=50):
        frame = make_bars(41, level=float(level)).iloc[sorted(chosen)]
        result = warehouse.write(partition, KLINES, frame)
        expected |= dict(zip(frame["open_time"], frame["close"], strict=True))
        assert result.rows_written == len(chosen)
        assert result.rows == len(expected)

    held = warehouse.read("*", KLINES, partition)
    assert held["open_time"].tolist() == sorted(expected)
    assert held["close"].tolist() == [expected[time] for time in sorted(expected)]
    order = stored_order(published(warehouse, partition), "klines", "open_time")
    assert order == sorted(order)


def test_write_replace_leaves_nothing_of_the_old_rows(warehouse, hourly, make_bars: MakeBars) -> None:
    warehouse.write(hourly, KLINES, make_bars(30))
    later = make_bars(5, start="2025-01-01", level=7)

    result = warehouse.write(hourly, KLINES, later, mode="replace")

    assert result.rows == 5
    assert warehouse.read("*", KLINES, [hourly])["close"].tolist() == later["close"].tolist()


def test_write_replace_may_change_the_columns(warehouse, hourly, make_family: MakeBars) -> None:
    warehouse.write(hourly, "features.price", make_family(5, "a", "b"))
    warehouse.write(hourly, "features.price", make_family(5, "b", "c"), mode="replace")

    assert list(warehouse.read("*", "features.price", [hourly]).columns) == ["open_time", "b", "c"]


def test_write_missing_values_of_every_kind_are_null(warehouse, hourly, make_bars: MakeBars) -> None:
    bars = make_bars(4).assign(
        quote_volume=[1.5, np.nan, None, 2.5], taker_buy_volume=None, source=["a", None, np.nan, pd.NA]
    )

    warehouse.write(hourly, KLINES, bars)

    counted = warehouse.query(
        "select count(quote_volume) as q, count(taker_buy_volume) as t, count(source) as s, "
        "count(taker_buy_quote_volume) as absent, count(*) filter (where isnan(quote_volume)) as nan "
        "from market.klines"
    )
    assert counted.iloc[0].tolist() == [2, 0, 1, 0, 0]
    held = warehouse.read(["quote_volume", "taker_buy_volume", "source"], KLINES, [hourly])
    assert held["quote_volume"].isna().tolist() == [False, True, True, False]
    assert held["taker_buy_volume"].isna().all()
    assert held["source"].isna().tolist() == [False, True, True, True]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_write_times_of_any_unit_and_zone_are_the_same_moments(
    warehouse, hourly, make_bars: MakeBars, unit, zone
) -> None:
    bars = make_bars(3)
    given_bars = bars.copy()
    for column in ("open_time", "close_time"):
        times = bars[column].dt.as_unit(unit)
        given_bars[column] = times.dt.tz_localize(None) if zone is None else times.dt.tz_convert(zone)

    warehouse.write(hourly, KLINES, given_bars)

    assert warehouse.read("*", KLINES, [hourly])["open_time"].tolist() == bars["open_time"].tolist()


def test_write_features_are_stored_as_single_precision(warehouse, hourly, make_family: MakeBars) -> None:
    frame = make_family(10, "a")
    warehouse.write(hourly, "features.price", frame)

    held = warehouse.read("*", "features.price", [hourly])
    assert held["a"].dtype == np.float32
    np.testing.assert_array_equal(held["a"], frame["a"].astype(np.float32))


def test_write_labels_by_composite_key_upserts_and_sorts(warehouse, hourly, make_bars: MakeBars) -> None:
    def labels(horizon: int, label: int) -> pd.DataFrame:
        open_time = make_bars(4)["open_time"]
        return pd.DataFrame(
            {
                "open_time": open_time,
                "horizon_bars": horizon,
                "estimator": "atr",
                "k": 1.0,
                "sigma": 0.1,
                "tau": 0.2,
                "future_return": np.nan,
                "label": pd.array([label, None, label, label], dtype="Int8"),
                "label_end": open_time + pd.Timedelta(hours=horizon + 1),
            }
        )

    warehouse.write(hourly, "labels.vol_scaled", pd.concat([labels(8, 1), labels(4, 1)]))
    result = warehouse.write(hourly, "labels.vol_scaled", labels(4, -1))

    assert result.rows == 8
    held = warehouse.read("*", "labels.vol_scaled", [hourly])
    assert held["horizon_bars"].tolist() == [4, 8] * 4
    assert held["label"].fillna(0).tolist() == [-1, 1, 0, 0, -1, 1, -1, 1]


def test_write_empty_frame_makes_the_table_and_changes_no_rows(
    warehouse, hourly, make_bars: MakeBars
) -> None:
    result = warehouse.write(hourly, KLINES, make_bars(0))
    assert (result.rows, result.watermark) == (0, None)
    warehouse.write(hourly, KLINES, make_bars(3))
    assert warehouse.write(hourly, KLINES, make_bars(0)).rows == 3
    assert warehouse.write(hourly, KLINES, make_bars(0), mode="replace").rows == 0
    assert warehouse.read("*", KLINES, [hourly]).empty


def test_write_does_not_change_its_argument(warehouse, hourly, make_bars: MakeBars) -> None:
    bars = make_bars(5)
    before = bars.copy(deep=True)
    warehouse.write(hourly, KLINES, bars)
    pd.testing.assert_frame_equal(bars, before)


def test_write_leaves_other_tables_of_the_file_alone(warehouse, hourly, make_family: MakeBars) -> None:
    warehouse.write(hourly, "features.price", make_family(6, "a"), made_from="one")
    before = warehouse.summary(hourly)["features.price"]
    warehouse.write(hourly, "features.context", make_family(9, "b"), made_from="two")

    assert warehouse.summary(hourly)["features.price"] == before
    assert len(warehouse.read("*", "features.price", [hourly])) == 6


def test_write_tables_mode_by_table_appends_one_and_replaces_another(
    warehouse, hourly, make_bars: MakeBars
) -> None:
    bars = make_bars(6)
    gaps = pd.DataFrame(
        {
            "start": bars["open_time"][:2],
            "end": bars["close_time"][:2],
            "bars": [1, 1],
            "reason": ["missing", "halted"],
        }
    )
    modes = {"market.gaps": "replace"}
    warehouse.write_tables(hourly, {KLINES: bars[:3], "market.gaps": gaps}, mode=modes)
    warehouse.write_tables(hourly, {KLINES: bars[3:], "market.gaps": gaps[1:]}, mode=modes)
    assert len(warehouse.read("*", KLINES, [hourly])) == 6
    assert warehouse.read("*", "market.gaps", [hourly])["reason"].tolist() == ["halted"]
    for wrong in ({"market.imports": "replace"}, {"market.gaps": "upsert"}):
        with pytest.raises(ConfigurationError):
            warehouse.write_tables(hourly, {KLINES: bars, "market.gaps": gaps}, mode=wrong)


def test_write_text_values_and_made_from_are_only_text(warehouse, hourly, make_bars: MakeBars) -> None:
    nasty = "'); drop table klines; --\n\"\\ ✓"
    warehouse.write(hourly, KLINES, make_bars(2).assign(source=nasty), made_from=nasty)
    assert warehouse.read(["source"], KLINES, [hourly])["source"].tolist() == [nasty, nasty]
    assert warehouse.summary(hourly)[KLINES].made_from == nasty


def test_write_steps_are_announced_in_order(tmp_path: Path, hourly, make_bars: MakeBars) -> None:
    steps: list[str] = []
    Warehouse(tmp_path, on_step=steps.append).write(hourly, KLINES, make_bars(2))
    assert steps == [
        "lock", "sweep", "copy", "transaction", "check", "checkpoint", "fsync", "replace", "sync_folder",
        "sidecar",
    ]  # fmt: skip


def test_write_observer_that_raises_leaves_the_published_rows(
    tmp_path: Path, hourly, make_bars: MakeBars
) -> None:
    def stop_at(step: str) -> None:
        if step == "checkpoint":
            raise KeyboardInterrupt

    warehouse = Warehouse(tmp_path)
    warehouse.write(hourly, KLINES, make_bars(2))
    with pytest.raises(KeyboardInterrupt):
        Warehouse(tmp_path, on_step=stop_at).write(hourly, KLINES, make_bars(9))
    assert len(warehouse.read("*", KLINES, [hourly])) == 2
    assert warehouse.diagnose() == []


def test_write_over_a_damaged_file_names_it_and_leaves_it(warehouse, hourly, make_bars: MakeBars) -> None:
    warehouse.write(hourly, KLINES, make_bars(2))
    path = published(warehouse, hourly)
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(WarehouseDamagedError, match=r"market\.duckdb cannot be read.*Move it away"):
        warehouse.write(hourly, KLINES, make_bars(2))
    assert path.read_bytes() == b"not a database" * 1000


def test_write_beside_a_log_of_another_program_is_refused(warehouse, hourly, make_bars: MakeBars) -> None:
    warehouse.write(hourly, KLINES, make_bars(2))
    log = published(warehouse, hourly, "market.duckdb.wal")
    log.write_bytes(b"")
    with pytest.raises(WarehouseDamagedError, match="another program"):
        warehouse.write(hourly, KLINES, make_bars(2))


def test_write_lock_file_stays_and_no_log_is_left(warehouse, hourly, make_bars: MakeBars) -> None:
    warehouse.write(hourly, KLINES, make_bars(2))
    lock = published(warehouse, hourly, "market.duckdb.lock")
    inode = lock.stat().st_ino
    warehouse.write(hourly, KLINES, make_bars(2, level=3))
    assert lock.stat().st_ino == inode
    assert sorted(path.name for path in lock.parent.iterdir()) == [
        "market.duckdb",
        "market.duckdb.lock",
        "market.json",
    ]


def test_write_published_file_is_a_new_one_each_time(warehouse, hourly, make_bars: MakeBars) -> None:
    """A reader that holds the old file keeps its rows: the file is replaced, never changed."""
    warehouse.write(hourly, KLINES, make_bars(2))
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{published(warehouse, hourly)}' as p (read_only)")
        warehouse.write(hourly, KLINES, make_bars(5))
        assert connection.execute("select count(*) from p.main.klines").fetchall() == [(2,)]
    assert len(warehouse.read("*", KLINES, [hourly])) == 5
