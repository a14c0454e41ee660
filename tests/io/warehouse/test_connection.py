"""Connections are used again, and nothing of one block is seen in the next."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from truebar_io.warehouse.connection import attach_read_only, connected


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "published.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table t as select 1 as a")
    return path


def files_open() -> set[str]:
    return {str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}


def databases(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute("select database_name from duckdb_databases() where not internal").fetchall()
    return {name for (name,) in rows}


def test_connection_is_used_again_without_what_was_attached(tmp_path, published):
    with connected(tmp_path) as first:
        attach_read_only(first, published, "p")
        assert first.execute("select a from p.t").fetchall() == [(1,)]
        assert str(published) in files_open()
    assert str(published) not in files_open()
    with connected(tmp_path) as second:
        assert second is first
        assert databases(second) == {"memory"}
        assert second.execute("select current_database()").fetchall() == [("memory",)]


def test_connection_of_a_block_is_no_other_blocks(tmp_path):
    with connected(tmp_path) as outer, connected(tmp_path) as inner:
        assert inner is not outer


def test_connections_of_many_threads_are_one_each(tmp_path):
    inside, shared = set(), []

    def work(_):
        with connected(tmp_path) as connection:
            if connection in inside:
                shared.append(connection)
            inside.add(connection)
            answer = connection.execute("select 1").fetchall()
            inside.discard(connection)
        return answer

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(200))) == [[(1,)]] * 200
    assert shared == []


def test_connection_of_a_block_that_failed_is_closed(tmp_path, published):
    def fail():
        with connected(tmp_path) as connection:
            attach_read_only(connection, published, "p")
            kept.append(connection)
            connection.execute("select nothing")

    kept: list[duckdb.DuckDBPyConnection] = []
    with pytest.raises(duckdb.BinderException):
        fail()
    with pytest.raises(duckdb.ConnectionException):
        kept[0].execute("select 1")
    assert str(published) not in files_open()
    with connected(tmp_path) as next_one:
        assert next_one is not kept[0]


def test_connection_that_is_not_to_be_reused_is_neither_taken_nor_kept(tmp_path):
    with connected(tmp_path) as kept:
        pass
    with connected(tmp_path, reused=False) as alone:
        assert alone is not kept
    with pytest.raises(duckdb.ConnectionException):
        alone.execute("select 1")


def test_connection_of_a_forked_process_is_not_its_parents(tmp_path):
    with connected(tmp_path) as kept:
        pass
    child = os.fork()
    if child == 0:
        with connected(tmp_path) as own:
            os._exit(1 if own is kept else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_written_file_is_the_default_database_and_whole_after_the_block(tmp_path):
    new = tmp_path / "new.duckdb"
    with connected(tmp_path, new) as connection:
        connection.execute("create table main.t as select 2 as a")
        connection.execute("checkpoint")
        assert not Path(f"{new}.wal").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["new.duckdb"]
    with duckdb.connect(str(new), read_only=True) as connection:
        assert connection.execute("select a from t").fetchall() == [(2,)]


def test_query_that_spilled_leaves_no_file_and_its_connection_is_not_kept(tmp_path):
    with connected(tmp_path) as connection:
        connection.execute("set memory_limit = '60MB'")
        connection.execute("create temp table t as select hash(i) as h from range(20_000_000) r(i)")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(duckdb.ConnectionException):
        connection.execute("select 1")
