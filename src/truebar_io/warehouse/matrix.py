"""The matrix: a view over feature families that refuses to be read while the families disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from truebar.errors import ConfigurationError, CorruptDataError, MissingDataError, SchemaError
from truebar.partitions import Partition
from truebar.tables import TableSchema, schema_of
from truebar.units import timeframe_nanoseconds
from truebar_io.warehouse.changes import relation_of, tables_in
from truebar_io.warehouse.connection import literal, quoted
from truebar_io.warehouse.digest import Provenance, column_types

DISAGREE = "families disagree"
"""In the message with which the view itself refuses to be read."""


@dataclass(frozen=True)
class View:
    """A view that joins families of one schema, its columns named one by one.

    Attributes:
        schema: the view's own schema.
        families: table of the same schema → the columns taken from it, both in the order to be shown.
        partition: whose view; `available_at` is open_time plus its timeframe.
    """

    schema: TableSchema
    families: Mapping[str, Sequence[str]]
    partition: Partition

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
            if schema_of(f"{self.schema.schema}.{family}").is_view:
                raise ConfigurationError(f"{self.schema.name} cannot be made of the view {family!r}.")

    def provenance(self, made_from: str | None, publish: int) -> Provenance:
        """Return what is noted with the view."""
        return Provenance(made_from, publish, {name: list(named) for name, named in self.families.items()})

    def apply(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Create the view in the writer's private file, if its families agree.

        Raises:
            MissingDataError: a family is not there, or ends before another one.
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
        tables = tables_in(connection)
        for family, columns in self.families.items():
            name = f"{self.schema.schema}.{family}"
            again = f"Materialize {name.replace('.', '/')}"
            if family not in tables:
                raise MissingDataError(
                    f"{self.schema.name} needs {name}, which is not there yet. {again} first."
                )
            missing = sorted(set(columns) - set(column_types(connection, f"main.{quoted(family)}")))
            if missing:
                raise SchemaError(
                    f"{name} has no column {', '.join(missing)}, which {self.schema.name} names. "
                    f"{again} again."
                )

    def _check_bars(self, connection: duckdb.DuckDBPyConnection) -> None:
        states = connection.execute(f"{self._states()} order by family").fetchall()
        if len({(rows, bars) for _, rows, bars, _ in states}) == 1:
            return
        told = "; ".join(f"{family} has {rows} rows to {latest}" for family, rows, _, latest in states)
        behind = len({latest for *_, latest in states}) > 1
        error = MissingDataError if behind else CorruptDataError
        raise error(
            f"{self.schema.name} is refused, its families do not have the same bars: {told}. A join would "
            "drop rows. Materialize the families again from the same bars, then this view."
        )

    def _states(self) -> str:
        """Return the SQL of each family's number of rows, fingerprint of its set of bars, and last bar."""
        return " union all ".join(
            f"select {literal(family)} as family, count(*) as n, bit_xor(hash(open_time)) as bars, "
            f"coalesce(max(open_time)::varchar, 'none') as latest from main.{quoted(family)}"
            for family in self.families
        )

    def sql(self) -> str:
        """Return the view's query.

        Families lie in order of time, so rows are put side by side as they come, in a quarter of the time of
        a join by key. Each row's bars are compared, and what differs raises: whoever opens the file, with
        whatever client, gets an error instead of a matrix with rows missing or mixed.
        """
        first, *others = self.families
        bar_us = timeframe_nanoseconds(self.partition.timeframe) // 1_000
        time = f"{_table(first)}.open_time"
        columns = [
            f"{time} as open_time",
            f"{time} + to_microseconds({bar_us}) as available_at",
            *(
                f"{_table(family)}.{quoted(column)} as {quoted(column)}"
                for family, named in self.families.items()
                for column in named
            ),
        ]
        joined = " positional join ".join(_table(family) for family in self.families)
        agree = " and ".join(f"{time} = {_table(other)}.open_time" for other in others) or "true"
        message = literal(f"{self.schema.name} of {self.partition}: {DISAGREE}: side by side lie ")
        told = " || ', ' || ".join(
            f"{literal(f'{family} ')} || coalesce({_table(family)}.open_time::varchar, 'no bar')"
            for family in self.families
        )
        return (
            f"select {', '.join(columns)} from {joined} "
            f"where case when {agree} then true else error({message} || {told}) end"
        )


def _table(family: str) -> str:
    return f"main.{quoted(family)}"
