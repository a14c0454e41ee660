"""A user's own files: brought in, judged, and refused where they are too little to train on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from truebar.errors import CorruptDataError
from truebar.partitions import Partition
from truebar_apps.cli.output import console, print_problem, print_table
from truebar_io.configuration import Configuration
from truebar_io.home import Home
from truebar_io.ingest import DataSetResult, IngestResult, ingest_data_set
from truebar_io.lease import Lease
from truebar_io.sources import refuse_files
from truebar_io.stages.checks import klines_judgement, quality_of, refuse_short
from truebar_io.warehouse import Warehouse


def bring_in(home: Home, settings: Configuration, partition: Partition, path: Path) -> DataSetResult:
    """Ingest a file or a folder of files into `partition`, holding its lease.

    Raises:
        ConfigurationError: the symbol is a synthetic market, or its venue is not known.
        DataError: nothing could be taken; nothing is written.
        PartitionBusyError: a run is at work on the partition.
    """
    refuse_files(settings, partition.symbol, [path.name])
    market = settings.market_of(partition.symbol)
    lease = Lease.acquire(home, partition, "truebar import")
    try:
        return ingest_data_set(
            Warehouse(home),
            partition,
            path,
            exchange_symbol=market.exchange_symbol,
            now=datetime.now(UTC),
        )
    finally:
        lease.release()


def totals(results: Sequence[IngestResult]) -> dict[str, Any]:
    """Return what several files did together, under the names of what one does."""
    return {
        "rows_read": sum(result.rows_read for result in results),
        "rows_written": sum(result.rows_written for result in results),
        "rows_revised": sum(result.rows_revised for result in results),
        "rows_quarantined": sum(result.rows_quarantined for result in results),
        "duplicates": sum(result.duplicates for result in results),
        "out_of_order": sum(result.out_of_order for result in results),
        "gaps": results[-1].gaps,
        "already_imported": all(result.already_imported for result in results),
        "watermark": results[-1].watermark,
    }


def summary_of(partition: Partition, path: Path, result: DataSetResult) -> dict[str, Any]:
    """Return what was taken of a file or folder, refused and quarantined, as scripts are told it."""
    return {
        "symbol": partition.symbol,
        "timeframe": partition.timeframe,
        "file": str(path),
        **totals(result.imported),
        "files": [asdict(done) for done in result.imported],
        "refused": {name: str(error) for name, error in result.refused.items()},
    }


def show(home: Home, partition: Partition, result: DataSetResult) -> None:
    """Print what was taken and refused, and what is known about the bars now."""
    done = totals(result.imported)
    files = len(result.imported)
    print_table(
        f"{partition} from {result.imported[0].source if files == 1 else f'{files} files'}",
        ["what", "value"],
        [[what.replace("_", " "), str(value)] for what, value in done.items()],
    )
    for sentence in quality_of(Warehouse(home), partition).sentences():
        console().print(f"  {sentence}", soft_wrap=True)
    for name, error in result.refused.items():
        print_problem("refused", f" {name}: {error}")


def tell_of_funding(settings: Configuration, partition: Partition) -> None:
    """Print that a market cannot be `edge` yet, if it is one whose funding would have to be counted."""
    from truebar_io.stages.judging import pays_funding  # noqa: PLC0415 (numba and xgboost load here)

    if pays_funding(settings, partition):
        console().print(
            f"  {partition} is a perpetual: its funding is not counted yet, so its verdict is `no edge "
            "proven` whatever its model is worth, with `funding` named as not computed.",
            soft_wrap=True,
        )


def require_trainable(home: Home, settings: Configuration, partition: Partition) -> None:
    """Do nothing if the published bars are enough, and fit, to train on; nothing is built on them before.

    Raises:
        TooFewRowsError: there are too few of them (see `refuse_short`).
        CorruptDataError: they break a rule of `judge_klines`.
    """
    store = Warehouse(home)
    refuse_short(store, partition, settings)
    judgement = klines_judgement(store, partition, datetime.now(UTC))
    if not judgement.passed:
        raise CorruptDataError(f"{partition} is not fit to train on: {'; '.join(judgement.reasons)}.")
