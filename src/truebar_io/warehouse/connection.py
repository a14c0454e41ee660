"""DuckDB connections of the warehouse: short-lived, in UTC, and blind to everything not attached to them."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

SPILL_PREFIX = ".spill-"

SETTINGS = {
    # A name in a SQL text means a table, never a Python variable of the caller.
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def quoted(name: str) -> str:
    """Return `name` as a SQL identifier.

    >>> quoted('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return `text` as a SQL string literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def connected(root: Path, database: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection that lives as long as the block.

    A query larger than memory spills into a folder of its own: beside `database`, or hidden in `root`.

    Args:
        root: the warehouse's folder.
        database: a private file to open read-write (a writer's temporary file); None: in memory. Never a
            published file: DuckDB's instance cache would go on showing its old rows after a publish.
    """
    spill = root / f"{SPILL_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    if database is not None:
        spill = database.with_name(f"{database.name}.spill")
    connection = duckdb.connect(":memory:" if database is None else str(database), config=SETTINGS)
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"set temp_directory = {literal(str(spill))}")
        yield connection
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)


def attach_read_only(connection: duckdb.DuckDBPyConnection, path: Path, alias: str) -> None:
    """Attach the published file `path` under `alias`."""
    connection.execute(f"attach {literal(str(path))} as {quoted(alias)} (read_only)")


def shut_in(connection: duckdb.DuckDBPyConnection) -> None:
    """Take from the connection every file but those attached, so that a user's SQL can reach no other."""
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
