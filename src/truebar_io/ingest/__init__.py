"""Files and frames of klines into `market.klines`, and the landing folder where files wait for it."""

from __future__ import annotations

from truebar_io.ingest.landing import IgnoredPath, LandingFile, ignored_paths, landing_files, stage_file
from truebar_io.ingest.publishing import (
    IngestResult,
    imported_sources,
    ingest_file,
    ingest_files,
    ingest_frame,
    is_imported,
)

__all__ = [
    "IgnoredPath",
    "IngestResult",
    "LandingFile",
    "ignored_paths",
    "imported_sources",
    "ingest_file",
    "ingest_files",
    "ingest_frame",
    "is_imported",
    "landing_files",
    "stage_file",
]
