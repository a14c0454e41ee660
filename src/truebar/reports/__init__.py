"""Reports: one self-contained HTML page for each verdict, and an index over all (METHOD §6)."""

from truebar.reports.inputs import (
    Calibration,
    DataQuality,
    IndexEntry,
    Lineage,
    ReliabilityBin,
    ReportInputs,
    Slices,
)
from truebar.reports.page import render_index, render_report

__all__ = [
    "Calibration",
    "DataQuality",
    "IndexEntry",
    "Lineage",
    "ReliabilityBin",
    "ReportInputs",
    "Slices",
    "render_index",
    "render_report",
]
