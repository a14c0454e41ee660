"""What a file is, by its name and its first bytes, and whether its content is what was published."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from truebar.errors import UnreadableFileError

FileKind = Literal["parquet", "csv", "zip"]

KIND_OF_SUFFIX: Final[dict[str, FileKind]] = {".parquet": "parquet", ".csv": "csv", ".zip": "zip"}
CHECKSUM_SUFFIX: Final = ".CHECKSUM"
"""Exchanges publish `<archive>.CHECKSUM` beside an archive: the SHA-256 in hex, then the file's name."""

_HEAD_BYTES: Final = 512
_CHUNK_BYTES: Final = 1 << 20
_PARQUET_MAGIC: Final = b"PAR1"
_MAGICS: Final = (
    (_PARQUET_MAGIC, "a Parquet file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"ARROW1", "an Arrow or Feather file"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)


def file_kind(path: Path) -> FileKind:
    """Return the kind that the name of `path` says, after checking that its content begins that way.

    Raises:
        UnreadableFileError: no such file, a folder, an unknown suffix, an empty file, or content of another
            kind (a web page saved as CSV).
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise UnreadableFileError(f"{path} {what}; expected a Parquet, CSV or zip file of klines.")
    kind = KIND_OF_SUFFIX.get(path.suffix.lower())
    if kind is None:
        raise UnreadableFileError(
            f"{path.name} ends in {path.suffix or 'nothing'!r}; expected {', '.join(KIND_OF_SUFFIX)}. "
            "Rename it if it is one of these, else convert it."
        )
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise UnreadableFileError(
            f"{path} cannot be opened ({error.strerror}); check its permissions."
        ) from error
    require_content(head, kind, path.name)
    return kind


def require_content(head: bytes, kind: FileKind, name: str) -> None:
    """Raise UnreadableFileError unless `head`, the first bytes of `name`, can begin a file of `kind`."""
    if not head:
        raise UnreadableFileError(f"{name} is empty (0 bytes); download or export it again.")
    expected = {"parquet": "a Parquet file", "zip": "a zip archive", "csv": "CSV text"}[kind]
    found = _describe(head)
    if found != expected:
        raise UnreadableFileError(
            f"{name} is named as {expected} and holds {found}; download or export it again, or rename it."
        )


def _describe(head: bytes) -> str:
    for magic, description in _MAGICS:
        if head.startswith(magic):
            return description
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        return "a web page (HTML or XML): the download was refused or moved"
    if text.startswith((b"{", b"[")):
        return "JSON"
    if b"\x00" in head:
        return "binary data"
    return "CSV text"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content in hex.

    Raises:
        UnreadableFileError: the file cannot be read.
    """
    digest = sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read ({error.strerror}).") from error
    return digest.hexdigest()


def has_checksum(path: Path) -> bool:
    """Return whether a `.CHECKSUM` lies beside a file."""
    return path.with_name(path.name + CHECKSUM_SUFFIX).is_file()


def verify_checksum(path: Path) -> bool:
    """Compare a file with the `.CHECKSUM` beside it; return False when there is none.

    Raises:
        UnreadableFileError: the sums differ, or the checksum file holds no SHA-256.
    """
    if not has_checksum(path):
        return False
    beside = path.with_name(path.name + CHECKSUM_SUFFIX)
    match = re.match(r"[0-9a-fA-F]{64}\b", beside.read_text(encoding="utf-8", errors="replace").strip())
    if match is None:
        raise UnreadableFileError(f"{beside.name} holds no SHA-256; download it again or remove it.")
    expected, found = match[0].lower(), sha256_of(path)
    if expected != found:
        raise UnreadableFileError(
            f"{path.name} has SHA-256 {found[:16]}…, its CHECKSUM says {expected[:16]}…: "
            "the download is damaged. Download both again."
        )
    return True
