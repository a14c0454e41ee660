"""The landing folder: `<home>/landing/<SYMBOL>/<timeframe>/` holds files that wait to be ingested."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from truebar.errors import ConfigurationError
from truebar.partitions import Partition
from truebar_io.file_kinds import KIND_OF_SUFFIX
from truebar_io.home import Home


@dataclass(frozen=True)
class LandingFile:
    """One file that waits in the landing folder.

    Attributes:
        partition: whose klines it holds, by its folder.
        path: the file.
        modified_ns: when it was last written, nanoseconds since 1970.
        size_bytes: its size.
    """

    partition: Partition
    path: Path
    modified_ns: int
    size_bytes: int


@dataclass(frozen=True)
class IgnoredPath:
    """Something in the landing folder that is not read, and why."""

    path: Path
    reason: str


def landing_files(home: Home | Path, partition: Partition | None = None) -> list[LandingFile]:
    """Return the files that wait, oldest modification first: a later file wins over an earlier one.

    Dotfiles, files being written (`.part`, `.tmp`) and other suffixes than .parquet, .csv and .zip are left
    out; `ignored_paths` says what else is.

    Args:
        home: TRUEBAR_HOME.
        partition: only its files; None: all.
    """
    files = [file for file in _scan(_landing(home)) if isinstance(file, LandingFile)]
    chosen = [file for file in files if partition is None or file.partition == partition]
    return sorted(chosen, key=lambda file: (file.modified_ns, str(file.path)))


def ignored_paths(home: Home | Path) -> list[IgnoredPath]:
    """Return what lies in the landing folder and is never read, though it is not hidden or in the making."""
    return [entry for entry in _scan(_landing(home)) if isinstance(entry, IgnoredPath)]


def _landing(home: Home | Path) -> Path:
    return (home if isinstance(home, Home) else Home(Path(home))).landing


def _visible(folder: Path) -> Iterator[Path]:
    """Return what a folder holds, without dotfiles and files in the making; nothing if there is no folder."""
    try:
        entries = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    yield from (
        entry for entry in entries if not entry.name.startswith(".") and entry.suffix not in (".part", ".tmp")
    )


def _scan(landing: Path) -> Iterator[LandingFile | IgnoredPath]:
    for symbol in _visible(landing):
        if not symbol.is_dir():
            yield IgnoredPath(symbol, "expected a folder per symbol, then per timeframe; move the file there")
            continue
        for timeframe in _visible(symbol):
            try:
                partition = Partition(symbol.name, timeframe.name)
            except ConfigurationError as error:
                yield IgnoredPath(timeframe, str(error))
                continue
            yield from _files(timeframe, partition)


def _files(folder: Path, partition: Partition) -> Iterator[LandingFile | IgnoredPath]:
    if not folder.is_dir():
        yield IgnoredPath(folder, "expected a folder named as a timeframe; move the file into one")
        return
    for path in _visible(folder):
        if path.suffix == ".CHECKSUM":
            continue  # read together with its archive
        if path.suffix.lower() not in KIND_OF_SUFFIX:
            yield IgnoredPath(path, f"expected a file that ends in {', '.join(KIND_OF_SUFFIX)}")
            continue
        try:
            status = path.stat()
        except FileNotFoundError:
            continue  # taken away since the folder was listed
        if not stat.S_ISREG(status.st_mode):
            yield IgnoredPath(path, "expected a file, found a folder or a device; move its files up")
            continue
        yield LandingFile(partition, path, status.st_mtime_ns, status.st_size)
