"""A file or a folder of files that a user names as the klines of one market at one timeframe."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from truebar.errors import (
    CorruptDataError,
    DataError,
    UnreadableFileError,
    WrongTimeframeError,
    joined,
)
from truebar.partitions import Partition
from truebar_io.file_kinds import KIND_OF_SUFFIX
from truebar_io.ingest.batches import Batch, read_batch
from truebar_io.ingest.publishing import IngestResult, publish
from truebar_io.warehouse import Warehouse

# The market is the pair, in capitals, that a name begins with: BTCUSDT-15m-2025-01, NEARUSDT_2025.
_MARKET_IN_NAME: Final = re.compile(
    r"([A-Z0-9]{2,20}[-_]?(?:USDT|USDC|FDUSD|BUSD|TUSD|USD|EUR|TRY|BTC|ETH|BNB)(?:_PERP)?)(?=[-_. ]|$)"
)


@dataclass(frozen=True)
class DataSetResult:
    """What a file or folder of files did to a partition.

    Attributes:
        imported: one result for each file that was taken, in the order in which they win over each other.
        refused: by the name of each other file, why it was not.
    """

    imported: tuple[IngestResult, ...]
    refused: Mapping[str, DataError]

    def raise_refused(self) -> None:
        """Do nothing if every file was taken.

        Raises:
            DataError: naming every file that was not.
        """
        if self.refused:
            raise _all_refused(self.refused)


def ingest_data_set(
    warehouse: Warehouse, partition: Partition, path: Path, *, exchange_symbol: str, now: datetime
) -> DataSetResult:
    """Merge the klines of a file, or of all files below a folder, into a partition, in one publish.

    A file that cannot be read, or is no kline file, is left out and told; the others are taken. A folder that
    contradicts itself is refused as a whole: files of another timeframe, files named after several markets,
    files that disagree about the bars they share, with each other or with what is stored. Of a bar that
    several files hold, the file that reaches further wins: its last candle cannot have been open where
    another's was.

    Args:
        warehouse: where to.
        partition: whose klines they are.
        path: a Parquet, CSV or zip file, or a folder; dotfiles and other suffixes in it are passed over.
        exchange_symbol: the venue's name of the market, which files may be named after.
        now: time of ingestion; bars that close later are quarantined.

    Raises:
        UnreadableFileError: there is no such path, or no kline file below it.
        DataError: no file could be taken, or the folder contradicts itself or the stored bars; nothing is
            written.
        StorageFullError, WarehouseDamagedError: from the warehouse; what was published is untouched.
    """
    files = _files(path)
    _require_one_market(files, {partition.symbol, exchange_symbol})
    batches: list[Batch] = []
    refused: dict[str, DataError] = {}
    for file in files:
        try:
            batches.append(read_batch(file, partition, now=now))
        except DataError as error:
            refused[str(file.relative_to(path)) if path.is_dir() else file.name] = error
    other = [name for name, error in refused.items() if isinstance(error, WrongTimeframeError)]
    if not batches or (other and path.is_dir()):
        raise _all_refused({name: refused[name] for name in other} if batches else refused)
    batches.sort(
        key=lambda batch: (batch.klines.bars["open_time"].max(), batch.klines.bars["open_time"].min())
    )
    return DataSetResult(tuple(publish(warehouse, partition, batches)), refused)


def _files(path: Path) -> list[Path]:
    """Return the kline files at a path, by name."""
    if not path.is_dir():
        return [path]
    found = [
        file
        for file in sorted(path.rglob("*"))
        if file.suffix.lower() in KIND_OF_SUFFIX
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    if not found:
        raise UnreadableFileError(
            f"{path} holds no file that ends in {', '.join(KIND_OF_SUFFIX)}; give the klines of one market "
            "at one timeframe, a file or a folder of files."
        )
    return found


def _require_one_market(files: Sequence[Path], names: set[str]) -> None:
    """Refuse a folder whose files are named after several markets."""
    matches = (_MARKET_IN_NAME.match(file.stem) for file in files)
    named = sorted({match[1] for match in matches if match is not None})
    if len(named) > 1:
        raise CorruptDataError(
            f"the files are named after {len(named)} markets ({', '.join(named)}); expected one. Give the "
            f"files of {' or '.join(sorted(names))} alone: bars of two markets in one history are neither's."
        )


def _all_refused(refused: Mapping[str, DataError]) -> DataError:
    texts = [
        str(error) if Path(name).name in str(error) else f"{name}: {error}" for name, error in refused.items()
    ]
    error = joined(list(refused.values()), "\n".join(texts))
    return error if isinstance(error, DataError) else CorruptDataError(str(error))
