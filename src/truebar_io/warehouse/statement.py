"""A user's SQL text: is it one read statement, and which tables does it name? DuckDB's own parser answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb

from truebar.errors import QueryError, UnknownTableError
from truebar.tables import SCHEMAS, schema_of

_LISTINGS = {"SHOW_UNQUALIFIED", "SHOW_FROM"}


def tables_named(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    """Return the tables, as `schema.table`, that the one read statement `sql` names.

    Raises:
        QueryError: when the text is no SQL, is not exactly one statement, or does more than read.
        UnknownTableError: when it names a table that truebar does not declare.
    """
    tree = _parsed(connection, sql)
    nodes = list(_nodes(tree))
    local = {
        entry["key"].lower()
        for node in nodes
        if isinstance(node.get("cte_map"), dict)
        for entry in node["cte_map"]["map"]
    }
    tables = set()
    for node in nodes:
        if node.get("show_type") in _LISTINGS:
            raise QueryError("SHOW has nothing to list here; name a table, as in: describe market.klines.")
        if node.get("type") != "BASE_TABLE":
            continue
        parts = [node.get(part) or "" for part in ("catalog_name", "schema_name", "table_name")]
        catalog, schema, table = (part.lower() for part in parts)
        if not catalog and not schema and table in local:
            continue
        name = ".".join(part for part in (catalog, schema, table) if part)
        if catalog or not schema:
            raise UnknownTableError(
                f"the SQL names {name!r}; expected tables as schema.table: features.<family> or one of "
                f"{', '.join(sorted(SCHEMAS))}."
            )
        tables.add(schema_of(name).name)
    return sorted(tables)


def _parsed(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    if not isinstance(sql, str):
        raise QueryError(f"expected a SQL text, found {type(sql).__name__}.")
    row = connection.execute("select json_serialize_sql(?::varchar)", [sql]).fetchall()[0]
    try:
        tree: dict[str, Any] = json.loads(row[0])
    except RecursionError as error:
        raise QueryError("the SQL is nested too deeply; split it with WITH.") from error
    if tree.get("error"):
        reason = tree.get("error_message", "unknown")
        if tree.get("error_type") == "parser":
            raise QueryError(f"the SQL cannot be parsed: {reason}. Found: {sql!r}")
        raise QueryError(
            "only a SELECT (or WITH, FROM, DESCRIBE, SUMMARIZE, VALUES) may run on the warehouse; found: "
            f"{sql!r}. Tables are written by Warehouse.write alone."
        )
    count = len(tree.get("statements", ()))
    if count != 1:
        raise QueryError(f"expected one SQL statement, found {count} in {sql!r}.")
    return tree


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    """Give every object in a parsed statement."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
