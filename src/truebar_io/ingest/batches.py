"""Klines of one file or frame, read and checked, with what there is to remember of where they came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from truebar.market import Klines, resample, validate_klines
from truebar.market.schema import MEASURE_COLUMNS
from truebar.partitions import Partition
from truebar.times import nanoseconds, utc_index
from truebar_io.archives import read_klines
from truebar_io.embedded import own_timeframe
from truebar_io.file_kinds import file_kind, has_checksum, sha256_of


@dataclass(frozen=True)
class Origin:
    """Where rows came from: what `market.imports` remembers.

    Attributes:
        name: of the file, or what the frame is called.
        sha256: of the file's content, or of the frame's values and name.
        now: time of ingestion, UTC.
        checksum_verified: a CHECKSUM lay beside the file, and its content is what that says.
    """

    name: str
    sha256: str
    now: pd.Timestamp
    checksum_verified: bool = False


@dataclass(frozen=True, eq=False)
class Batch:
    """Klines of one origin, to be published."""

    klines: Klines
    origin: Origin


def read_batch(path: Path, partition: Partition, *, now: datetime) -> Batch:
    """Return the klines of a file for a partition; one that comes with truebar is resampled where coarser.

    Raises:
        DataError: the file cannot be read or is not what it must be (see `read_klines`).
    """
    file_kind(path)
    digest = sha256_of(path)
    timeframe = own_timeframe(path) or partition.timeframe
    klines = read_klines(path, timeframe=timeframe, now=now)
    if timeframe != partition.timeframe:
        klines = replace(klines, bars=resample(klines.bars, to=partition.timeframe))
    return Batch(klines, Origin(path.name, digest, _utc(now), has_checksum(path)))


def frame_batch(bars: pd.DataFrame, partition: Partition, *, source: str, now: datetime) -> Batch:
    """Return bars that were computed or fetched, checked like those of a file.

    Raises:
        DataError: what `validate_klines` raises.
    """
    klines = validate_klines(bars, timeframe=partition.timeframe, now=now, source=source)
    return Batch(klines, Origin(source, _digest(klines, source), _utc(now)))


def _utc(now: datetime) -> pd.Timestamp:
    return utc_index(nanoseconds([now], "now"))[0]


def _digest(klines: Klines, source: str) -> str:
    """Return the SHA-256 of the values of bars and rejected rows and of their source."""
    digest = sha256(source.encode())
    digest.update(nanoseconds(klines.bars["open_time"]).tobytes())
    digest.update(np.ascontiguousarray(klines.bars[list(MEASURE_COLUMNS)].to_numpy(np.float64)).tobytes())
    for name in ("row", "reason"):
        digest.update("\n".join(klines.quarantine[name]).encode())
    return digest.hexdigest()
