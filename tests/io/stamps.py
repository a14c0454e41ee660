"""Whether a file is untouched, whoever has read it meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

Stamp = tuple[int, int, int]


def stamp(path: Path) -> Stamp:
    """Return inode, size and time of the last change; the time of the last access is any reader's."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def stamps(paths: Iterable[Path]) -> dict[Path, Stamp]:
    """Return the stamp of each file or folder."""
    return {path: stamp(path) for path in paths}
