"""Frames written to files that people open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pandas as pd

from truebar.errors import ConfigurationError

WRITERS: Final[dict[str, Callable[[pd.DataFrame, Path], None]]] = {
    ".parquet": lambda frame, path: frame.to_parquet(path, index=False, compression="zstd"),
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
}


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write `frame` to a Parquet or CSV file by its suffix; whole or not at all.

    Raises:
        ConfigurationError: for another suffix, or a folder that does not exist.
    """
    if path.suffix not in WRITERS:
        raise ConfigurationError(
            f"cannot write {path.name}: expected a name that ends in {' or '.join(WRITERS)}."
        )
    if not path.parent.is_dir():
        raise ConfigurationError(
            f"cannot write {path}: the folder {path.parent} does not exist; make it first."
        )
    partial = path.with_name(f".{path.name}.part")
    try:
        WRITERS[path.suffix](frame, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
