"""The columns of dbt's features over bars that are in no warehouse, to ask what they know too early."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import duckdb
import pandas as pd

from truebar.tables import RESERVED_COLUMNS
from truebar_io.transforms.build import ensure_manifest
from truebar_io.transforms.manifest import Model, read_manifest

FEATURES: Final = "features.context"
KLINES: Final = "market.klines"

_CALL: Final = re.compile(r"\{\{\s*(config|ref|source)\s*\((.*?)\)\s*\}\}", re.DOTALL)
_ARGUMENT: Final = re.compile(r"['\"]([^'\"]+)['\"]")


def context_columns(project: Path) -> Callable[[pd.DataFrame], pd.DataFrame] | None:
    """Return what computes the columns of `features.context` from bars, by the project's own SQL.

    The result maps n bars (`market.klines` of one partition, ascending) to n rows, without times; row t may
    be used from the close of bar t on.

    Args:
        project: folder of the dbt project.

    None where the table reads more than klines, or its SQL has more of Jinja than `config`, `ref` and
    `source`: then it can be computed by dbt alone.

    Raises:
        ConfigurationError, TransformError: as `ensure_manifest` and `read_manifest`.
    """
    models = read_manifest(ensure_manifest(project)).models
    places = {model.unique_id.rsplit(".", 1)[-1]: model.table for model in models}
    needed = _needed(models)
    rendered = [(model.table, _rendered(model, places)) for model in needed]
    read = {table for model in needed for table in model.reads}
    if (
        not needed
        or read - {model.table for model in needed} != {KLINES}
        or any("{" in sql for _, sql in rendered)
    ):
        return None

    # One connection for all calls: making one takes longer than the query.
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("set timezone = 'UTC'")

    def compute(bars: pd.DataFrame) -> pd.DataFrame:
        connection.register("given", bars.assign(symbol="ANY", timeframe="any"))
        _create(connection, "table", KLINES, "select * from given")
        for table, sql in rendered:
            _create(connection, "view", table, sql)
        found: pd.DataFrame = connection.execute(f"select * from {FEATURES} order by open_time").df()
        return found.drop(columns=["open_time", *(name for name in RESERVED_COLUMNS if name in found)])

    return compute


def _needed(models: tuple[Model, ...]) -> list[Model]:
    """Return the models that `features.context` is made of, itself last."""
    needed, wanted = [], {FEATURES}
    for model in reversed(models):
        if model.table in wanted:
            needed.append(model)
            wanted.update(model.reads)
    return needed[::-1]


def _rendered(model: Model, places: dict[str, str]) -> str:
    """Return a model's SQL with the tables' names in it."""

    def replaced(call: re.Match[str]) -> str:
        names = _ARGUMENT.findall(call[2])
        if call[1] == "config":
            return ""
        return places[names[-1]] if call[1] == "ref" else ".".join(names)

    return _CALL.sub(replaced, model.sql)


def _create(connection: duckdb.DuckDBPyConnection, kind: str, table: str, sql: str) -> None:
    """Make a table or view anew, and its schema."""
    connection.execute(f"create schema if not exists {table.split('.', maxsplit=1)[0]}")
    connection.execute(f"create or replace {kind} {table} as {sql}")
