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
    CorruptDataError,
    InvalidSymbolError,
    SchemaError,
    UnknownTableError,
    UnknownTimeframeError,
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


# What must never be published. Each case: how good bars are spoiled, and the error that says so.
SPOILED = {
    "price of zero": (lambda f: f.assign(low=0.0), CorruptDataError),
    "price missing": (lambda f: f.assign(close=[np.nan, *f["close"][1:]]), CorruptDataError),
    "price infinite": (lambda f: f.assign(high=np.inf), CorruptDataError),
    "high below close": (lambda f: f.assign(high=f["close"] - 0.5), CorruptDataError),
    "low above open": (lambda f: f.assign(low=f["open"] + 0.5), CorruptDataError),
    "volume negative": (lambda f: f.assign(volume=-1.0), CorruptDataError),
    "trades negative": (lambda f: f.assign(trades=-1), CorruptDataError),
    "close_time inclusive": (
        lambda f: f.assign(close_time=f["close_time"] - pd.Timedelta("1ms")),
        CorruptDataError,
    ),
    "open_time off the grid": (
        lambda f: f.assign(
            open_time=f["open_time"] + pd.Timedelta("1min"), close_time=f["close_time"] + pd.Timedelta("1min")
        ),
        CorruptDataError,
    ),
    "times descend": (lambda f: f.iloc[::-1], CorruptDataError),
    "time twice": (lambda f: pd.concat([f, f.iloc[-1:]]), CorruptDataError),
    "time missing": (lambda f: f.assign(open_time=[pd.NaT, *f["open_time"][1:]]), CorruptDataError),
    "time finer than a microsecond": (
        lambda f: f.assign(open_time=f["open_time"] + pd.Timedelta(1, "ns")),
        SchemaError,
    ),
    "times as integers": (lambda f: f.assign(open_time=f["open_time"].astype("int64")), SchemaError),
    "times as text": (lambda f: f.assign(open_time=f["open_time"].astype(str)), SchemaError),
    "prices as text": (lambda f: f.assign(close=f["close"].astype(str)), SchemaError),
    "half a trade": (lambda f: f.assign(trades=0.5), SchemaError),
    "column missing": (lambda f: f.drop(columns="close"), SchemaError),
    "column not declared": (lambda f: f.assign(vwap=1.0), SchemaError),
    "column of the reader's": (lambda f: f.assign(symbol="BTC-USD"), SchemaError),
    "column twice": (lambda f: pd.concat([f, f[["close"]]], axis=1), SchemaError),
    "no frame": (lambda f: f.to_dict("list"), SchemaError),
}


@pytest.mark.parametrize("case", SPOILED)
def test_write_refused_rows_leave_every_byte_as_it_was(
    warehouse, hourly, make_bars: MakeBars, case: str
) -> None:
    spoil, error = SPOILED[case]
    warehouse.write(hourly, KLINES, make_bars(6))
    folder = published(warehouse, hourly).parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    for mode in ("append", "replace"):
        with pytest.raises(error, match=r"market\.klines"):
            warehouse.write(hourly, KLINES, spoil(make_bars(6, level=50)), mode=mode)

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"p_up": 0.9}, "sum to 1"),
        ({"p_up": 1.4, "p_down": -0.8}, "sum to 1"),
        ({"p_up": np.nan}, "sum to 1"),
        ({"segment": "test"}, "segment"),
    ],
)
def test_write_predictions_that_are_no_probabilities_are_refused(
    warehouse, hourly, make_bars: MakeBars, columns, match: str
) -> None:
    good = make_bars(3)[["open_time"]].assign(
        segment="dev", fold=1, raw_p_down=0.2, raw_p_flat=0.4, raw_p_up=0.4, p_down=0.2, p_flat=0.4, p_up=0.4
    )
    warehouse.write(hourly, "xgboost.predictions", good)
    with pytest.raises(CorruptDataError, match=match):
        warehouse.write(hourly, "xgboost.predictions", good.assign(**columns))


def test_write_features_infinite_or_too_large_for_single_precision_are_refused(
    warehouse, hourly, make_family: MakeBars
) -> None:
    for value in (np.inf, -np.inf, 1e39):
        with pytest.raises(CorruptDataError, match="column a is infinite in row 2"):
            warehouse.write(hourly, "features.price", make_family(3, "a").assign(a=[0.0, np.nan, value]))


def test_write_append_of_other_columns_is_refused_with_their_names(
    warehouse, hourly, make_family: MakeBars
) -> None:
    warehouse.write(hourly, "features.price", make_family(3, "a", "b"))
    with pytest.raises(
        SchemaError, match=r"b \(stored: FLOAT, brought: none\); c \(stored: none, brought: FLOAT\)"
    ):
        warehouse.write(hourly, "features.price", make_family(3, "a", "c"))


def test_write_several_tables_one_refused_publishes_none(warehouse, hourly, make_bars: MakeBars) -> None:
    gaps = pd.DataFrame(
        {
            "start": pd.to_datetime(["2024-01-02"], utc=True),
            "end": pd.to_datetime(["2024-01-01"], utc=True),
            "bars": 3,
            "reason": "missing",
        }
    )
    with pytest.raises(CorruptDataError, match="a gap ends after it starts"):
        warehouse.write_tables(hourly, {KLINES: make_bars(4), "market.gaps": gaps})
    assert not warehouse.has(hourly, KLINES)


@pytest.mark.parametrize(
    ("table", "mode", "error"),
    [
        ("market.candles", "append", UnknownTableError),
        ("klines", "append", UnknownTableError),
        ("market.klines; drop table klines", "append", UnknownTableError),
        ('features.a"; drop table "b', "append", UnknownTableError),
        ("features.../../x", "append", UnknownTableError),
        ("../market.klines", "append", UnknownTableError),
        ("features.matrix", "append", ConfigurationError),
        ("market.klines", "upsert", ConfigurationError),
        ("xgboost.ev_curve", "append", ConfigurationError),
    ],
)
def test_write_wrong_call_is_refused_and_touches_no_file(
    warehouse, hourly, make_bars: MakeBars, table: str, mode, error
) -> None:
    with pytest.raises(error):
        warehouse.write(hourly, table, make_bars(3), mode=mode)
    assert not warehouse.root.exists()


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


def test_write_tables_of_two_schemas_is_refused(warehouse, hourly, make_bars: MakeBars) -> None:
    with pytest.raises(ConfigurationError, match="one schema"):
        warehouse.write_tables(
            hourly, {KLINES: make_bars(3), "labels.volatility": make_bars(3)[["open_time"]]}
        )


@pytest.mark.parametrize(
    "symbol", ["../../etc", "BTC'--", 'BTC"', "btc", "BTC/USD", "", "BTC\n", "BTC-USD/.."]
)
def test_partition_no_symbol_escapes_its_folder(warehouse, make_bars: MakeBars, symbol: str) -> None:
    with pytest.raises(InvalidSymbolError):
        Partition(symbol, "1h")
    forged = Partition("BTC-USD", "1h")
    object.__setattr__(forged, "symbol", symbol)
    with pytest.raises(InvalidSymbolError):
        warehouse.write(forged, KLINES, make_bars(3))
    with pytest.raises(InvalidSymbolError):
        warehouse.read("*", KLINES, [forged])
    assert not warehouse.root.exists()


def test_partition_forged_timeframe_or_plain_text_is_refused(warehouse, make_bars: MakeBars) -> None:
    forged = Partition("BTC-USD", "1h")
    object.__setattr__(forged, "timeframe", "../1h")
    with pytest.raises(UnknownTimeframeError):
        warehouse.write(forged, KLINES, make_bars(3))
    with pytest.raises(ConfigurationError, match="expected a Partition"):
        warehouse.write("BTC-USD|1h", KLINES, make_bars(3))


@pytest.mark.parametrize("column", ['a"; drop table price; --', "A", "a b", "timeframe", "", "é", "1a"])
def test_write_feature_column_name_that_is_none_is_refused(
    warehouse, hourly, make_family: MakeBars, column: str
) -> None:
    with pytest.raises(SchemaError, match="is no column name"):
        warehouse.write(hourly, "features.price", make_family(3, column))


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
