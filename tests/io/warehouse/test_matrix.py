from __future__ import annotations

from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd
import pytest

from truebar.errors import (
    ConfigurationError,
    CorruptDataError,
    MissingDataError,
    SchemaError,
    UnknownTableError,
)
from truebar.partitions import Partition
from truebar_io.warehouse import Warehouse

MakeBars = Callable[..., pd.DataFrame]
MATRIX = "features.matrix"
FAMILIES = {"price": ["a", "b"], "context": ["c"]}


@pytest.fixture
def price(make_family: MakeBars) -> pd.DataFrame:
    return make_family(20, "a", "b")


@pytest.fixture
def context(make_family: MakeBars) -> pd.DataFrame:
    return make_family(20, "c")


@pytest.fixture
def filled(warehouse, hourly, price, context) -> Warehouse:
    warehouse.write_tables(hourly, {"features.price": price, "features.context": context})
    return warehouse


@pytest.fixture
def with_matrix(filled, hourly) -> Warehouse:
    filled.create_view(hourly, MATRIX, FAMILIES, made_from="both")
    return filled


def test_create_view_shows_columns_in_order_with_available_at(with_matrix, hourly, price, context) -> None:
    held = with_matrix.read("*", MATRIX, [hourly])
    assert list(held.columns) == ["open_time", "available_at", "a", "b", "c"]
    assert held["open_time"].tolist() == price["open_time"].tolist()
    assert (held["available_at"] - held["open_time"]).unique().tolist() == [pd.Timedelta("1h")]
    np.testing.assert_array_equal(held["c"], context["c"].astype(np.float32))
    summary = with_matrix.summary(hourly)[MATRIX]
    assert (summary.rows, summary.made_from) == (20, "both")
    assert summary.watermark == price["open_time"].iloc[-1]


def test_create_view_over_partitions_is_one_table(with_matrix, hourly, make_family: MakeBars) -> None:
    daily = Partition("ETH-USD", "1d")
    with_matrix.write(daily, "features.price", make_family(3, "a", timeframe="1d"))
    with_matrix.create_view(daily, MATRIX, {"price": ["a"]})
    held = with_matrix.read("*", MATRIX, [daily, hourly])
    assert held["symbol"].tolist() == ["ETH-USD"] * 3 + ["BTC-USD"] * 20
    assert held["available_at"].iloc[0] == pd.Timestamp("2024-01-02", tz="UTC")
    late = with_matrix.query(
        "select symbol, max(open_time) as last from features.matrix group by 1 order by 1"
    )
    assert late["symbol"].tolist() == ["BTC-USD", "ETH-USD"]


def test_create_view_family_behind_is_refused_and_says_which(filled, hourly, price) -> None:
    filled.write(hourly, "features.price", price[:-5], mode="replace")
    with pytest.raises(MissingDataError, match=r"context has 20 rows to 2024-01-01 19.*price has 15 rows to"):
        filled.create_view(hourly, MATRIX, FAMILIES)
    assert not filled.has(hourly, MATRIX)


def test_create_view_family_with_a_hole_is_refused(filled, hourly, price) -> None:
    filled.write(hourly, "features.price", price.drop(index=7), mode="replace")
    with pytest.raises(CorruptDataError, match="price has 19 rows"):
        filled.create_view(hourly, MATRIX, FAMILIES)


def test_create_view_families_of_equal_size_but_other_bars_are_refused(
    filled, hourly, price, make_family: MakeBars
) -> None:
    other = pd.concat([make_family(1, "a", "b", start="2023-12-01"), price.drop(index=7)])
    filled.write(hourly, "features.price", other, mode="replace")
    with pytest.raises(CorruptDataError, match="do not have the same bars"):
        filled.create_view(hourly, MATRIX, FAMILIES)


def test_create_view_family_or_column_that_is_not_there_is_refused(filled, hourly) -> None:
    with pytest.raises(MissingDataError, match=r"needs features\.volume, which is not there yet"):
        filled.create_view(hourly, MATRIX, {"price": ["a"], "volume": ["v"]})
    with pytest.raises(SchemaError, match=r"features\.price has no column z"):
        filled.create_view(hourly, MATRIX, {"price": ["a", "z"]})
    with pytest.raises(MissingDataError):
        filled.create_view(Partition("ETH-USD", "1h"), MATRIX, {"price": ["a"]})


@pytest.mark.parametrize(
    ("view", "families", "error"),
    [
        (MATRIX, {}, ConfigurationError),
        (MATRIX, {"price": []}, ConfigurationError),
        (MATRIX, {"price": ["a"], "context": ["a"]}, ConfigurationError),
        (MATRIX, {"price": ["open_time"]}, ConfigurationError),
        (MATRIX, {"matrix": ["a"]}, ConfigurationError),
        (MATRIX, {'price" join x': ["a"]}, UnknownTableError),
        ("features.price", {"price": ["a"]}, ConfigurationError),
        ("features.nope!", {"price": ["a"]}, UnknownTableError),
    ],
)
def test_create_view_wrong_call_is_refused(filled, hourly, view: str, families, error) -> None:
    with pytest.raises(error):
        filled.create_view(hourly, view, families)


def test_create_view_column_name_is_never_sql(filled, hourly) -> None:
    with pytest.raises(SchemaError, match="has no column"):
        filled.create_view(hourly, MATRIX, {"price": ['a" from main.price; drop table price; --']})


def test_matrix_refuses_to_be_read_while_a_family_is_ahead(with_matrix, hourly, price, make_family) -> None:
    """Nobody sees a matrix with rows silently missing, not even another client; and it heals by itself."""
    longer = make_family(25, "a", "b")
    with_matrix.write(hourly, "features.price", longer)

    for sql in (
        "from features.matrix",
        "select count(*) from features.matrix",
        "from features.matrix limit 1",
    ):
        with pytest.raises(
            MissingDataError, match=r"of BTC-USD 1h: .*price 2024-01-01 20:00:00\+00, context no bar"
        ):
            with_matrix.query(sql)
    with pytest.raises(MissingDataError, match="Materialize the family that is behind"):
        with_matrix.read("*", MATRIX, [hourly])
    assert not with_matrix.has(hourly, MATRIX)
    path = with_matrix.root / "BTC-USD" / "1h" / "features.duckdb"
    with duckdb.connect(":memory:") as client:
        client.execute(f"attach '{path}' as features (read_only)")
        with pytest.raises(duckdb.InvalidInputException, match="families disagree"):
            client.execute("from features.matrix").fetchall()

    with_matrix.write(hourly, "features.context", make_family(25, "c"))
    assert len(with_matrix.read("*", MATRIX, [hourly])) == 25


def test_matrix_refuses_to_be_read_while_families_of_equal_size_have_other_bars(
    with_matrix, hourly, price, make_family: MakeBars
) -> None:
    other = pd.concat([price.drop(index=7), make_family(1, "a", "b", start="2024-02-01")])
    with_matrix.write(hourly, "features.price", other, mode="replace")
    with pytest.raises(MissingDataError, match="families disagree"):
        with_matrix.read("*", MATRIX, [hourly])


def test_read_of_a_large_matrix_is_in_time_order(warehouse, hourly, make_family: MakeBars) -> None:
    """Threads that read many rows do not mix them, and a part is what it is of the whole."""
    price = make_family(300_000, "a", start="1985-01-01")
    frames = {"features.price": price, "features.context": price.rename(columns={"a": "b"})}
    warehouse.write_tables(hourly, frames)
    warehouse.create_view(hourly, MATRIX, {"context": ["b"], "price": ["a"]})
    held = warehouse.read("*", MATRIX, [hourly])
    assert held["open_time"].is_monotonic_increasing
    assert len(held) == 300_000
    since, until = held["open_time"].iloc[[150_000, 150_007]]
    part = warehouse.read("*", MATRIX, [hourly], since=since, until=until)
    pd.testing.assert_frame_equal(part, held.iloc[150_000:150_007].reset_index(drop=True))
    falling = price.assign(a=-price["a"])
    warehouse.write(hourly, "features.price", falling)
    one = warehouse.read(["a"], MATRIX, [hourly])["a"]
    np.testing.assert_array_equal(one, falling["a"].astype(np.float32))


def test_matrix_whose_column_is_gone_is_dropped(with_matrix, hourly, price, caplog) -> None:
    with_matrix.write(hourly, "features.price", price.rename(columns={"a": "renamed"}), mode="replace")
    assert "matrix was dropped" in caplog.text
    with pytest.raises(MissingDataError, match=r"features\.matrix is not there yet"):
        with_matrix.read("*", MATRIX, [hourly])
    assert with_matrix.diagnose() == []


def test_matrix_of_a_new_definition_takes_the_place_of_the_old(with_matrix, hourly) -> None:
    before = with_matrix.summary(hourly)[MATRIX]
    with_matrix.create_view(hourly, MATRIX, {"context": ["c"], "price": ["b"]})
    assert list(with_matrix.read("*", MATRIX, [hourly]).columns)[2:] == ["c", "b"]
    assert with_matrix.summary(hourly)[MATRIX].digest != before.digest


def test_matrix_digest_follows_its_families(with_matrix, hourly, price) -> None:
    before = with_matrix.summary(hourly)[MATRIX].digest
    with_matrix.write(hourly, "features.price", price)
    assert with_matrix.summary(hourly)[MATRIX].digest == before
    with_matrix.write(hourly, "features.price", price.assign(a=3.0))
    assert with_matrix.summary(hourly)[MATRIX].digest != before
