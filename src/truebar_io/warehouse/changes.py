"""What one publish does to a table: rows put in by their key, or in place of the whole table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import duckdb
import numpy as np
import pyarrow as pa

from truebar.errors import CorruptDataError, SchemaError
from truebar.tables import ANY_TYPE, TableSchema
from truebar.units import timeframe_nanoseconds
from truebar_io.warehouse.connection import quoted
from truebar_io.warehouse.digest import Provenance, column_types
from truebar_io.warehouse.frames import duckdb_types


class Change(Protocol):
    """One table or view that a publish changes."""

    @property
    def schema(self) -> TableSchema:
        """What the table must look like."""

    def apply(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Change the writer's private file, inside its transaction."""

    def verify(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Raise when the table, as it now is, must not be published."""

    def provenance(self, made_from: str | None, publish: int) -> Provenance:
        """Return what is noted with the table."""


def relation_of(schema: TableSchema) -> str:
    """Return the SQL name of the table inside its own file."""
    return f"main.{quoted(schema.table)}"


def tables_in(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the names of the tables in the connection's own file."""
    found = connection.execute(
        "select table_name from duckdb_tables() where database_name = current_database() "
        "and schema_name = 'main'"
    )
    return {row[0] for row in found.fetchall()}


@dataclass(frozen=True)
class Rows:
    """Rows for one table: upserted by the unique key, or in place of all that is there."""

    schema: TableSchema
    rows: pa.Table
    replace: bool
    timeframe: str

    def provenance(self, made_from: str | None, publish: int) -> Provenance:
        """Return what is noted with the table."""
        return Provenance(made_from, publish)

    def apply(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Put the rows in, in the table's order.

        Raises:
            SchemaError: when rows are to be added to a table that has other columns.
        """
        relation = relation_of(self.schema)
        connection.register("incoming", self.rows)
        if not self.replace and self.schema.table in tables_in(connection):
            self._check_columns(column_types(connection, relation))
            if self.rows.num_rows:
                self._upsert(connection, relation)
        else:
            columns = ", ".join(f"{quoted(name)} {type_}" for name, type_ in duckdb_types(self.rows).items())
            connection.execute(f"drop table if exists {relation}")
            connection.execute(f"create table {relation} ({columns})")
            # conform has seen to the order of rows whose key is their time; sorting wide rows is dear.
            ordered = "" if self.schema.key == (self.schema.time_column,) else self._ordered()
            connection.execute(f"insert into {relation} by name from incoming {ordered}")
        connection.unregister("incoming")

    def _ordered(self) -> str:
        return f"order by {_listed(self.schema.order)}" if self.schema.order else ""

    def _check_columns(self, stored: dict[str, str]) -> None:
        brought = duckdb_types(self.rows)
        differ = sorted(
            f"{name} (stored: {stored.get(name, 'none')}, brought: {brought.get(name, 'none')})"
            for name in stored.keys() | brought.keys()
            if stored.get(name) != brought.get(name)
        )
        if differ:
            raise SchemaError(
                f"{self.schema.name}: rows cannot be added, since the stored columns differ: "
                f'{"; ".join(differ)}. Write the whole table again with mode="replace".'
            )

    def _upsert(self, connection: duckdb.DuckDBPyConnection, relation: str) -> None:
        """Take out the closed range from the first new row on, and put it back with the new rows in order.

        Only this tail is rewritten, so an append at the end costs what it brings, and rows stay in order on
        disk however far back a correction reaches.
        """
        time_column = self.schema.time_column
        tail = ""
        if time_column is not None:
            tail = f"where {quoted(time_column)} >= (select min({quoted(time_column)}) from incoming)"
        connection.execute(
            f"create temp table kept as select * from (from {relation} {tail}) as stored "
            f"anti join incoming using ({_listed(self.schema.key)})"
        )
        connection.execute(f"delete from {relation} {tail}")
        connection.execute(
            f"insert into {relation} by name from (from kept union all by name from incoming) "
            f"{self._ordered()}"
        )
        connection.execute("drop table kept")

    def verify(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Refuse the table when it breaks its schema, its order, its key or a rule.

        Raises:
            SchemaError: a declared column is missing, of another type, or one is not declared.
            CorruptDataError: rows are out of order, repeat a key, or break a rule.
        """
        relation = relation_of(self.schema)
        problems = schema_problems(self.schema, column_types(connection, relation))
        if problems:
            raise SchemaError(f"{self.schema.name}: {'; '.join(problems)}; nothing was published.")
        self._verify_order(connection, relation)
        self._verify_rules(connection, relation)

    def _verify_order(self, connection: duckdb.DuckDBPyConnection, relation: str) -> None:
        repeated = unordered = 0
        if self.schema.time_column is not None:
            # Rows come in the order in which they lie on disk, which is the order readers rely on.
            stored = connection.execute(
                f"select epoch_us({quoted(self.schema.time_column)}) as t from {relation}"
            )
            steps = np.diff(stored.fetchnumpy()["t"])
            unordered = int(np.count_nonzero(steps < 0))
            repeated = int(np.count_nonzero(steps == 0))
        if self.schema.key != (self.schema.time_column,):
            key = _listed(self.schema.key)
            rows = f"select count(*) - count(distinct ({key})) from {relation}"
            repeated = connection.execute(rows).fetchall()[0][0] if key else 0
        if repeated or unordered:
            raise CorruptDataError(
                f"{self.schema.name}: {repeated} rows repeat a key ({', '.join(self.schema.key)}) and "
                f"{unordered} are out of time order; nothing was published."
            )

    def _verify_rules(self, connection: duckdb.DuckDBPyConnection, relation: str) -> None:
        bar_us = timeframe_nanoseconds(self.timeframe) // 1_000
        rules = {name: rule.format(bar_us=bar_us) for name, rule in self.schema.rules.items()}
        if not rules:
            return
        counts = ", ".join(f"count(*) filter (where ({rule}) is not true)" for rule in rules.values())
        broken = connection.execute(f"select {counts} from {relation}").fetchall()[0]
        for (name, rule), count in zip(rules.items(), broken, strict=True):
            if count:
                first = connection.execute(f"from {relation} where ({rule}) is not true limit 1")
                row = dict(zip([column[0] for column in first.description], first.fetchall()[0], strict=True))
                shown = ", ".join(f"{column}={value}" for column, value in row.items() if value is not None)
                raise CorruptDataError(
                    f"{self.schema.name}: {count} rows break the rule that {name}, the first with {shown}; "
                    "nothing was published. Correct or quarantine these rows, then write again."
                )


def schema_problems(schema: TableSchema, stored: dict[str, str]) -> list[str]:
    """Return how the stored columns (name → DuckDB type) differ from what `schema` declares."""
    problems = [
        f"declared column {name} is missing"
        if name not in stored
        else f"column {name} is {stored[name]}, expected {type_}"
        for name, type_ in schema.columns.items()
        if stored.get(name) != type_
    ]
    extra = {name: type_ for name, type_ in stored.items() if name not in schema.columns}
    if schema.open_columns is None:
        problems += [f"column {name} is not declared" for name in extra]
    elif schema.open_columns != ANY_TYPE:
        problems += [
            f"column {name} is {type_}, expected {schema.open_columns}"
            for name, type_ in extra.items()
            if type_ != schema.open_columns
        ]
    return problems


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(quoted(column) for column in columns)
