"""Where one partition's schema lies on disk, who may write it, and what a killed writer left behind.

`<root>/<symbol>/<timeframe>/<schema>.duckdb` is published; `.lock` beside it is held while one writes;
`<schema>.json` is the sidecar. Timeframes of 1m and finer have `<schema>.<year>.duckdb` for each year, and
`<schema>.duckdb` for tables without a time column. One lock covers all files of a schema.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from truebar.errors import ConfigurationError, StorageFullError, UnknownTableError
from truebar.partitions import Partition
from truebar.tables import NAME_PATTERN
from truebar.units import TIMEFRAME_SECONDS, YEARLY_FILE_MAX_SECONDS
from truebar_io.durable import exclusively, exclusively_if_free, sync

_TEMPORARY = ".tmp-"


@dataclass(frozen=True)
class Stamp:
    """What tells one published generation of a file from the next."""

    inode: int
    size_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return the stamp of the file at `path` now."""
        status = path.stat()
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class SchemaFiles:
    """The files of one schema of one partition."""

    root: Path
    partition: Partition
    schema: str

    def __post_init__(self) -> None:
        if not isinstance(self.partition, Partition):
            raise ConfigurationError(f"expected a Partition, found {self.partition!r}.")
        # It has checked its own parts once, but only this stands between a name and a path.
        Partition(self.partition.symbol, self.partition.timeframe)
        if not isinstance(self.schema, str) or NAME_PATTERN.fullmatch(self.schema) is None:
            raise UnknownTableError(f"schema {self.schema!r} is unknown; expected lower-case letters.")

    @property
    def folder(self) -> Path:
        """The partition's folder."""
        return self.root / self.partition.symbol / self.partition.timeframe

    @property
    def is_yearly(self) -> bool:
        """Whether the rows are split by the year of their time, because an append copies a file."""
        return TIMEFRAME_SECONDS[self.partition.timeframe] <= YEARLY_FILE_MAX_SECONDS

    @property
    def lock(self) -> Path:
        """The lock file of all files of the schema; never deleted."""
        return self.folder / f"{self.schema}.duckdb.lock"

    @property
    def sidecar(self) -> Path:
        """The summary of what is published."""
        return self.folder / f"{self.schema}.json"

    def file(self, year: int | None = None) -> Path:
        """Return the published file of one year, or the one that is not split."""
        return self.folder / (f"{self.schema}.duckdb" if year is None else f"{self.schema}.{year:04d}.duckdb")

    def published(self) -> list[Path]:
        """Return the published files that exist: the years, ascending, then the one not split."""
        return self._matching(r"(\.\d{4})?\.duckdb")

    def leftovers(self) -> list[Path]:
        """Return what writers that were killed have left: temporary files, their logs and spill folders."""
        return self._matching(rf"(\.\d{{4}})?\.(duckdb|json){re.escape(_TEMPORARY)}.*")

    def logs(self) -> list[Path]:
        """Return write-ahead logs beside published files; no writer of truebar leaves one."""
        return self._matching(r"(\.\d{4})?\.duckdb\.wal")

    def _matching(self, rest: str) -> list[Path]:
        pattern = re.compile(re.escape(self.schema) + rest)
        try:
            return sorted(path for path in self.folder.iterdir() if pattern.fullmatch(path.name))
        except FileNotFoundError:
            return []

    def sweep(self) -> list[Path]:
        """Remove the leftovers and return them; only for whoever holds the lock."""
        swept = self.leftovers()
        for path in swept:
            remove(path)
        return swept

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until no other writer is at work, then keep the others waiting as long as the block."""
        make_folder(self.folder)
        with exclusively(self.lock, waiting_for=f"another writer of {self.partition} {self.schema}"):
            yield

    @contextmanager
    def locked_if_free(self) -> Iterator[bool]:
        """Give True with the lock held as long as the block, or False at once when a writer is at work."""
        with ExitStack() as held:
            try:
                free = held.enter_context(exclusively_if_free(self.lock))
            except OSError:  # the folder is read-only or gone: there is nothing to repair from here
                free = False
            yield free


def temporary(path: Path) -> Path:
    """Return a name beside `path` that nobody else uses and that the next writer would sweep."""
    return path.with_name(f"{path.name}{_TEMPORARY}{os.getpid()}-{secrets.token_hex(4)}")


def remove(path: Path) -> None:
    """Remove a file or folder that may be gone already."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents, each of which outlives a power cut once this returns."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for made in reversed(missing):
        made.mkdir(exist_ok=True)
        sync(made.parent)


def replace_text(path: Path, text: str) -> None:
    """Replace the file at `path` atomically."""
    new = temporary(path)
    try:
        new.write_text(text, encoding="utf-8")
        sync(new)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def storage_full(path: Path, error: BaseException) -> StorageFullError:
    """Return the error that says where there is no room and what is still whole."""
    return StorageFullError(
        f"no room to write {path.name} in {path.parent}: {error}. What was published before is untouched. "
        "Free some space (truebar doctor lists leftovers), then run again."
    )
