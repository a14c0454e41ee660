"""DuckDB connections of the warehouse: in UTC, and blind to everything not attached to them.

Files are attached for as long as one block lasts; the connection itself is used again, as DuckDB takes some
20 ms to make one (it lists all its functions anew), which is more than most reads take.
"""

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

_IDLE_MAX = 4
"""Connections kept by a process; each has threads that wait."""

_IDLE: dict[int, list[duckdb.DuckDBPyConnection]] = {}
"""By process, as a fork copies connections and not their threads."""

_WRITTEN = "written"


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
def connected(
    root: Path, database: Path | None = None, *, reused: bool = True
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection that no other block has while this one lasts.

    A query larger than memory spills into a folder of its own: beside `database`, or hidden in `root`.

    Args:
        root: the warehouse's folder.
        database: a private file to open read-write (a writer's temporary file); None: in memory. Never a
            published file.
        reused: whether the connection may come from an earlier block and go on to a later one. Not where the
            block changes more of it than what is attached.
    """
    spill = root / f"{SPILL_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    if database is not None:
        spill = database.with_name(f"{database.name}.spill")
    connection = (_taken() if reused else None) or _opened()
    is_clean = False
    try:
        connection.execute(f"set temp_directory = {literal(str(spill))}")
        if database is not None:
            connection.execute(f"attach {literal(str(database))} as {_WRITTEN}")
            connection.execute(f"use {_WRITTEN}")
        yield connection
        _detach_all(connection)
        is_clean = reused and not spill.exists()  # what has spilled takes no other folder
    finally:
        if is_clean and len(_idle()) < _IDLE_MAX:
            _idle().append(connection)
        else:
            connection.close()
            shutil.rmtree(spill, ignore_errors=True)


def _taken() -> duckdb.DuckDBPyConnection | None:
    """Take a connection that is idle, if there is one; another thread may take the last just then."""
    try:
        return _idle().pop()
    except IndexError:
        return None


def _opened() -> duckdb.DuckDBPyConnection:
    """Return a new connection to a database in memory."""
    connection = duckdb.connect(":memory:", config=SETTINGS)
    connection.execute("set TimeZone = 'UTC'")
    return connection


def _idle() -> list[duckdb.DuckDBPyConnection]:
    """Return the connections that no block of this process has."""
    return _IDLE.setdefault(os.getpid(), [])


def _detach_all(connection: duckdb.DuckDBPyConnection) -> None:
    """Close every file that is attached."""
    connection.execute("use memory")
    attached = connection.execute(
        "select database_name from duckdb_databases() where not internal and database_name <> 'memory'"
    )
    for (name,) in attached.fetchall():
        connection.execute(f"detach {quoted(name)}")


def attach_read_only(connection: duckdb.DuckDBPyConnection, path: Path, alias: str) -> None:
    """Attach the published file `path` under `alias`."""
    connection.execute(f"attach {literal(str(path))} as {quoted(alias)} (read_only)")


def shut_in(connection: duckdb.DuckDBPyConnection) -> None:
    """Take from the connection every file but those attached, so that a user's SQL can reach no other."""
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
