"""What must never be published is refused, and every byte stays as it was."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from truebar.errors import (
    ConfigurationError,
    CorruptDataError,
    InvalidSymbolError,
    SchemaError,
    UnknownTableError,
    UnknownTimeframeError,
)
from truebar.partitions import Partition

MakeBars = Callable[..., pd.DataFrame]
KLINES = "market.klines"


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
    folder = warehouse.root / hourly.symbol / hourly.timeframe
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
