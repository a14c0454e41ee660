"""Where the klines of a partition come from: the market that comes with truebar, and landing/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from truebar.errors import MissingDataError, TruebarError, UnreadableFileError, joined
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
    """Return those sources whose content has not been ingested yet; ingestion says why one cannot be read."""
    return [path for path in sources(home, partition) if _is_pending(store, partition, path)]


def _is_pending(store: Warehouse, partition: Partition, path: Path) -> bool:
    try:
        return not is_imported(store, partition, path)
    except UnreadableFileError:
        return True


def require_data(store: Warehouse, home: Home, partition: Partition) -> None:
    """Do nothing if there is something that the partition's klines are, or can be made of.

    Raises:
        MissingDataError: when there is neither a source nor a published bar.
    """
    if not store.has(partition, "market.klines") and not sources(home, partition):
        raise _no_data(partition)


def ingest_sources(store: Warehouse, home: Home, partition: Partition, *, now: datetime) -> SourcesResult:
    """Ingest every pending source of `partition`, each by itself, and return what was done.

    Raises:
        MissingDataError: when there is neither a source nor a published bar.
        TruebarError: one that names every file that could not be ingested; the others were, before.
    """
    ingested: dict[Path, IngestResult] = {}
    failures: dict[Path, TruebarError] = {}
    for path in sources(home, partition):
        try:
            result = ingest_file(store, partition, path, now=now)
        except TruebarError as error:
            failures[path] = error
            continue
        if not result.already_imported:
            ingested[path] = result
    if failures:
        raise _failure(failures)
    if not store.has(partition, "market.klines"):
        raise _no_data(partition)
    return _result(store, partition, list(ingested), list(ingested.values()))


def _failure(failures: Mapping[Path, TruebarError]) -> TruebarError:
    texts = [
        str(error) if path.name in str(error) else f"{path.name}: {error}" for path, error in failures.items()
    ]
    return joined(list(failures.values()), " ".join(texts))


def _no_data(partition: Partition) -> MissingDataError:
    return MissingDataError(
        f"{partition} has no klines and no source; import a file with `truebar import FILE --symbol "
        f"{partition.symbol} --timeframe {partition.timeframe}`, or drop one into "
        f"landing/{partition.symbol}/{partition.timeframe}/."
    )


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
