"""The matrix: a view over feature families that refuses to be read while the families disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from truebar.errors import ConfigurationError, CorruptDataError, MissingDataError, SchemaError
from truebar.tables import TableSchema, schema_of
from truebar.units import timeframe_nanoseconds
from truebar_io.warehouse.changes import relation_of
from truebar_io.warehouse.connection import literal, quoted
from truebar_io.warehouse.digest import column_types

DISAGREE = "families disagree"
"""In the message with which the view itself refuses to be read."""


@dataclass(frozen=True)
class View:
    """A view that joins families of one schema, its columns named one by one.

    Attributes:
        schema: the view's own schema.
        families: table of the same schema → the columns taken from it, both in the order to be shown.
        timeframe: bar length, for `available_at` = open_time + timeframe.
    """

    schema: TableSchema
    families: Mapping[str, Sequence[str]]
    timeframe: str

    def __post_init__(self) -> None:
        if not self.schema.is_view:
            raise ConfigurationError(f"{self.schema.name} is a table, not a view; use write.")
        columns = [column for columns in self.families.values() for column in columns]
        if not columns or len(set(columns)) != len(columns) or set(columns) & set(self.schema.columns):
            raise ConfigurationError(
                f"{self.schema.name}: expected families with columns of distinct names, other than "
                f"{', '.join(self.schema.columns)}; found {dict(self.families)}."
            )
        for family in self.families:
            schema_of(f"{self.schema.schema}.{family}")

    def apply(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Create the view in the writer's private file, if its families agree.

        Raises:
            MissingDataError: a family is not there, or is behind another one.
            SchemaError: a family lacks a column.
            CorruptDataError: families that end at the same bar have different bars.
        """
        self._check_columns(connection)
        self._check_bars(connection)
        relation = relation_of(self.schema)
        connection.execute(f"drop view if exists {relation}")
        connection.execute(f"create view {relation} as {self.sql()}")

    def verify(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Read one row, so that a view that cannot be read is never published."""
        connection.execute(f"from {relation_of(self.schema)} limit 1").fetchall()

    def _check_columns(self, connection: duckdb.DuckDBPyConnection) -> None:
        found = connection.execute("select table_name from duckdb_tables() where schema_name = 'main'")
        tables = {row[0] for row in found.fetchall()}
        for family, columns in self.families.items():
            if family not in tables:
                raise MissingDataError(
                    f"{self.schema.name} needs {self.schema.schema}.{family}, which is not there yet. "
                    f"Materialize {self.schema.schema}/{family} first."
                )
            missing = sorted(set(columns) - set(column_types(connection, f"main.{quoted(family)}")))
            if missing:
                raise SchemaError(
                    f"{self.schema.schema}.{family} has no column {', '.join(missing)}, which "
                    f"{self.schema.name} names. Materialize {self.schema.schema}/{family} again."
                )

    def _check_bars(self, connection: duckdb.DuckDBPyConnection) -> None:
        state = {
            family: connection.execute(
                f"select count(*), max(open_time) from main.{quoted(family)}"
            ).fetchall()[0]
            for family in self.families
        }
        if len(set(state.values())) > 1:
            told = "; ".join(f"{family} has {rows} rows to {end}" for family, (rows, end) in state.items())
            behind = len({end for _, end in state.values()}) > 1
            error = MissingDataError if behind else CorruptDataError
            raise error(
                f"{self.schema.name} is refused, its families disagree: {told}. A join would drop rows. "
                "Materialize the family that is behind, then this view."
            )
        joined = connection.execute(f"select count(*) from {self._joined()}").fetchall()[0][0]
        if joined != next(iter(state.values()))[0]:
            raise CorruptDataError(
                f"{self.schema.name} is refused: its families share only {joined} of "
                f"{next(iter(state.values()))[0]} bars. Materialize the families again from the same bars."
            )

    def _joined(self) -> str:
        first, *others = (f"main.{quoted(family)}" for family in self.families)
        return first + "".join(f" inner join {other} using (open_time)" for other in others)

    def sql(self) -> str:
        """Return the view's query.

        Its condition counts the families' rows each time and raises when they differ: whoever opens the
        file, with whatever client, gets an error instead of a matrix with rows silently missing.
        """
        families = list(self.families)
        bar_us = timeframe_nanoseconds(self.timeframe) // 1_000
        columns = [f"{quoted(families[0])}.open_time as open_time"]
        columns.append(f"{quoted(families[0])}.open_time + to_microseconds({bar_us}) as available_at")
        columns += [
            f"{quoted(f)}.{quoted(c)} as {quoted(c)}" for f, named in self.families.items() for c in named
        ]
        select = f"select {', '.join(columns)} from {self._joined()}"
        if len(families) == 1:
            return select
        ends = " union all ".join(
            f"select {literal(family)} as family, count(*) as n, max(open_time) as latest from main.{quoted(family)}"
            for family in families
        )
        message = f"{self.schema.name}: {DISAGREE}: "
        return (
            f"{select} where (select case when min(n) = max(n) and min(latest) is not distinct from max(latest) "
            f"then true else error({literal(message)} || string_agg(family || ' has ' || n || ' rows to ' || "
            f"coalesce(latest::varchar, 'none'), ', ' order by family)) end from ({ends}))"
        )
