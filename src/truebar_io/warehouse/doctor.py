"""What is wrong on disk, and what to do about it; and the removal of what killed processes left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from truebar.errors import InvalidSymbolError, UnknownTableError, UnknownTimeframeError, WarehouseDamagedError
from truebar.partitions import Partition
from truebar.tables import schema_of
from truebar_io.warehouse.changes import schema_problems
from truebar_io.warehouse.connection import SPILL_PREFIX, attach_read_only, connected, quoted
from truebar_io.warehouse.digest import column_types
from truebar_io.warehouse.files import SchemaFiles, Stamp, remove
from truebar_io.warehouse.sidecar import declared_as, provenance, read_sidecar, read_through

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        severity: "error" stops work on the partition; "warning" will, or wastes space; "info" heals itself.
        partition: whose file; None when it belongs to no partition.
        file: the file or folder.
        problem: what was found.
        advice: what to do.
    """

    severity: Severity
    partition: Partition | None
    file: Path
    problem: str
    advice: str


def diagnose(root: Path) -> list[Finding]:
    """Return what is wrong in the warehouse at `root`; every published file is read through.

    Leftovers of a writer that is still at work are none of its findings.
    """
    findings = [
        Finding("info", None, path, "a killed process left its spill folder", _SWEEP)
        for path in _dead_spills(root)
    ]
    for files in schemas_on_disk(root):
        findings += _left_behind(files)
        for path in files.published():
            try:
                findings += _in_file(files, path)
            except WarehouseDamagedError as error:
                advice = "move the file away, then materialize its tables again"
                findings.append(Finding("error", files.partition, path, str(error), advice))
    return findings


_SWEEP = "run truebar doctor --fix; the next write removes it too"


def sweep(root: Path) -> list[Path]:
    """Remove what killed writers left behind and return it; files of writers at work are not touched."""
    swept = _dead_spills(root)
    for path in swept:
        remove(path)
    for files in schemas_on_disk(root):
        with files.locked_if_free() as free:
            if free:
                swept += files.sweep()
    return swept


def schemas_on_disk(root: Path) -> Iterator[SchemaFiles]:
    """Give every schema of every partition of which any file exists, published or not."""
    found = {
        (folder.parent.name, folder.name, path.name.partition(".")[0])
        for path in root.glob("*/*/*")
        for folder in [path.parent]
    }
    for symbol, timeframe, schema in sorted(found):
        try:
            yield SchemaFiles(root, Partition(symbol, timeframe), schema)
        except (InvalidSymbolError, UnknownTimeframeError, UnknownTableError):
            continue  # a folder or file that is not the warehouse's


def _dead_spills(root: Path) -> list[Path]:
    """Return the spill folders of readers whose process is gone."""
    spills = root.glob(f"{SPILL_PREFIX}*-*")
    return [path for path in sorted(spills) if not _is_alive(path.name.split("-")[1])]


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


def _left_behind(files: SchemaFiles) -> list[Finding]:
    findings = [
        Finding(
            "error",
            files.partition,
            path,
            "a write-ahead log lies beside the published file: another program opened it for writing",
            "close that program; open and close the file in a DuckDB client, which folds the log in",
        )
        for path in files.logs()
    ]
    with files.locked_if_free() as free:
        if not free:
            return findings
        findings += [
            Finding("warning", files.partition, path, "a killed writer left its private file", _SWEEP)
            for path in files.leftovers()
        ]
        said = read_sidecar(files)
        stamps = {path.name: Stamp.of(path) for path in files.published()}
        if {name: summary.stamp for name, summary in said.items()} != stamps:
            problem = "the sidecar does not describe the files as they are now (a writer was killed)"
            advice = "nothing; readers do not believe it and the next read of a summary repairs it"
            findings.append(Finding("info", files.partition, files.sidecar, problem, advice))
    return findings


def _in_file(files: SchemaFiles, path: Path) -> Iterator[Finding]:
    """Give what is wrong inside one published file."""
    read = read_through(files, path)
    said = read_sidecar(files).get(path.name)
    if said is not None and said.stamp == read.stamp and said.tables != read.tables:
        problem = "the rows are not those that the sidecar describes, though the file looks untouched"
        advice = f"remove {files.sidecar.name} and materialize the tables again: the disk may be failing"
        yield Finding("error", files.partition, path, problem, advice)
    with connected(files.root) as connection:
        attach_read_only(connection, path, "published")
        for table in provenance(connection, "published"):
            yield from _in_table(connection, files, path, table, readable=table in read.tables)


def _in_table(
    connection: duckdb.DuckDBPyConnection, files: SchemaFiles, path: Path, table: str, *, readable: bool
) -> Iterator[Finding]:
    name = f"{files.schema}.{table}"
    declared = declared_as(name)
    again = f"materialize {name.replace('.', '/')} again"
    if declared is None:
        problem = f"{name} is not declared by this version of truebar"
        yield Finding("warning", files.partition, path, problem, "none is needed; nothing reads it")
    elif not readable:
        problem = f"the view {name} cannot be read: its families do not have the same bars"
        yield Finding("error", files.partition, path, problem, f"materialize its families, then {again}")
    else:
        types = column_types(connection, f"published.main.{quoted(table)}")
        for problem in schema_problems(schema_of(name), types):
            advice = f'{again} (mode="replace"): rows cannot be added to it'
            yield Finding("error", files.partition, path, f"{name}: {problem}", advice)
