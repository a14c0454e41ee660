"""The reader: a short-lived connection to which only the files asked for are attached, read-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from truebar.errors import ConfigurationError, MissingDataError, QueryError, SchemaError
from truebar.partitions import Partition
from truebar.tables import TableSchema, schema_of
from truebar_io.warehouse.connection import attach_read_only, connected, literal, quoted, shut_in
from truebar_io.warehouse.digest import column_types
from truebar_io.warehouse.files import SchemaFiles
from truebar_io.warehouse.frames import to_frame
from truebar_io.warehouse.matrix import DISAGREE
from truebar_io.warehouse.sidecar import damaged, read_through
from truebar_io.warehouse.statement import tables_named

_UNREADABLE = (
    duckdb.IOException,
    duckdb.SerializationException,
    duckdb.InternalException,
    duckdb.FatalException,
)

_NAMED = 5
"""Partitions that a message names before it counts the rest."""


@dataclass(frozen=True)
class Source:
    """One attached file of a partition and the tables in it (names without the schema)."""

    partition: Partition
    files: SchemaFiles
    path: Path
    alias: str
    tables: frozenset[str]


def attach(
    connection: duckdb.DuckDBPyConnection, root: Path, partitions: Sequence[Partition], schemas: Sequence[str]
) -> list[Source]:
    """Attach every published file of the schemas of the partitions, in that order.

    Raises:
        WarehouseDamagedError: when one cannot be opened; the message names it.
    """
    sources: list[Source] = []
    for partition in partitions:
        for schema in schemas:
            files = SchemaFiles(root, partition, schema)
            for path in files.published():
                alias = f"p{len(sources)}"
                try:
                    attach_read_only(connection, path, alias)
                    rows = connection.execute(f"show tables from {quoted(alias)}").fetchall()
                except duckdb.Error as error:
                    raise damaged(path, error) from error
                sources.append(Source(partition, files, path, alias, frozenset(row[0] for row in rows)))
    return sources


def relation(sources: Sequence[Source], table: TableSchema) -> str:
    """Return the SQL of `table` over the sources that hold it, with `symbol` and `timeframe` first."""
    return " union all by name ".join(
        f"select {literal(source.partition.symbol)} as symbol, "
        f"{literal(source.partition.timeframe)} as timeframe, * "
        f"from {quoted(source.alias)}.main.{quoted(table.table)}"
        for source in holding(sources, table)
    )


def holding(sources: Sequence[Source], table: TableSchema) -> list[Source]:
    """Return the sources that hold `table`."""
    return [s for s in sources if s.files.schema == table.schema and table.table in s.tables]


def missing(table: str, partitions: Sequence[Partition]) -> MissingDataError:
    """Return the error that says which partitions do not have a table, and what makes it."""
    where = ", ".join(map(str, partitions[:_NAMED])) or "any partition"
    where += f" and {len(partitions) - _NAMED} more" if len(partitions) > _NAMED else ""
    return MissingDataError(
        f"{table} is not there yet for {where}. Materialize {table.replace('.', '/')} first "
        "(market/klines is made by truebar import or truebar demo)."
    )


def run(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    sources: Sequence[Source],
    parameters: Sequence[object] = (),
    *,
    keep_dates: bool = False,
) -> pd.DataFrame:
    """Return the result of a read statement; see `to_frame` for its types.

    Raises:
        MissingDataError: when the SQL reads a matrix whose families disagree.
        QueryError: when DuckDB cannot bind or compute the SQL.
        WarehouseDamagedError: when a file turns out to be unreadable.
    """
    try:
        return to_frame(connection.execute(sql, list(parameters)).to_arrow_table(), keep_dates=keep_dates)
    except duckdb.Error as error:
        if DISAGREE in str(error):
            raise MissingDataError(
                f"{error}. Materialize the family that is behind, then features/matrix."
            ) from error
        if isinstance(error, _UNREADABLE):
            for source in sources:
                read_through(source.files, source.path)
        raise QueryError(f"{str(error).strip()}\nThe SQL was: {sql}") from error


def read_table(
    root: Path,
    columns: Sequence[str] | str,
    table: TableSchema,
    partitions: Sequence[Partition],
    bounds: tuple[pd.Timestamp | None, pd.Timestamp | None],
) -> pd.DataFrame:
    """Return columns of one table over partitions, in the partitions' order and then the table's.

    Raises:
        MissingDataError: when a partition does not have the table.
        SchemaError: when no partition has a column that is asked for.
        ConfigurationError: when bounds are given for a table without a time column.
    """
    with connected(root) as connection:
        sources = attach(connection, root, partitions, [table.schema])
        found = {source.partition for source in holding(sources, table)}
        lacking = [partition for partition in partitions if partition not in found]
        if lacking or not partitions:
            raise missing(table.name, lacking)
        rows = relation(sources, table)
        names = _columns(connection, rows, columns, table, several=len(partitions) > 1)
        where, values = _where(table, bounds)
        order = _view_order(partitions) if table.is_view else ""
        listed = ", ".join(quoted(name) for name in names)
        return run(connection, f"select {listed} from ({rows}){where}{order}", sources, values)


def _view_order(partitions: Sequence[Partition]) -> str:
    """Return the clause that puts a view's rows in order: rows of tables lie in order on disk.

    A union keeps the order of its parts, but a view's join gives its rows in no order.
    """
    keys = ", ".join(literal(partition.key) for partition in partitions)
    position = f"list_position([{keys}], symbol || '|' || timeframe), " if len(partitions) > 1 else ""
    return f" order by {position}{quoted('open_time')}"


def _columns(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    columns: Sequence[str] | str,
    table: TableSchema,
    *,
    several: bool,
) -> list[str]:
    stored = list(column_types(connection, f"({rows})"))
    added = ["symbol", "timeframe"]
    if columns == "*":
        return stored if several else [name for name in stored if name not in added]
    asked = [columns] if isinstance(columns, str) else list(columns)
    unknown = [str(name) for name in asked if name not in stored]
    if unknown or not asked:
        raise SchemaError(
            f"{table.name} has no column {', '.join(unknown) or '(none was named)'}; expected '*' or some of "
            f"{', '.join(stored)}."
        )
    return [name for name in added if several and name not in asked] + asked


def _where(
    table: TableSchema, bounds: tuple[pd.Timestamp | None, pd.Timestamp | None]
) -> tuple[str, list[object]]:
    if bounds == (None, None):
        return "", []
    if table.time_column is None:
        raise ConfigurationError(f"{table.name} has no time column; read it without since and until.")
    conditions = []
    values: list[object] = []
    for bound, comparison in zip(bounds, (">=", "<"), strict=True):
        if bound is not None:
            conditions.append(f"{quoted(table.time_column)} {comparison} ?::timestamptz")
            values.append(bound.isoformat())
    return " where " + " and ".join(conditions), values


def query(root: Path, sql: str, partitions: Sequence[Partition], *, keep_dates: bool = False) -> pd.DataFrame:
    """Return the result of one read statement over every partition given that has its tables.

    Raises:
        QueryError: when the text is not one read statement that DuckDB can bind.
        UnknownTableError: when it names a table that is not declared.
        MissingDataError: when none of the partitions has a table that it names.
        WarehouseDamagedError: when a file cannot be opened.
    """
    with connected(root, reused=False) as connection:  # it is shut in for good
        tables = [schema_of(name) for name in tables_named(connection, sql)]
        schemas = sorted({table.schema for table in tables})
        sources = attach(connection, root, partitions, schemas)
        for schema in schemas:
            connection.execute(f"create schema {quoted(schema)}")
        for table in tables:
            rows = relation(sources, table)
            if not rows:
                raise missing(table.name, partitions)
            connection.execute(f"create view {quoted(table.schema)}.{quoted(table.table)} as {rows}")
        shut_in(connection)
        return run(connection, sql, sources, keep_dates=keep_dates)
