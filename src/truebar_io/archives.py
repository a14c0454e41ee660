"""Klines from files: Parquet, CSV, and the zip archives that exchanges publish."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from truebar.errors import DataError, UnreadableFileError
from truebar.market import Klines, validate_klines
from truebar.market.schema import QUARANTINE_COLUMNS
from truebar.times import NO_TIME, nanoseconds, utc_index
from truebar_io.delimited import TextTable, read_delimited
from truebar_io.file_kinds import file_kind, require_content, verify_checksum

MALFORMED_LINE: Final = "malformed_line"
_UNPACKING_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,  # encrypted
    NotImplementedError,  # packed in a way that Python does not know
)
MAX_UNPACKED_BYTES: Final = 4 << 30
"""A zip that says it unpacks to more than this is refused: a year of 1s klines has 3.5 GB of text."""


def read_klines(path: Path | str, *, timeframe: str, now: datetime | None = None) -> Klines:
    """Return the klines of a Parquet, CSV or zip file (one CSV inside), validated.

    CSV may have a header or the twelve headerless columns of exchange archives. Where a `.CHECKSUM` lies
    beside the file, the content must match it. `source` of every bar is the file's name.

    Args:
        path: the file.
        timeframe: the length of its bars.
        now: as-of time; a bar that closes later is quarantined. None: not asked.

    Returns:
        Klines (see `validate_klines`). A line with another number of cells than the first is quarantined as
        `malformed_line`.

    Raises:
        UnreadableFileError: no such file, an empty or truncated one, content of another kind, or not what
            its CHECKSUM says.
        SchemaError: columns are missing or ambiguous, or it holds something else than klines.
        DataError: what `validate_klines` raises, with the file's name before it.
    """
    path = Path(path)
    kind = file_kind(path)
    verify_checksum(path)
    table = _parquet(path) if kind == "parquet" else _text(path, is_zip=kind == "zip")
    try:
        klines = validate_klines(table.cells, timeframe=timeframe, now=now, source=path.name)
    except DataError as error:
        raise type(error)(f"{path.name}: {error}") from error
    return _with_malformed(klines, table.malformed, path.name, now)


def _parquet(path: Path) -> TextTable:
    try:
        # ParquetFile and not read_table: the latter takes `name=value` folders in the path for columns.
        with parquet.ParquetFile(path) as file:
            return TextTable(file.read().to_pandas(), [])
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFileError(
            f"{path.name} cannot be read as Parquet ({error}): it is truncated or damaged. "
            "Download or export it again."
        ) from error


def _text(path: Path, *, is_zip: bool) -> TextTable:
    try:
        content = _unpack(path) if is_zip else path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read ({error.strerror}).") from error
    return read_delimited(content, path.name)


def _unpack(path: Path) -> bytes:
    """Return the content of the one CSV file in a zip archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            tables = [info for info in members if _is_table(PurePosixPath(info.filename))]
            if len(tables) != 1:
                found = ", ".join(info.filename for info in members[:5]) or "nothing"
                raise UnreadableFileError(
                    f"{path.name} holds {len(tables)} CSV files; expected exactly one, found {found}. "
                    "Unpack it and import each file."
                )
            (info,) = tables
            if info.file_size > MAX_UNPACKED_BYTES:
                raise UnreadableFileError(
                    f"{path.name} unpacks to {info.file_size / 1e9:.1f} GB; expected at most "
                    f"{MAX_UNPACKED_BYTES / 1e9:.1f} GB. Import it in parts."
                )
            content = archive.read(info)
    except _UNPACKING_ERRORS as error:
        raise UnreadableFileError(
            f"{path.name} cannot be unpacked ({error}): it is truncated, damaged or encrypted. "
            "Download it again."
        ) from error
    require_content(content[:512], "csv", f"{PurePosixPath(info.filename).name} in {path.name}")
    return content


def _is_table(name: PurePosixPath) -> bool:
    """Return whether a member of an archive is a CSV file, and none that macOS keeps beside one."""
    return name.suffix.lower() == ".csv" and "__MACOSX" not in name.parts


def _with_malformed(klines: Klines, malformed: list[str], source: str, now: datetime | None) -> Klines:
    """Return `klines` with the lines that were no rows in quarantine."""
    if not malformed:
        return klines
    no_time = np.full(len(malformed), NO_TIME, dtype=np.int64)
    seen_at = no_time if now is None else nanoseconds([now] * len(malformed), "now")
    rows = pd.DataFrame(
        {
            "open_time": utc_index(no_time),
            "row": malformed,
            "reason": MALFORMED_LINE,
            "source": source,
            "seen_at": utc_index(seen_at),
        },
        columns=list(QUARANTINE_COLUMNS),
    )
    if not klines.quarantine.empty:
        rows = pd.concat([klines.quarantine, rows], ignore_index=True)
    return replace(klines, quarantine=rows, rows_read=klines.rows_read + len(malformed))
