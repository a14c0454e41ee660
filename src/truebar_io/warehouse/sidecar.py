"""The sidecar: what each published file of a schema holds, believed only while the file is the very same.

A writer killed between publishing a file and its sidecar leaves a sidecar that describes the file before.
Each entry therefore carries its file's stamp; a reader recomputes what does not match, and repairs the
sidecar when no writer is at work.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from truebar.errors import UnknownTableError, WarehouseDamagedError
from truebar.tables import TableSchema, schema_of
from truebar_io.warehouse.connection import attach_read_only, connected, quoted
from truebar_io.warehouse.digest import Provenance, TableSummary, merged, summarise, summarise_view
from truebar_io.warehouse.files import SchemaFiles, Stamp, replace_text

_FORMAT = 1
_REFUSED = ("permission denied", "too many open files", "could not set lock")
"""Words with which the system, not the file's content, keeps a file from being opened."""

_log = logging.getLogger(__name__)
_ATTEMPTS = 20


@dataclass(frozen=True)
class FileSummary:
    """What one published file holds: summaries by table name without the schema."""

    stamp: Stamp
    tables: dict[str, TableSummary]


def read_sidecar(files: SchemaFiles) -> dict[str, FileSummary]:
    """Return what the sidecar says for each file name; nothing when it is missing or unreadable."""
    try:
        content = json.loads(files.sidecar.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            return {}
        return {
            name: FileSummary(
                Stamp(**entry["stamp"]),
                {table: _table_from(summary) for table, summary in entry["tables"].items()},
            )
            for name, entry in content["files"].items()
        }
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_sidecar(files: SchemaFiles, summaries: dict[str, FileSummary]) -> None:
    """Replace the sidecar; only for whoever holds the lock."""
    content = {
        "format": _FORMAT,
        "files": {
            name: {
                "stamp": vars(summary.stamp),
                "tables": {table: _table_to(held) for table, held in summary.tables.items()},
            }
            for name, summary in summaries.items()
        },
    }
    replace_text(files.sidecar, json.dumps(content, indent=1))


def write_if_possible(files: SchemaFiles, summaries: dict[str, FileSummary]) -> None:
    """Replace the sidecar, or go on without it: the rows are what counts, and a stale one is not believed."""
    try:
        write_sidecar(files, summaries)
    except OSError as error:
        _log.warning("%s was not written (%s); it is repaired at the next read", files.sidecar, error)


def _table_to(summary: TableSummary) -> dict[str, object]:
    watermark = None if summary.watermark is None else summary.watermark.isoformat()
    return {**vars(summary), "watermark": watermark}


def _table_from(entry: dict[str, object]) -> TableSummary:
    watermark = entry["watermark"]
    if watermark is not None:
        watermark = pd.Timestamp(str(watermark))
    return TableSummary(**{**entry, "watermark": watermark})  # type: ignore[arg-type]


def current(files: SchemaFiles) -> dict[str, FileSummary]:
    """Return the summary of each published file as it is now, in the files' order.

    Files that the sidecar does not describe are read through, and the sidecar is repaired if no writer is
    at work.

    Raises:
        WarehouseDamagedError: when such a file cannot be opened.
    """
    summaries, stale = inspect(files)
    if stale:
        with files.locked_if_free() as free:
            if free:
                summaries, stale = inspect(files)
                write_if_possible(files, summaries)
    return summaries


def inspect(files: SchemaFiles) -> tuple[dict[str, FileSummary], bool]:
    """Return the summary of each published file, and whether the sidecar says something else."""
    said = read_sidecar(files)
    summaries: dict[str, FileSummary] = {}
    stale = False
    for path in files.published():
        entry = said.get(path.name)
        if entry is None or entry.stamp != Stamp.of(path):
            entry = read_through(files, path)
            stale = True
        summaries[path.name] = entry
    return summaries, stale or set(said) != set(summaries)


def read_through(files: SchemaFiles, path: Path) -> FileSummary:
    """Return the summary of the published file `path`, computed from its rows.

    Raises:
        WarehouseDamagedError: when it cannot be opened, or is replaced over and over while being read.
    """
    for _ in range(_ATTEMPTS):
        stamp = Stamp.of(path)
        with connected(files.root) as connection:
            try:
                attach_read_only(connection, path, "published")
                tables = summarise_all(connection, "published", files.schema)
            except duckdb.Error as error:
                raise damaged(path, error) from error
        if Stamp.of(path) == stamp:
            return FileSummary(stamp, tables)
    raise WarehouseDamagedError(f"{path} changed {_ATTEMPTS} times while it was read; is a writer looping?")


def summarise_all(
    connection: duckdb.DuckDBPyConnection,
    catalog: str,
    schema: str,
    unchanged: dict[str, TableSummary] | None = None,
) -> dict[str, TableSummary]:
    """Return the summary of each declared table of a catalog, and of each view that can be read.

    Args:
        connection: with the catalog attached.
        catalog: the file's name in the connection.
        schema: the file's schema.
        unchanged: tables whose summary is known already.
    """
    summaries: dict[str, TableSummary] = {}
    views: list[tuple[TableSchema, Provenance]] = []
    for name, noted in provenance(connection, catalog).items():
        declared = declared_as(f"{schema}.{name}")
        if declared is None:
            continue
        if declared.is_view:
            views.append((declared, noted))
        elif unchanged and name in unchanged:
            summaries[name] = unchanged[name]
        else:
            summaries[name] = summarise(connection, _relation(catalog, name), declared, noted)
    for declared, noted in views:
        relation = _relation(catalog, declared.table)
        try:
            summary = summarise_view(connection, relation, declared, noted, summaries)
        except (duckdb.InvalidInputException, duckdb.BinderException, duckdb.CatalogException):
            continue  # its tables disagree, so it refuses to be read: doctor tells
        summaries[declared.table] = summary
    return summaries


def _relation(catalog: str, name: str) -> str:
    return f"{quoted(catalog)}.main.{quoted(name)}"


def provenance(connection: duckdb.DuckDBPyConnection, catalog: str) -> dict[str, Provenance]:
    """Return what was noted with each table and view in a catalog's `main`."""
    found = connection.execute(
        "select table_name, comment from duckdb_tables() "
        "where database_name = $name and schema_name = 'main' "
        "union all select view_name, comment from duckdb_views() "
        "where database_name = $name and schema_name = 'main' and not internal order by 1",
        {"name": catalog},
    )
    return {name: Provenance.from_comment(comment) for name, comment in found.fetchall()}


def declared_as(name: str) -> TableSchema | None:
    """Return the schema of the table `name`, or None when truebar does not declare it."""
    try:
        return schema_of(name)
    except UnknownTableError:
        return None


def damaged(path: Path, error: BaseException) -> WarehouseDamagedError:
    """Return the error that names a published file that cannot be read, and says what to do."""
    advice = (
        "Move it away (keep it for inspection), then materialize its tables again; truebar doctor lists "
        "every such file."
    )
    if any(word in str(error).lower() for word in _REFUSED):
        advice = (
            "The system does not let it be opened; the file itself may be whole, so leave it where it is."
        )
    return WarehouseDamagedError(f"{path} cannot be read: {str(error).strip()}. {advice}")


def by_table(summaries: dict[str, FileSummary], schema: str) -> dict[str, TableSummary]:
    """Return the summary of each table over all files, by its full name."""
    in_order = [summaries[file].tables for file in sorted(summaries)]
    names = sorted({name for tables in in_order for name in tables})
    return {
        f"{schema}.{name}": merged([tables[name] for tables in in_order if name in tables]) for name in names
    }
