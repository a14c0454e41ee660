from __future__ import annotations

import pytest

from truebar.errors import UnknownTableError
from truebar.kinds import KINDS
from truebar.tables import NAME_PATTERN, RESERVED_COLUMNS, SCHEMAS, schema_of

ALL = [*SCHEMAS.values(), schema_of("features.price")]


@pytest.mark.parametrize("schema", ALL, ids=lambda schema: schema.name)
def test_schema_is_consistent_in_itself(schema) -> None:
    assert schema.name == f"{schema.schema}.{schema.table}"
    named = {*schema.key, *schema.required} | ({schema.time_column} - {None})
    assert named <= set(schema.columns)
    if not schema.is_view:
        # Rows without their key are refused, so a frame may not leave it out.
        assert set(schema.order) <= set(schema.required)
    assert not RESERVED_COLUMNS & set(schema.columns)
    assert all(NAME_PATTERN.fullmatch(name) for name in schema.columns)
    if schema.time_column is not None:
        assert schema.columns[schema.time_column] == "TIMESTAMPTZ"
        assert schema.order[0] == schema.time_column


def test_schema_every_kind_has_the_same_tables() -> None:
    for kind in KINDS:
        tables = {schema.table for schema in ALL if schema.schema == kind}
        assert tables == {
            "out_of_fold", "predictions", "trades", "equity", "metrics", "ev_curve", "importance",
        }  # fmt: skip


def test_schema_of_klines_is_the_data_contract() -> None:
    klines = schema_of("market.klines")
    assert list(klines.columns) == [
        "open_time", "close_time", "open", "high", "low", "close", "volume", "quote_volume", "trades",
        "taker_buy_volume", "taker_buy_quote_volume", "source", "ingested_at",
    ]  # fmt: skip
    assert klines.key == ("open_time",)
    assert klines.open_columns is None


def test_schema_of_vol_scaled_orders_by_time_then_the_rest_of_the_key() -> None:
    assert schema_of("labels.vol_scaled").order == ("open_time", "horizon_bars", "estimator", "k")


@pytest.mark.parametrize(
    "name",
    ["klines", "", "market", "market.", ".klines", "market.klines ", "MARKET.KLINES", "features.",
     "features.A", "features.a.b", "features.a b", "features.1",
     "features." + "a" * 64, "features.é", None, 7, ("a",)],
)  # fmt: skip
def test_schema_of_name_that_is_not_declared_raises(name) -> None:
    with pytest.raises(UnknownTableError, match="is unknown; expected"):
        schema_of(name)
