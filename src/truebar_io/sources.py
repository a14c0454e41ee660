"""Where the klines of a partition come from: the market that comes with truebar, and landing/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from truebar.errors import MissingDataError
from truebar.partitions import Partition
from truebar_io.embedded import embedded_source
from truebar_io.home import Home
from truebar_io.ingest import IngestResult, ingest_file, is_imported, landing_files
from truebar_io.warehouse import Warehouse


@dataclass(frozen=True)
class SourcesResult:
    """What bringing all sources of a partition up to date did.

    Attributes:
        rows: bars published now.
        watermark: open_time of the last one.
        rows_written: bars that are new or changed.
        rows_revised: of these, bars that stood there with other values.
        rows_quarantined: rows rejected.
        gaps: runs of missing or halted bars.
        files: names of the files that were read.
    """

    rows: int
    watermark: pd.Timestamp | None
    rows_written: int
    rows_revised: int
    rows_quarantined: int
    gaps: int
    files: tuple[str, ...]


def sources(home: Home, partition: Partition) -> list[Path]:
    """Return the files that a partition's klines come from, in the order in which they are read.

    The embedded market comes first, so that a user's own file for the same bars wins.
    """
    embedded = embedded_source(partition)
    landed = [file.path for file in landing_files(home, partition)]
    return ([] if embedded is None else [embedded]) + landed


def pending_sources(store: Warehouse, home: Home, partition: Partition) -> list[Path]:
    """Return those sources whose content has not been ingested yet."""
    return [path for path in sources(home, partition) if not is_imported(store, partition, path)]


def ingest_sources(store: Warehouse, home: Home, partition: Partition, *, now: datetime) -> SourcesResult:
    """Ingest every pending source of `partition` and return what was done.

    Raises:
        MissingDataError: when there is neither a source nor a published bar.
    """
    pending = pending_sources(store, home, partition)
    results = [ingest_file(store, partition, path, now=now) for path in pending]
    if not store.has(partition, "market.klines"):
        raise MissingDataError(
            f"{partition} has no klines and no source; import a file with `truebar import FILE --symbol "
            f"{partition.symbol} --timeframe {partition.timeframe}`, or drop one into "
            f"landing/{partition.symbol}/{partition.timeframe}/."
        )
    return _result(store, partition, pending, results)


def _result(
    store: Warehouse, partition: Partition, files: Sequence[Path], results: Sequence[IngestResult]
) -> SourcesResult:
    """Return the sums over `results`, and what stands in the warehouse now."""
    summary = store.summary(partition)
    return SourcesResult(
        rows=summary["market.klines"].rows,
        watermark=summary["market.klines"].watermark,
        rows_written=sum(result.rows_written for result in results),
        rows_revised=sum(result.rows_revised for result in results),
        rows_quarantined=sum(result.rows_quarantined for result in results),
        gaps=summary["market.gaps"].rows,
        files=tuple(path.name for path in files),
    )
