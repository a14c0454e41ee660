"""Reports on disk: one HTML file for each partition and kind, and an index over all."""

from __future__ import annotations

from pathlib import Path

from truebar.partitions import Partition
from truebar_io.durable import replace_file
from truebar_io.home import Home


def report_path(home: Home, partition: Partition, kind: str) -> Path:
    """Return where the report of `partition` and `kind` lies."""
    return home.reports / f"{partition.symbol}_{partition.timeframe}_{kind}.html"


def index_path(home: Home) -> Path:
    """Return where the index over all reports lies."""
    return home.reports / "index.html"


def write_page(path: Path, html: str) -> Path:
    """Write one page, whole or not at all, and return its path."""
    return replace_file(path, html.encode())
