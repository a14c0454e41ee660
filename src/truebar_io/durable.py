"""Small files and folders written whole or not at all, and there after a power cut; locks on files.

Lock files are never deleted: who waits for a deleted one would hold another lock than who makes it anew.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from truebar.errors import StorageFullError

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PAUSE_S: Final = 0.02

_log = logging.getLogger(__name__)


def sync(path: Path) -> None:
    """Wait until the file at `path`, or the names in the folder at `path`, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_full(error: BaseException) -> bool:
    """Return whether the system or DuckDB says that there is no room."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    words = ("no space left", "disk is full", "disk quota exceeded", "file too large", "out of disk")
    return any(word in str(error).lower() for word in words)


def _write_synced(path: Path, content: bytes) -> None:
    """Write and sync one new file.

    Raises:
        StorageFullError: when the disk is full.
    """
    try:
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if is_full(error):
            raise StorageFullError(
                f"no space left to write {path.name}; what was there before is untouched. Free space, then "
                "run again."
            ) from error
        raise


def open_lock(lock: Path) -> int:
    """Return a descriptor of a lock file, which is made if need be; no program started inherits it."""
    return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def take_lock(descriptor: int, *, patience_s: float = 0.0) -> bool:
    """Lock an open file and return True, or False when others hold the lock all the while.

    The kernel frees the lock when the descriptor is closed or the process ends, however it ends.
    """
    give_up = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up:
                return False
            time.sleep(_PAUSE_S)
        else:
            return True


def is_locked(lock: Path) -> bool:
    """Return whether some process holds the lock now; those who ask do not hinder each other."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def exclusively(lock: Path, *, waiting_for: str | None = None) -> Iterator[None]:
    """Keep every other process that asks for `lock` waiting as long as the block.

    Where this process must wait itself, the log says so and for what, if that has a name.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = open_lock(lock)
    try:
        if not take_lock(descriptor):
            if waiting_for is not None:
                _log.info("waiting for %s", waiting_for)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def exclusively_if_free(lock: Path) -> Iterator[bool]:
    """Give True with `lock` held as long as the block, or False at once when another process holds it.

    Raises:
        OSError: when there is no lock file and none can be made.
    """
    descriptor = open_lock(lock)
    try:
        yield take_lock(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: bytes) -> Path:
    """Put `content` in place of `path`; readers see the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        _write_synced(partial, content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync(path.parent)
    return path


def create_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Make `folder` with `files` in it, all at once; a folder that is there already is left alone."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.{uuid4().hex}.part")
    partial.mkdir()
    try:
        for name, content in files.items():
            _write_synced(partial / name, content)
        sync(partial)
        try:
            partial.rename(folder)
        except OSError as error:
            # Another writer of the same content was first: equal names are equal content.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    sync(folder.parent)
    return folder
