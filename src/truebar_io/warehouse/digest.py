"""What a table holds, in one line: rows, watermark, and a digest of names, types and rows in order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
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
            in which it was written. A view's is made of its definition and its tables' digests.
        made_from: what the writer said the table was computed from.
        publish: number of the publish that wrote the table, ascending within a partition's schema.
        definition: of a view: fingerprint of what it selects; None for a table.
    """

    rows: int
    watermark: pd.Timestamp | None
    digest: str
    made_from: str | None = None
    publish: int = 0
    definition: str | None = None


@dataclass(frozen=True)
class Provenance:
    """What a publish notes as the comment of a table or view: it lives in the file, as safe as the rows."""

    made_from: str | None = None
    publish: int = 0
    families: Mapping[str, Sequence[str]] | None = None

    def to_comment(self) -> str:
        """Return the text of the comment."""
        return json.dumps(vars(self))

    @classmethod
    def from_comment(cls, comment: str | None) -> Provenance:
        """Return what a comment says; nothing when somebody else wrote it."""
        try:
            return cls(**json.loads(comment or "{}"))
        except (ValueError, TypeError):
            return cls()


def definition_of(families: Mapping[str, Sequence[str]]) -> str:
    """Return the fingerprint of what a view selects: families and columns, in their order."""
    text = json.dumps([[family, list(columns)] for family, columns in families.items()])
    return hashlib.sha256(text.encode()).hexdigest()


def column_types(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Return name → DuckDB type of the columns of a table or view, in stored order."""
    described = connection.execute(f"describe from {relation}").fetchall()
    return {row[0]: row[1].replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ") for row in described}


def digest_of(connection: duckdb.DuckDBPyConnection, relation: str, schema: TableSchema) -> str:
    """Return 64 hex digits over the names, types and rows of `relation`.

    DuckDB gives one 64-bit hash for each row, which costs a scan; the hashes in the table's order, after the
    names and types, go through SHA-256. Rows of equal order are taken in the order of their hash, columns in
    the order of their names.
    """
    types = dict(sorted(column_types(connection, relation).items()))
    columns = ", ".join(quoted(name) for name in types)
    order = ", ".join([*(quoted(name) for name in schema.order), "row_hash"])
    hashes = connection.execute(f"select hash({columns}) as row_hash from {relation} order by {order}")
    content = hashlib.sha256(json.dumps(list(types.items())).encode())
    content.update(np.ascontiguousarray(hashes.fetchnumpy()["row_hash"], dtype="<u8").tobytes())
    return content.hexdigest()


def summarise(
    connection: duckdb.DuckDBPyConnection, relation: str, schema: TableSchema, noted: Provenance
) -> TableSummary:
    """Return the summary of the table `relation`."""
    rows, watermark = _extent(connection, relation, schema)
    digest = digest_of(connection, relation, schema)
    return TableSummary(rows, watermark, digest, noted.made_from, noted.publish)


def summarise_view(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    schema: TableSchema,
    noted: Provenance,
    tables: Mapping[str, TableSummary],
) -> TableSummary:
    """Return the summary of the view `relation` over `tables` (all those of its file, by name)."""
    rows, watermark = _extent(connection, relation, schema)
    families = noted.families or {}
    definition = definition_of(families)
    parts = [definition, *(tables[family].digest for family in families if family in tables)]
    digest = hashlib.sha256("".join(parts).encode()).hexdigest()
    return TableSummary(rows, watermark, digest, noted.made_from, noted.publish, definition)


def _extent(
    connection: duckdb.DuckDBPyConnection, relation: str, schema: TableSchema
) -> tuple[int, pd.Timestamp | None]:
    latest = "null" if schema.time_column is None else f"epoch_us(max({quoted(schema.time_column)}))"
    found: tuple[Any, ...] = connection.execute(f"select count(*), {latest} from {relation}").fetchall()[0]
    rows, microseconds = found
    return rows, None if microseconds is None else pd.Timestamp(microseconds, unit="us", tz="UTC")


def merged(parts: list[TableSummary]) -> TableSummary:
    """Return the summary of a table whose rows lie in several files, given in the order of the files.

    Parts made from different things (a writer killed between two files, or rows added to one) are as a whole
    made from nothing that has a name. A view holds no rows, so only what it selects must agree.

    Raises:
        ValueError: without any part.
    """
    held = [part for part in parts if part.rows] or parts[-1:]
    newest = max(parts, key=lambda part: part.publish)
    origins = {part.made_from if part.definition is None else part.definition for part in parts}
    is_of_one_make = len(origins) == 1
    watermarks = [part.watermark for part in held if part.watermark is not None]
    digest = held[0].digest
    if len(held) > 1:
        digest = hashlib.sha256("".join(part.digest for part in held).encode()).hexdigest()
    return TableSummary(
        sum(part.rows for part in held),
        max(watermarks, default=None),
        digest,
        newest.made_from if is_of_one_make else None,
        newest.publish,
        newest.definition,
    )
