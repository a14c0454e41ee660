"""Files and frames of klines into `market.klines`, and the landing folder where files wait for it."""

from __future__ import annotations

from truebar_io.ingest.data_sets import DataSetResult, ingest_data_set
from truebar_io.ingest.landing import IgnoredPath, LandingFile, ignored_paths, landing_files
from truebar_io.ingest.publishing import (
    IngestResult,
    holds_others,
    imported_sources,
    ingest_file,
    ingest_frame,
    is_imported,
)

__all__ = [
    "DataSetResult",
    "IgnoredPath",
    "IngestResult",
    "LandingFile",
    "holds_others",
    "ignored_paths",
    "imported_sources",
    "ingest_data_set",
    "ingest_file",
    "ingest_frame",
    "is_imported",
    "landing_files",
]
