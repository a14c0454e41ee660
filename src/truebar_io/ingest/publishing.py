"""Klines of one file or frame merged into a partition, in one publish, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import pandas as pd

from truebar.market import find_gaps
from truebar.market.merging import Merged, merge
from truebar.market.schema import MEASURE_COLUMNS, QUARANTINE_COLUMNS
from truebar.market.validation import rows_as_json
from truebar.partitions import Partition
from truebar.tables import schema_of
from truebar_io.file_kinds import file_kind, sha256_of
from truebar_io.ingest.agreement import require_agreement
from truebar_io.ingest.batches import Batch, Origin, frame_batch, read_batch
from truebar_io.warehouse import Warehouse

EARLIER_STATE: Final = "earlier_state_of_candle"
"""The last row of an export, made while its candle was open, of a bar that is stored complete."""


@dataclass(frozen=True)
class IngestResult:
    """What one file or frame did to a partition.

    Attributes:
        source: the file's name, or what the frame was called.
        rows_read: rows that it holds.
        rows_written: bars that are new or changed.
        rows_revised: of these, bars that stood there with other values.
        rows_quarantined: rows rejected.
        duplicates: rows that repeat another exactly.
        out_of_order: rows after one with a later open_time.
        stamp_units: units that its open times were recognised to be in, with counts; empty for datetimes.
        checksum_verified: a CHECKSUM lay beside the file, and its content is what that says.
        gaps: stretches of missing or halted bars in the whole partition now.
        already_imported: the same content was ingested before; nothing was read or written.
        watermark: open_time of the partition's last bar.
    """

    source: str
    rows_read: int = 0
    rows_written: int = 0
    rows_revised: int = 0
    rows_quarantined: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    stamp_units: str = ""
    checksum_verified: bool = False
    gaps: int = 0
    already_imported: bool = False
    watermark: pd.Timestamp | None = None


def is_imported(warehouse: Warehouse, partition: Partition, path: Path | str) -> bool:
    """Return whether a file with this content was ingested into `partition`.

    Raises:
        UnreadableFileError: the file cannot be read.
    """
    return sha256_of(Path(path)) in _imported(warehouse, partition, "sha256")


def imported_sources(warehouse: Warehouse, partition: Partition) -> set[str]:
    """Return the names of all files and frames that were ever ingested into `partition`."""
    return _imported(warehouse, partition, "file")


def holds_others(warehouse: Warehouse, partition: Partition, path: Path) -> bool:
    """Return whether anything was ever ingested into `partition` that is not the content of this file.

    Raises:
        UnreadableFileError: the file cannot be read.
    """
    return bool(_imported(warehouse, partition, "sha256") - {sha256_of(path)})


def ingest_file(
    warehouse: Warehouse, partition: Partition, path: Path | str, *, now: datetime
) -> IngestResult:
    """Merge the klines of a file into `market.klines`, and publish them with quarantine, gaps and imports.

    All four tables are published together or not at all. Content that was ingested before does nothing. Of a
    bar that is stored already the later file wins (see `truebar.market.merging.merge`). A file that comes
    with truebar is resampled when `partition` is coarser.

    Args:
        warehouse: where to.
        partition: whose klines they are.
        path: a Parquet, CSV or zip file.
        now: time of ingestion; bars that close later are quarantined.

    Raises:
        DataError: the file cannot be read or is not what it must be (see `read_klines`), or disagrees with
            the stored bars (see `publish`); nothing is written.
        StorageFullError, WarehouseDamagedError: from the warehouse; what was published is untouched.
    """
    path = Path(path)
    file_kind(path)
    known = is_imported(warehouse, partition, path)
    return publish(warehouse, partition, [path.name if known else read_batch(path, partition, now=now)])[0]


def ingest_frame(
    warehouse: Warehouse, partition: Partition, bars: pd.DataFrame, *, source: str, now: datetime
) -> IngestResult:
    """Merge bars that were computed or fetched into `market.klines`, as `ingest_file` does for a file.

    Args:
        warehouse: where to.
        partition: whose klines they are.
        bars: see `validate_klines`.
        source: what `source` says, such as `resampled from 1h`; with the bars' values it decides whether
            they were ingested before.
        now: time of ingestion; bars that close later are quarantined.

    Raises:
        DataError: what `validate_klines` and `publish` raise; nothing is written.
        StorageFullError, WarehouseDamagedError: from the warehouse; what was published is untouched.
    """
    return publish(warehouse, partition, [frame_batch(bars, partition, source=source, now=now)])[0]


def publish(warehouse: Warehouse, partition: Partition, batches: Sequence[Batch | str]) -> list[IngestResult]:
    """Publish batches together, in the order in which they win over each other; one result for each.

    Args:
        warehouse: where to.
        partition: whose klines they are.
        batches: what was read; the name of a source that is known to have been ingested stands for itself. A
            batch whose content was ingested before, or is given twice, is not taken again.

    Raises:
        CorruptDataError: a batch closes apart from what is stored, or from an earlier batch, in most of the
            bars that both hold: they are of two markets. Nothing is written.
    """
    known = _imported(warehouse, partition, "sha256")
    fresh: dict[str, Batch] = {}
    for batch in batches:
        if isinstance(batch, Batch) and batch.origin.sha256 not in known:
            fresh.setdefault(batch.origin.sha256, batch)
    done = dict(
        zip(map(id, fresh.values()), _publish(warehouse, partition, list(fresh.values())), strict=True)
    )
    return [
        done[id(batch)]
        if id(batch) in done
        else _unchanged(warehouse, partition, batch if isinstance(batch, str) else batch.origin.name)
        for batch in batches
    ]


def _imported(warehouse: Warehouse, partition: Partition, column: str) -> set[str]:
    if not warehouse.has(partition, "market.imports"):
        return set()
    return set(warehouse.read([column], from_="market.imports", partitions=[partition])[column])


def _unchanged(warehouse: Warehouse, partition: Partition, source: str) -> IngestResult:
    summary = warehouse.summary(partition)
    return IngestResult(
        source=source,
        gaps=summary["market.gaps"].rows,
        already_imported=True,
        watermark=summary["market.klines"].watermark,
    )


def _publish(warehouse: Warehouse, partition: Partition, batches: Sequence[Batch]) -> list[IngestResult]:
    """Merge the batches one after the other, publish the outcome once, and return what each of them did."""
    if not batches:
        return []
    bars, outcomes = _stored(warehouse, partition), []
    for batch in batches:
        merged = merge(bars, batch.klines.bars)
        require_agreement(partition, batch.origin.name, batch.klines.bars, bars, merged)
        bars = merged.bars
        outcomes.append(merged)
    gaps = find_gaps(bars, timeframe=partition.timeframe)
    quarantines = [_quarantine(batch, merged) for batch, merged in zip(batches, outcomes, strict=True)]
    results = [
        IngestResult(
            source=batch.origin.name,
            rows_read=batch.klines.rows_read,
            rows_written=len(merged.changed),
            rows_revised=merged.revised,
            rows_quarantined=len(rejected),
            duplicates=batch.klines.duplicates,
            out_of_order=batch.klines.out_of_order,
            stamp_units=", ".join(f"{count} {unit}" for unit, count in batch.klines.stamp_units.items()),
            checksum_verified=batch.origin.checksum_verified,
            gaps=len(gaps),
            watermark=bars["open_time"].max(),
        )
        for batch, merged, rejected in zip(batches, outcomes, quarantines, strict=True)
    ]
    key = list(schema_of("market.quarantine").key)
    imports = [_import_row(result, batch.origin) for result, batch in zip(results, batches, strict=True)]
    frames = {
        "market.klines": _changed(batches, outcomes),
        "market.quarantine": _stacked(quarantines).drop_duplicates(key, ignore_index=True),
        "market.gaps": gaps,
        "market.imports": pd.DataFrame(imports),
    }
    if frames["market.klines"].empty:
        del frames["market.klines"]
    warehouse.write_tables(partition, frames, mode={"market.gaps": "replace"})
    return results


def _changed(batches: Sequence[Batch], outcomes: Sequence[Merged]) -> pd.DataFrame:
    """Return the bars to write: of a bar that several batches change, the last one's."""
    stamped = [
        merged.changed.assign(ingested_at=batch.origin.now)
        for batch, merged in zip(batches, outcomes, strict=True)
    ]
    changed = _stacked(stamped).drop_duplicates("open_time", keep="last")
    return changed.sort_values("open_time", ignore_index=True)


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the frames below each other; empty ones, whose columns have no real dtype, are left out."""
    filled = [frame for frame in frames if not frame.empty]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]


def _stored(warehouse: Warehouse, partition: Partition) -> pd.DataFrame:
    columns = ["open_time", *MEASURE_COLUMNS, "source"]
    if warehouse.has(partition, "market.klines"):
        return warehouse.read(columns, from_="market.klines", partitions=[partition])
    nothing = pd.DataFrame({name: pd.Series(dtype="float64") for name in columns})
    return nothing.astype({"open_time": "datetime64[ns, UTC]", "source": "object"})


def _quarantine(batch: Batch, merged: Merged) -> pd.DataFrame:
    """Return every row of a batch that was rejected, with times as fine as the warehouse keeps them."""
    earlier = pd.DataFrame(
        {
            "open_time": merged.earlier["open_time"],
            "row": rows_as_json(merged.earlier),
            "reason": EARLIER_STATE,
            "source": batch.origin.name,
            "seen_at": batch.origin.now,
        },
        columns=list(QUARANTINE_COLUMNS),
    )
    rejected = _stacked([batch.klines.quarantine, earlier])
    return rejected.assign(open_time=rejected["open_time"].dt.floor("us"))


def _import_row(result: IngestResult, origin: Origin) -> dict[str, object]:
    return {
        "file": origin.name,
        "sha256": origin.sha256,
        "rows_read": result.rows_read,
        "rows_written": result.rows_written,
        "rows_revised": result.rows_revised,
        "rows_quarantined": result.rows_quarantined,
        "duplicates": result.duplicates,
        "out_of_order": result.out_of_order,
        "stamp_units": result.stamp_units,
        "checksum_verified": result.checksum_verified,
        "ingested_at": origin.now,
    }
