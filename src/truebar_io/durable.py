"""Small files and folders written whole or not at all, and there after a power cut."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from truebar.errors import StorageFullError


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFullError(
                f"no space left to write {path.name}; what was there before is untouched. Free space, then "
                "run again."
            ) from error
        raise


@contextmanager
def exclusively(lock: Path) -> Iterator[None]:
    """Keep every other process that asks for `lock` waiting as long as the block.

    The kernel frees the lock when the process ends, however it ends.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
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
    sync_folder(path.parent)
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
        sync_folder(partial)
        try:
            partial.rename(folder)
        except OSError as error:
            # Another writer of the same content was first: equal names are equal content.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    sync_folder(folder.parent)
    return folder
