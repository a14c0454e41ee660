"""Where the klines of a partition come from: what comes with truebar, what is generated, and landing/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pandas as pd

from truebar.errors import ConfigurationError, MissingDataError, TruebarError, UnreadableFileError, joined
from truebar.partitions import Partition
from truebar_io.configuration import Configuration
from truebar_io.embedded import embedded_source
from truebar_io.generated import generate, generated_name, is_synthetic
from truebar_io.home import Home
from truebar_io.ingest import (
    IngestResult,
    holds_others,
    imported_sources,
    ingest_file,
    ingest_frame,
    is_imported,
    landing_files,
)
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
        files: names of the sources that were read.
    """

    rows: int
    watermark: pd.Timestamp | None
    rows_written: int
    rows_revised: int
    rows_quarantined: int
    gaps: int
    files: tuple[str, ...]


class Source(Protocol):
    """Something that klines of a partition come from."""

    @property
    def name(self) -> str:
        """What the `source` of its bars says."""

    def is_pending(self, store: Warehouse, partition: Partition) -> bool:
        """Return whether its bars are still to be ingested; ingestion says why they cannot be."""

    def ingest(self, store: Warehouse, partition: Partition, *, now: datetime) -> IngestResult:
        """Merge its bars into the partition's."""


@dataclass(frozen=True)
class FileSource:
    """A file: the embedded market, or one in landing/."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def is_pending(self, store: Warehouse, partition: Partition) -> bool:
        """Return whether its content has not been ingested yet, or cannot be read."""
        try:
            return not is_imported(store, partition, self.path)
        except UnreadableFileError:
            return True

    def ingest(self, store: Warehouse, partition: Partition, *, now: datetime) -> IngestResult:
        """Ingest the file."""
        return ingest_file(store, partition, self.path, now=now)


@dataclass(frozen=True)
class GeneratedSource:
    """A synthetic market, as `markets.yaml` defines it."""

    settings: Configuration
    name: str

    def is_pending(self, store: Warehouse, partition: Partition) -> bool:
        """Return whether exactly these bars, and no others, have been ingested."""
        return imported_sources(store, partition) != {self.name}

    def ingest(self, store: Warehouse, partition: Partition, *, now: datetime) -> IngestResult:
        """Generate the bars and ingest them.

        Raises:
            ConfigurationError: the partition holds bars of another seed, or of a file: mixed with these, they
                would be no market at all.
        """
        others = imported_sources(store, partition) - {self.name}
        if others:
            raise ConfigurationError(
                f"{partition} holds bars of {', '.join(sorted(others))}, but markets.yaml says {self.name}. "
                "A market of another seed is another market: give it a symbol of its own in markets.yaml, or "
                "start in a new TRUEBAR_HOME."
            )
        if not self.is_pending(store, partition):
            return IngestResult(source=self.name, already_imported=True)
        bars = generate(self.settings, partition).bars
        return ingest_frame(store, partition, bars, source=self.name, now=now)


def sources(store: Warehouse, home: Home, partition: Partition, settings: Configuration) -> list[Source]:
    """Return what a partition's klines come from, in the order in which it is read.

    The embedded market is for a partition without bars of the user's own: where such files wait, or were ever
    ingested, it is left out, so that it cannot take their place. A synthetic market has no other source than
    itself.

    Raises:
        ConfigurationError: files wait in the landing folder of a synthetic market.
    """
    landed = [FileSource(file.path) for file in landing_files(home, partition)]
    if is_synthetic(settings, partition.symbol):
        refuse_files(settings, partition.symbol, [source.name for source in landed])
        market = settings.market_of(partition.symbol)
        made_here = market.synthetic is not None and market.synthetic.timeframe == partition.timeframe
        return [GeneratedSource(settings, generated_name(market))] if made_here else []
    embedded = embedded_source(partition)
    if landed or embedded is None or holds_others(store, partition, embedded):
        return list(landed)
    return [FileSource(embedded)]


def refuse_files(settings: Configuration, symbol: str, names: Sequence[str]) -> None:
    """Do nothing if there are no files, or the symbol's bars may come from files.

    Raises:
        ConfigurationError: the symbol is a synthetic market.
    """
    if names and is_synthetic(settings, symbol):
        raise ConfigurationError(
            f"{symbol} is a synthetic market: its bars are generated, and files ({', '.join(names)}) have no "
            "place in it. Give them the symbol of the market that they come from."
        )


def pending_sources(
    store: Warehouse, home: Home, partition: Partition, settings: Configuration
) -> list[Source]:
    """Return those sources that have not been ingested yet; ingestion says why one cannot be read."""
    known = sources(store, home, partition, settings)
    return [source for source in known if source.is_pending(store, partition)]


def require_data(store: Warehouse, home: Home, partition: Partition, settings: Configuration) -> None:
    """Do nothing if there is something that the partition's klines are, or can be made of.

    Raises:
        MissingDataError: when there is neither a source nor a published bar.
    """
    if not store.has(partition, "market.klines") and not sources(store, home, partition, settings):
        raise _no_data(partition, settings)


def ingest_sources(
    store: Warehouse, home: Home, partition: Partition, settings: Configuration, *, now: datetime
) -> SourcesResult:
    """Ingest every pending source of `partition`, each by itself, and return what was done.

    Raises:
        MissingDataError: when there is neither a source nor a published bar.
        TruebarError: one that names every source that could not be ingested; the others were, before.
    """
    ingested: list[IngestResult] = []
    failures: dict[str, TruebarError] = {}
    for source in sources(store, home, partition, settings):
        try:
            result = source.ingest(store, partition, now=now)
        except TruebarError as error:
            failures[source.name] = error
            continue
        if not result.already_imported:
            ingested.append(result)
    if failures:
        raise _failure(failures)
    if not store.has(partition, "market.klines"):
        raise _no_data(partition, settings)
    return _result(store, partition, ingested)


def _failure(failures: Mapping[str, TruebarError]) -> TruebarError:
    texts = [str(error) if name in str(error) else f"{name}: {error}" for name, error in failures.items()]
    return joined(list(failures.values()), " ".join(texts))


def _no_data(partition: Partition, settings: Configuration) -> MissingDataError:
    if is_synthetic(settings, partition.symbol):
        how = settings.market_of(partition.symbol).synthetic
        return MissingDataError(
            f"{partition} has no klines: {partition.symbol} is a synthetic market, generated at "
            f"{how.timeframe if how else 'no timeframe'} only."
        )
    return MissingDataError(
        f"{partition} has no klines and no source; import a file with `truebar import FILE --symbol "
        f"{partition.symbol} --timeframe {partition.timeframe}`, or drop one into "
        f"landing/{partition.symbol}/{partition.timeframe}/."
    )


def _result(store: Warehouse, partition: Partition, results: Sequence[IngestResult]) -> SourcesResult:
    """Return the sums over `results`, and what stands in the warehouse now."""
    summary = store.summary(partition)
    return SourcesResult(
        rows=summary["market.klines"].rows,
        watermark=summary["market.klines"].watermark,
        rows_written=sum(result.rows_written for result in results),
        rows_revised=sum(result.rows_revised for result in results),
        rows_quarantined=sum(result.rows_quarantined for result in results),
        gaps=summary["market.gaps"].rows,
        files=tuple(result.source for result in results),
    )
