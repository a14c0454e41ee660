"""Reports: one self-contained HTML page for each verdict, and an index over all (METHOD §6)."""

from truebar.reports.index import render_index
from truebar.reports.inputs import (
    Calibration,
    DataQuality,
    IndexEntry,
    Lineage,
    ReportInputs,
    Search,
    Slices,
)
from truebar.reports.page import render_report
from truebar.reports.timeline import Span, fold_spans, slice_span

__all__ = [
    "Calibration",
    "DataQuality",
    "IndexEntry",
    "Lineage",
    "ReportInputs",
    "Search",
    "Slices",
    "Span",
    "fold_spans",
    "render_index",
    "render_report",
    "slice_span",
]
