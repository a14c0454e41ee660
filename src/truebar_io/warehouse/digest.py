"""What a table holds, in one line: rows, watermark, and a digest of names, types and rows in order."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from truebar.tables import TableSchema
from truebar_io.warehouse.connection import quoted


@dataclass(frozen=True)
class TableSummary:
    """Counts and fingerprints of one table of a partition.

    Attributes:
        rows: number of rows.
        watermark: the latest time in the time column, UTC; None without rows or time column.
        digest: of column names, types and rows in time order; equal for equal content, whatever the order
            in which it was written.
        made_from: what the writer said the table was computed from.
        publish: number of the publish that wrote the table, ascending within a partition's schema.
    """

    rows: int
    watermark: pd.Timestamp | None
    digest: str
    made_from: str | None = None
    publish: int = 0


def column_types(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Return name → DuckDB type of the columns of a table or view, in stored order."""
    described = connection.execute(f"describe from {relation}").fetchall()
    return {row[0]: row[1].replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ") for row in described}


def digest_of(connection: duckdb.DuckDBPyConnection, relation: str, schema: TableSchema) -> str:
    """Return 64 hex digits over the names, types and rows of `relation`.

    DuckDB gives one 64-bit hash for each row, which costs a scan; the hashes in the table's order, after the
    names and types, go through SHA-256. Rows of equal order are taken in the order of their hash. Columns
    count in the order of their names.
    """
    types = dict(sorted(column_types(connection, relation).items()))
    columns = ", ".join(quoted(name) for name in types)
    order = ", ".join([*(quoted(name) for name in schema.order), "row_hash"])
    hashes = connection.execute(f"select hash({columns}) as row_hash from {relation} order by {order}")
    content = hashlib.sha256(json.dumps(list(types.items())).encode())
    content.update(np.ascontiguousarray(hashes.fetchnumpy()["row_hash"], dtype="<u8").tobytes())
    return content.hexdigest()


def summarise(
    connection: duckdb.DuckDBPyConnection, relation: str, schema: TableSchema, comment: str | None
) -> TableSummary:
    """Return the summary of `relation`; `comment` is what `provenance` stored beside it."""
    watermark: Any = None
    rows = connection.execute(f"select count(*) from {relation}").fetchall()[0][0]
    if schema.time_column is not None:
        latest = f"select epoch_us(max({quoted(schema.time_column)})) from {relation}"
        microseconds = connection.execute(latest).fetchall()[0][0]
        watermark = None if microseconds is None else pd.Timestamp(microseconds, unit="us", tz="UTC")
    made_from, publish = read_provenance(comment)
    return TableSummary(rows, watermark, digest_of(connection, relation, schema), made_from, publish)


def provenance(made_from: str | None, publish: int) -> str:
    """Return the comment that a publish puts on a table; it lives in the file, as safe as the rows."""
    return json.dumps({"made_from": made_from, "publish": publish})


def read_provenance(comment: str | None) -> tuple[str | None, int]:
    """Return what `provenance` was told; (None, 0) for any other comment."""
    try:
        said = json.loads(comment or "{}")
        return said.get("made_from"), int(said.get("publish", 0))
    except (ValueError, AttributeError, TypeError):
        return None, 0


def merged(parts: list[TableSummary]) -> TableSummary:
    """Return the summary of a table whose rows lie in several files, given in the order of the files.

    Raises:
        IndexError: without any part.
    """
    held = [part for part in parts if part.rows] or parts[-1:]
    newest = max(parts, key=lambda part: part.publish)
    watermarks = [part.watermark for part in held if part.watermark is not None]
    digest = held[0].digest
    if len(held) > 1:
        digest = hashlib.sha256("".join(part.digest for part in held).encode()).hexdigest()
    return TableSummary(
        sum(part.rows for part in held),
        max(watermarks, default=None),
        digest,
        newest.made_from,
        newest.publish,
    )
