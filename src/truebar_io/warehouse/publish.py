"""The writer: a private copy is changed and checked, then takes the published file's place in one rename.

Readers hold the old file or the new one, never something between. A writer killed at any step leaves the
published file as it was, or replaced as a whole.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from truebar.errors import WarehouseDamagedError
from truebar_io.durable import is_full, sync
from truebar_io.warehouse.changes import Change, relation_of
from truebar_io.warehouse.connection import connected, literal, quoted
from truebar_io.warehouse.digest import TableSummary
from truebar_io.warehouse.files import SchemaFiles, Stamp, storage_full, temporary
from truebar_io.warehouse.sidecar import FileSummary, damaged, inspect, summarise_all, write_if_possible

STEPS: Final = (
    "lock",
    "sweep",
    "copy",
    "transaction",
    "check",
    "checkpoint",
    "fsync",
    "replace",
    "sync_folder",
    "sidecar",
)
"""What a publish goes through, in this order; copy to fsync once for each file."""

Observer = Callable[[str], None]
"""Told the name of each step as it begins."""

Plan = Mapping[Path, Sequence[Change]]
"""The changes of each file that a publish touches."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Built:
    """A private file that is ready to be published, and what it holds."""

    path: Path
    tables: dict[str, TableSummary]


@dataclass(frozen=True)
class Publisher:
    """Writes the files of one schema of one partition.

    Attributes:
        files: the schema's files.
        made_from: noted with each changed table.
        on_step: observer of the steps.
    """

    files: SchemaFiles
    made_from: str | None
    on_step: Observer

    def publish(self, plan_for: Callable[[dict[str, FileSummary]], Plan]) -> dict[str, FileSummary]:
        """Change the files that `plan_for` names, all of them or none, and return what every file now holds.

        With several files (years), each is built and checked before the first is renamed; a kill between two
        renames leaves the years of which the first are new and the others old, each whole.

        Args:
            plan_for: gets what is published now and returns the changes of each file; called under the lock.

        Raises:
            StorageFullError: the disk is full; what was published is untouched.
            WarehouseDamagedError: a published file that must be copied cannot be opened.
        """
        self.on_step("lock")
        try:
            with self.files.locked():
                self.on_step("sweep")
                self.files.sweep()
                held, _ = inspect(self.files)
                try:
                    number = 1 + max((t.publish for s in held.values() for t in s.tables.values()), default=0)
                    built = {
                        file: self._build(file, changes, number, held.get(file.name))
                        for file, changes in plan_for(held).items()
                    }
                    self._replace(built, held)
                finally:
                    self.files.sweep()
                return held
        except OSError as error:
            if is_full(error):
                raise storage_full(self.files.file(), error) from error
            raise

    def _build(
        self, file: Path, changes: Sequence[Change], number: int, before: FileSummary | None
    ) -> _Built:
        """Make a private file out of `file`, changed and checked."""
        if Path(f"{file}.wal").exists():
            raise WarehouseDamagedError(
                f"{file.name}.wal lies beside {file}: another program has opened the published file for "
                "writing. Close that program, then open and close the file in a DuckDB client, which folds "
                "the log in; the warehouse's own files are for reading only."
            )
        new = temporary(file)
        self.on_step("copy")
        if file.exists():
            shutil.copyfile(file, new)
        try:
            with connected(self.files.root, new) as connection:
                tables = self._change(connection, changes, number, before)
                self.on_step("checkpoint")
                connection.execute("checkpoint")
        except duckdb.Error as error:
            if is_full(error):
                raise storage_full(file, error) from error
            if isinstance(error, (duckdb.IOException, duckdb.SerializationException, duckdb.FatalException)):
                raise damaged(file, error) from error
            raise
        if Path(f"{new}.wal").exists():
            raise WarehouseDamagedError(f"{new.name} kept a write-ahead log after its checkpoint.")
        self.on_step("fsync")
        sync(new)
        return _Built(new, tables)

    def _change(
        self,
        connection: duckdb.DuckDBPyConnection,
        changes: Sequence[Change],
        number: int,
        before: FileSummary | None,
    ) -> dict[str, TableSummary]:
        """Change and check the private file, and return what it then holds."""
        self.on_step("transaction")
        connection.execute("begin")
        for change in changes:
            change.apply(connection)
            kind = "view" if change.schema.is_view else "table"
            comment = change.provenance(self.made_from, number).to_comment()
            connection.execute(f"comment on {kind} {relation_of(change.schema)} is {literal(comment)}")
        _drop_broken_views(connection)
        connection.execute("commit")
        self.on_step("check")
        for change in changes:
            change.verify(connection)
        changed = {change.schema.table for change in changes}
        known = {} if before is None else before.tables
        unchanged = {name: summary for name, summary in known.items() if name not in changed}
        catalog = connection.execute("select current_database()").fetchall()[0][0]
        return summarise_all(connection, catalog, self.files.schema, unchanged)

    def _replace(self, built: Mapping[Path, _Built], held: dict[str, FileSummary]) -> None:
        """Publish the private files and bring `held` up to date."""
        self.on_step("replace")
        for file, new in built.items():
            new.path.replace(file)
        self.on_step("sync_folder")
        sync(self.files.folder)
        for file, new in built.items():
            held[file.name] = FileSummary(Stamp.of(file), new.tables)
        self.on_step("sidecar")
        write_if_possible(self.files, held)


def _drop_broken_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop views that name a column or table that is gone: better no matrix than one that cannot be read."""
    found = connection.execute(
        "select view_name from duckdb_views() where schema_name = 'main' and not internal "
        "and database_name = current_database()"
    )
    for (name,) in found.fetchall():
        relation = f"main.{quoted(name)}"
        try:
            connection.execute(f"describe from {relation}")
        except (duckdb.BinderException, duckdb.CatalogException):
            connection.execute(f"drop view {relation}")
            _log.warning("view %s was dropped: a column or table that it names is gone", name)
