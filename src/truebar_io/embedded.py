"""The market data that come with truebar."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

from truebar.errors import ConfigurationError, UnreadableFileError
from truebar.partitions import Partition

EMBEDDED: Final[dict[Partition, str]] = {Partition("BTC-USD", "1h"): "BTC-USD_1h.parquet"}
"""Source, licence and known facts of each file: `embedded_data/ATTRIBUTION.md`."""

RESAMPLED: Final[dict[Partition, Partition]] = {
    Partition("BTC-USD", "4h"): Partition("BTC-USD", "1h"),
    Partition("BTC-USD", "1d"): Partition("BTC-USD", "1h"),
}
"""Partitions that are made from the file of a finer one."""

_FOLDER: Final = "embedded_data"


def embedded_path(symbol: str, timeframe: str) -> Path:
    """Return the file of a market that comes with truebar.

    Raises:
        ConfigurationError: none comes with it; the message lists those that do.
        UnreadableFileError: truebar is installed in a form that has no files.
    """
    partition = Partition(symbol, timeframe)
    if partition not in EMBEDDED:
        raise ConfigurationError(
            f"no data of {partition} come with truebar; expected {', '.join(map(str, EMBEDDED))}."
        )
    path = Path(str(resources.files("truebar_io"))) / _FOLDER / EMBEDDED[partition]
    if not path.is_file():
        raise UnreadableFileError(f"{path} is not there; install truebar again, unpacked.")
    return path


def embedded_source(partition: Partition) -> Path | None:
    """Return the file that a partition's bars come from or are resampled from; None: there is none."""
    origin = RESAMPLED.get(partition, partition)
    return embedded_path(origin.symbol, origin.timeframe) if origin in EMBEDDED else None


def own_timeframe(path: Path) -> str | None:
    """Return the timeframe of a file that comes with truebar; None for any other file."""
    resolved = path.resolve()
    for partition in EMBEDDED:
        if embedded_path(partition.symbol, partition.timeframe).resolve() == resolved:
            return partition.timeframe
    return None
