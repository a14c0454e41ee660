"""Locks on files: who waits, who is told at once, and that nobody who is gone holds one."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import subprocess
import threading
from pathlib import Path

import pytest

from truebar.errors import StorageFullError
from truebar_io.durable import exclusively, exclusively_if_free, is_full, is_locked, replace_file


def test_exclusively_waits_until_the_lock_is_free_and_the_log_says_for_what(tmp_path, caplog):
    lock, held = tmp_path / "folder" / "lock", threading.Event()
    order = []

    def hold() -> None:
        with exclusively(lock):
            held.set()
            waiting.wait(5)
            order.append("first")

    class Waiting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            waiting.set()

    waiting = threading.Event()
    logger = logging.getLogger("truebar_io.durable")
    told = Waiting()
    logger.addHandler(told)
    try:
        with caplog.at_level(logging.INFO, logger.name):
            other = threading.Thread(target=hold)
            other.start()
            held.wait(5)
            with exclusively(lock, waiting_for="the other"):
                order.append("second")
            other.join()
    finally:
        logger.removeHandler(told)
    assert order == ["first", "second"]
    assert caplog.messages == ["waiting for the other"]


def test_exclusively_says_nothing_where_it_need_not_wait(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "truebar_io.durable"), exclusively(tmp_path / "lock", waiting_for="x"):
        assert is_locked(tmp_path / "lock")
    assert caplog.messages == []


def test_exclusively_if_free_tells_at_once_and_frees_only_what_it_holds(tmp_path):
    lock = tmp_path / "lock"
    with exclusively_if_free(lock) as first, exclusively_if_free(lock) as second:
        assert (first, second) == (True, False)
    with exclusively_if_free(lock) as again:
        assert again
    with pytest.raises(FileNotFoundError), exclusively_if_free(tmp_path / "gone" / "lock"):
        pass


def test_lock_is_free_after_an_error_and_its_file_stays(tmp_path):
    lock = tmp_path / "lock"
    with pytest.raises(KeyError), exclusively(lock):
        raise KeyError
    assert lock.exists()
    assert not is_locked(lock)


def test_is_locked_is_false_without_a_file_and_for_others_who_ask(tmp_path):
    lock = tmp_path / "lock"
    assert not is_locked(lock)
    lock.touch()
    asking = os.open(lock, os.O_RDONLY)
    fcntl.flock(asking, fcntl.LOCK_SH)
    assert not is_locked(lock)
    os.close(asking)


def test_lock_is_not_inherited_by_programs_that_are_started(tmp_path):
    lock = tmp_path / "lock"
    with exclusively(lock):
        child = subprocess.Popen(
            ["/bin/cat"], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False
        )
    try:
        child.stdin.write(b"?")
        assert child.stdout.read(1) == b"?"  # it runs: the kernel closes descriptors just before
        assert not is_locked(lock)
    finally:
        child.communicate()


def test_full_disk_is_named_and_what_was_there_stays(tmp_path, monkeypatch):
    path = replace_file(tmp_path / "file", b"before")

    def no_room(descriptor: int) -> None:
        raise OSError(errno.EDQUOT, "quota")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(StorageFullError, match="no space left to write"):
        replace_file(path, b"after")
    assert path.read_bytes() == b"before"
    assert [file.name for file in Path(tmp_path).iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.EFBIG, "x"), True),
        (OSError(errno.EACCES, "x"), False),
        (RuntimeError("IO Error: No space left on device"), True),
        (RuntimeError("another"), False),
    ],
)
def test_is_full_knows_the_system_and_other_libraries_by_their_words(error, expected):
    assert is_full(error) is expected
