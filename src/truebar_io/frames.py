"""Frames written to files that people open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pandas as pd

from truebar.errors import ConfigurationError
from truebar_io.durable import replace_file

WRITERS: Final[dict[str, Callable[[pd.DataFrame], bytes]]] = {
    ".parquet": lambda frame: frame.to_parquet(index=False, compression="zstd"),
    ".csv": lambda frame: frame.to_csv(index=False).encode(),
}


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write `frame` to a Parquet or CSV file by its suffix; whole or not at all.

    Raises:
        ConfigurationError: for another suffix, or a folder that does not exist.
        StorageFullError: when the disk is full.
    """
    if path.suffix not in WRITERS:
        raise ConfigurationError(
            f"cannot write {path.name}: expected a name that ends in {' or '.join(WRITERS)}."
        )
    if not path.parent.is_dir():
        raise ConfigurationError(
            f"cannot write {path}: the folder {path.parent} does not exist; make it first."
        )
    replace_file(path, WRITERS[path.suffix](frame))
