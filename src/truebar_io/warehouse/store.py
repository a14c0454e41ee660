"""The warehouse's front door: write, read, query, and what is on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from truebar.errors import ConfigurationError, InvalidSymbolError, UnknownTimeframeError
from truebar.partitions import Partition
from truebar.tables import TableSchema, schema_of
from truebar_io.home import Home
from truebar_io.warehouse import doctor, reader
from truebar_io.warehouse.changes import Change, Rows
from truebar_io.warehouse.digest import TableSummary, definition_of
from truebar_io.warehouse.files import SchemaFiles
from truebar_io.warehouse.frames import conform
from truebar_io.warehouse.matrix import View
from truebar_io.warehouse.publish import Observer, Plan, Publisher
from truebar_io.warehouse.sidecar import FileSummary, by_table, current

Mode = Literal["append", "replace"]
Moment = pd.Timestamp | str | None


@dataclass(frozen=True)
class WriteResult:
    """What one publish did to one table.

    Attributes:
        table: `schema.table`.
        rows_written: rows that the call brought; for a view, its rows.
        rows: rows in the table now.
        watermark: latest time in the table now, UTC; None without rows or time column.
        digest: of the whole table now.
    """

    table: str
    rows_written: int
    rows: int
    watermark: pd.Timestamp | None
    digest: str


def _no_observer(step: str) -> None:
    """Take no notice of a writer's step."""


class Warehouse:
    """Tables of bars, features, labels and results, one DuckDB file per symbol, timeframe and schema.

    It holds no connection and no file between calls, so any number of processes and threads may have one.

    Args:
        home: TRUEBAR_HOME; the files lie in its folder `warehouse`.
        on_step: told the name of each step of each publish as it begins (see `publish.STEPS`).
    """

    def __init__(self, home: Path | str | Home, *, on_step: Observer = _no_observer) -> None:
        self.home = home if isinstance(home, Home) else Home(Path(home))
        self.root = self.home.warehouse
        self._on_step = on_step

    def write(
        self,
        partition: Partition,
        table: str,
        frame: pd.DataFrame,
        *,
        mode: Mode = "append",
        made_from: str | None = None,
    ) -> WriteResult:
        """Publish rows of one table; see `write_tables`."""
        return self.write_tables(partition, {table: frame}, mode=mode, made_from=made_from)[table]

    def write_tables(
        self,
        partition: Partition,
        frames: Mapping[str, pd.DataFrame],
        *,
        mode: Mode | Mapping[str, Mode] = "append",
        made_from: str | None = None,
    ) -> dict[str, WriteResult]:
        """Publish rows of several tables of one schema together: readers see all of them or none.

        Args:
            partition: whose tables.
            frames: `schema.table` → rows. NaN, None and NaT become NULL; naive times are UTC.
            mode: "append" puts the rows in by the table's unique key (a row whose key is there already takes
                the place of the old one); "replace" puts them in place of the whole table. A mapping gives
                the mode of each table; one that it does not name is appended to.
            made_from: what the rows were computed from, in words of the caller's own; kept with the table.

        Raises:
            ConfigurationError: tables of several schemas, a view, or rows to be added without a key.
            UnknownTableError: a table that is not declared.
            SchemaError: columns that the table does not have, lacks, or of another type.
            CorruptDataError: rows that must never be published; what was published is untouched.
            StorageFullError: the disk is full; what was published is untouched.
            WarehouseDamagedError: the published file cannot be opened.
        """
        schemas = {name: schema_of(name) for name in frames}
        modes = dict.fromkeys(frames, mode if isinstance(mode, str) else "append")
        modes |= {} if isinstance(mode, str) else mode
        _check_call(schemas, modes)
        rows = {name: conform(frame, schemas[name]) for name, frame in frames.items()}
        files = SchemaFiles(self.root, partition, next(iter(schemas.values())).schema)
        changes = [
            Rows(schemas[name], rows[name], modes[name] == "replace", partition.timeframe) for name in frames
        ]

        def plan_for(held: dict[str, FileSummary]) -> Plan:
            plan: dict[Path, list[Change]] = {}
            for change in changes:
                for path, part in _split(files, change, held).items():
                    plan.setdefault(path, []).append(part)
            return plan

        held = Publisher(files, made_from, self._on_step).publish(plan_for)
        summaries = by_table(held, files.schema)
        return {name: _result(name, rows[name].num_rows, summaries[name]) for name in frames}

    def create_view(
        self,
        partition: Partition,
        view: str,
        families: Mapping[str, Sequence[str]],
        *,
        made_from: str | None = None,
    ) -> WriteResult:
        """Publish the view that joins feature families, with `available_at` = open_time + timeframe.

        Args:
            partition: whose view.
            view: "features.matrix".
            families: family (table name without `features.`) → its columns, in the order to be shown.
            made_from: as in `write`.

        Raises:
            MissingDataError: a family is not there, or ends before another one.
            SchemaError: a family lacks a column.
            CorruptDataError: families that end at the same bar have different bars.
        """
        files = SchemaFiles(self.root, partition, schema_of(view).schema)
        change = View(schema_of(view), dict(families), partition)

        def plan_for(held: dict[str, FileSummary]) -> Plan:
            names = _without_view(change, held)
            return {files.folder / name: [change] for name in names} or {files.file(): [change]}

        held = Publisher(files, made_from, self._on_step).publish(plan_for)
        summary = by_table(held, files.schema)[view]
        return _result(view, summary.rows, summary)

    def read(
        self,
        columns_or_star: Sequence[str] | str = "*",
        from_: str = "market.klines",
        partitions: Sequence[Partition] | Partition | None = None,
        *,
        since: Moment = None,
        until: Moment = None,
    ) -> pd.DataFrame:
        """Return rows of one table, ordered by partition (as given) and then in the table's order.

        Args:
            columns_or_star: "*", or names of columns. `symbol` and `timeframe` come with more than one
                partition, or when named.
            from_: `schema.table`.
            partitions: one or several; None: all that have the table.
            since: earliest time, inclusive; naive is UTC.
            until: latest time, exclusive; naive is UTC.

        Returns:
            Frame with a RangeIndex; times are datetime64[ns, UTC], NULL is NaN, NaT or None.

        Raises:
            UnknownTableError: the table is not declared.
            MissingDataError: a partition does not have it (yet).
            SchemaError: a column is not there.
            WarehouseDamagedError: a published file cannot be opened.
        """
        table = schema_of(from_)
        if partitions is None:
            partitions = [p for p in self.partitions() if self.has(p, from_)]
        asked = [partitions] if isinstance(partitions, Partition) else list(dict.fromkeys(partitions))
        return reader.read_table(self.root, columns_or_star, table, asked, (_moment(since), _moment(until)))

    def query(
        self, sql: str, partitions: Sequence[Partition] | None = None, *, keep_dates: bool = False
    ) -> pd.DataFrame:
        """Return the result of one read statement over `schema.table`s with symbol and timeframe columns.

        Args:
            sql: one SELECT (WITH, FROM, DESCRIBE, SUMMARIZE, VALUES).
            partitions: those to look at; None: all. A partition without a table adds no rows.
            keep_dates: give dates as `datetime.date`, to be shown, instead of as midnight UTC.

        Raises:
            QueryError: the text is not one read statement that DuckDB can bind.
            UnknownTableError: it names a table that is not declared.
            MissingDataError: no partition has a table that it names.
            WarehouseDamagedError: a published file cannot be opened.
        """
        chosen = self.partitions() if partitions is None else list(partitions)
        return reader.query(self.root, sql, chosen, keep_dates=keep_dates)

    def summary(self, partition: Partition) -> dict[str, TableSummary]:
        """Return rows, watermark, digest and origin of each table of a partition, without opening a file.

        Raises:
            WarehouseDamagedError: a file without a true sidecar cannot be opened.
        """
        summaries: dict[str, TableSummary] = {}
        for schema in self.schemas(partition):
            summaries |= by_table(current(SchemaFiles(self.root, partition, schema)), schema)
        return summaries

    def has(self, partition: Partition, table: str) -> bool:
        """Return whether the partition has the table and it can be read (a matrix: its families agree)."""
        schema = schema_of(table)
        files = SchemaFiles(self.root, partition, schema.schema)
        return any(schema.table in summary.tables for summary in current(files).values())

    def diagnose(self) -> list[doctor.Finding]:
        """Return what is wrong on disk and what to do about it; every published file is read through."""
        return doctor.diagnose(self.root)

    def sweep(self) -> list[Path]:
        """Remove what killed writers left behind and return it; writers at work are not disturbed."""
        return doctor.sweep(self.root)

    def schemas(self, partition: Partition) -> list[str]:
        """Return the schemas of which the partition has a published file."""
        folder = SchemaFiles(self.root, partition, "market").folder
        return sorted({path.name.partition(".")[0] for path in folder.glob("*.duckdb")})

    def partitions(self) -> list[Partition]:
        """Return the partitions that have a published file, by symbol and timeframe."""
        found = set()
        for path in self.root.glob("*/*/*.duckdb"):
            try:
                found.add(Partition(path.parent.parent.name, path.parent.name))
            except (InvalidSymbolError, UnknownTimeframeError):
                continue  # a folder that is not ours
        return sorted(found)


def _check_call(schemas: Mapping[str, TableSchema], modes: Mapping[str, str]) -> None:
    for name, mode in modes.items():
        if mode not in {"append", "replace"}:
            raise ConfigurationError(f'mode {mode!r} is unknown; expected "append" or "replace".')
        if name not in schemas:
            raise ConfigurationError(f"a mode is given for {name}, of which no rows are.")
    if len({schema.schema for schema in schemas.values()}) != 1:
        raise ConfigurationError(
            f"one publish writes tables of one schema; found {', '.join(schemas) or 'no table'}. Write each "
            "schema by itself."
        )
    for schema in schemas.values():
        if schema.is_view:
            raise ConfigurationError(f"{schema.name} is a view; use create_view.")
        if modes[schema.name] == "append" and not schema.key:
            raise ConfigurationError(f'{schema.name} has no unique key; write it with mode="replace".')


def _split(files: SchemaFiles, change: Rows, held: Mapping[str, FileSummary]) -> dict[Path, Rows]:
    """Return the change of each file: one of them, or for fine timeframes one for each year."""
    table = change.schema
    if not files.is_yearly or table.time_column is None:
        return {files.file(): change}
    year_of_row = pc.year(change.rows[table.time_column])
    parts = {
        files.file(year): Rows(
            table, change.rows.filter(pc.equal(year_of_row, year)), change.replace, change.timeframe
        )
        for year in sorted(pc.unique(year_of_row).to_pylist())
    }
    if change.replace:
        empty: pa.Table = change.rows.slice(0, 0)
        for name, summary in held.items():
            if table.table in summary.tables:
                parts.setdefault(files.folder / name, Rows(table, empty, True, change.timeframe))
    return parts or {files.file(): change}


def _without_view(change: View, held: Mapping[str, FileSummary]) -> list[str]:
    """Return the files in which the view is to be made: the last one, and those that do not have it whole.

    An older year that has the very same view need not be copied for it.
    """
    names = [name for name, summary in held.items() if set(summary.tables) & set(change.families)]
    wanted = definition_of(change.families)
    views = {name: held[name].tables.get(change.schema.table) for name in names}
    lacking = [name for name, view in views.items() if view is None or view.definition != wanted]
    return list(dict.fromkeys([*lacking, *names[-1:]]))


def _result(table: str, rows_written: int, summary: TableSummary) -> WriteResult:
    return WriteResult(table, rows_written, summary.rows, summary.watermark, summary.digest)


def _moment(moment: Moment) -> pd.Timestamp | None:
    if moment is None:
        return None
    stamp = pd.Timestamp(moment)
    return stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")
