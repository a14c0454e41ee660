"""Klines of one file or frame merged into a partition, in one publish, once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from truebar.market import Klines, find_gaps, resample, validate_klines
from truebar.market.merging import Merged, merge
from truebar.market.schema import MEASURE_COLUMNS, QUARANTINE_COLUMNS
from truebar.market.validation import rows_as_json
from truebar.partitions import Partition
from truebar.tables import schema_of
from truebar.times import nanoseconds, utc_index
from truebar_io.archives import read_klines
from truebar_io.embedded import own_timeframe
from truebar_io.file_kinds import file_kind, sha256_of
from truebar_io.warehouse import Warehouse

EARLIER_STATE: Final = "earlier_state_of_candle"
"""The last row of an export, made while its candle was open, of a bar that is stored complete."""


@dataclass(frozen=True)
class IngestResult:
    """What one file or frame did to a partition.

    Attributes:
        rows_read: rows that it holds.
        rows_written: bars that are new or changed.
        rows_revised: of these, bars that stood there with other values.
        rows_quarantined: rows rejected.
        gaps: stretches of missing or halted bars in the whole partition now.
        already_imported: the same content was ingested before; nothing was read or written.
        watermark: open_time of the partition's last bar.
    """

    rows_read: int
    rows_written: int
    rows_revised: int
    rows_quarantined: int
    gaps: int
    already_imported: bool
    watermark: pd.Timestamp | None


def is_imported(warehouse: Warehouse, partition: Partition, path: Path | str) -> bool:
    """Return whether a file with this content was ingested into `partition`.

    Raises:
        UnreadableFileError: the file cannot be read.
    """
    return _is_known(warehouse, partition, sha256_of(Path(path)))


def ingest_file(
    warehouse: Warehouse, partition: Partition, path: Path | str, *, now: datetime
) -> IngestResult:
    """Merge the klines of a file into `market.klines` and publish them with quarantine, gaps and imports.

    All four tables are published together or not at all. Content that was ingested before does nothing. Of a
    bar that is stored already the later file wins (see `truebar.market.merging.merge`). A file that comes
    with truebar is resampled when `partition` is coarser.

    Args:
        warehouse: where to.
        partition: whose klines they are.
        path: a Parquet, CSV or zip file.
        now: time of ingestion; bars that close later are quarantined.

    Raises:
        DataError: the file cannot be read or is not what it must be (see `read_klines`); nothing is written.
        StorageFullError, WarehouseDamagedError: from the warehouse; what was published is untouched.
    """
    path = Path(path)
    file_kind(path)
    digest = sha256_of(path)
    if _is_known(warehouse, partition, digest):
        return _unchanged(warehouse, partition)
    timeframe = own_timeframe(path) or partition.timeframe
    klines = read_klines(path, timeframe=timeframe, now=now)
    if timeframe != partition.timeframe:
        klines = replace(klines, bars=resample(klines.bars, to=partition.timeframe))
    return _publish(warehouse, partition, klines, _Origin(path.name, digest, _utc(now)))


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
        DataError: what `validate_klines` raises; nothing is written.
        StorageFullError, WarehouseDamagedError: from the warehouse; what was published is untouched.
    """
    klines = validate_klines(bars, timeframe=partition.timeframe, now=now, source=source)
    digest = _digest(klines, source)
    if _is_known(warehouse, partition, digest):
        return _unchanged(warehouse, partition)
    return _publish(warehouse, partition, klines, _Origin(source, digest, _utc(now)))


@dataclass(frozen=True)
class _Origin:
    """Where rows came from: what `market.imports` remembers."""

    name: str
    sha256: str
    now: pd.Timestamp


def _utc(now: datetime) -> pd.Timestamp:
    return utc_index(nanoseconds([now], "now"))[0]


def _is_known(warehouse: Warehouse, partition: Partition, digest: str) -> bool:
    if not warehouse.has(partition, "market.imports"):
        return False
    imports = warehouse.read(["sha256"], from_="market.imports", partitions=[partition])
    return bool((imports["sha256"] == digest).any())


def _unchanged(warehouse: Warehouse, partition: Partition) -> IngestResult:
    summary = warehouse.summary(partition)
    return IngestResult(
        rows_read=0,
        rows_written=0,
        rows_revised=0,
        rows_quarantined=0,
        gaps=summary["market.gaps"].rows,
        already_imported=True,
        watermark=summary["market.klines"].watermark,
    )


def _publish(warehouse: Warehouse, partition: Partition, klines: Klines, origin: _Origin) -> IngestResult:
    merged = merge(_stored(warehouse, partition), klines.bars)
    gaps = find_gaps(merged.bars, timeframe=partition.timeframe)
    quarantine = _quarantine(klines, merged, origin)
    result = IngestResult(
        rows_read=klines.rows_read,
        rows_written=len(merged.changed),
        rows_revised=merged.revised,
        rows_quarantined=len(quarantine),
        gaps=len(gaps),
        already_imported=False,
        watermark=merged.bars["open_time"].max(),
    )
    key = list(schema_of("market.quarantine").key)
    frames = {
        "market.klines": merged.changed.assign(ingested_at=origin.now),
        "market.quarantine": quarantine.drop_duplicates(key, ignore_index=True),
        "market.gaps": gaps,
        "market.imports": _imports(result, origin),
    }
    if merged.changed.empty:
        del frames["market.klines"]
    warehouse.write_tables(partition, frames, mode={"market.gaps": "replace"})
    return result


def _stored(warehouse: Warehouse, partition: Partition) -> pd.DataFrame:
    columns = ["open_time", *MEASURE_COLUMNS]
    if warehouse.has(partition, "market.klines"):
        return warehouse.read(columns, from_="market.klines", partitions=[partition])
    nothing = pd.DataFrame({name: pd.Series(dtype="float64") for name in columns})
    return nothing.astype({"open_time": "datetime64[ns, UTC]"})


def _quarantine(klines: Klines, merged: Merged, origin: _Origin) -> pd.DataFrame:
    """Return every row of the file that was rejected, with times as fine as the warehouse keeps them."""
    earlier = pd.DataFrame(
        {
            "open_time": merged.earlier["open_time"],
            "row": rows_as_json(merged.earlier),
            "reason": EARLIER_STATE,
            "source": origin.name,
            "seen_at": origin.now,
        },
        columns=list(QUARANTINE_COLUMNS),
    )
    parts = [part for part in (klines.quarantine, earlier) if not part.empty]
    rejected = pd.concat(parts, ignore_index=True) if parts else klines.quarantine
    return rejected.assign(open_time=rejected["open_time"].dt.floor("us"))


def _imports(result: IngestResult, origin: _Origin) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "file": [origin.name],
            "sha256": [origin.sha256],
            "rows_read": [result.rows_read],
            "rows_written": [result.rows_written],
            "rows_revised": [result.rows_revised],
            "rows_quarantined": [result.rows_quarantined],
            "ingested_at": [origin.now],
        }
    )


def _digest(klines: Klines, source: str) -> str:
    """Return the SHA-256 of the values of bars and rejected rows and of their source."""
    digest = sha256(source.encode())
    digest.update(nanoseconds(klines.bars["open_time"]).tobytes())
    digest.update(np.ascontiguousarray(klines.bars[list(MEASURE_COLUMNS)].to_numpy(np.float64)).tobytes())
    for name in ("row", "reason"):
        digest.update("\n".join(klines.quarantine[name]).encode())
    return digest.hexdigest()
