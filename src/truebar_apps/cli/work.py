"""What is left to do for a set of partitions, and the runs that do it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from truebar.errors import TruebarError
from truebar.kinds import KINDS
from truebar.partitions import Partition, rectangles
from truebar_apps.cli.runs import RunRequest
from truebar_io.configuration import Configuration
from truebar_io.home import Home
from truebar_io.stages.freshness import needs_refresh, needs_report, needs_training
from truebar_io.warehouse import Warehouse


def _plan(
    wanted: Sequence[Partition], needs: Callable[[Partition], bool]
) -> tuple[list[Partition], dict[Partition, TruebarError]]:
    chosen: list[Partition] = []
    failures: dict[Partition, TruebarError] = {}
    for partition in wanted:
        try:
            if needs(partition):
                chosen.append(partition)
        except TruebarError as error:
            failures[partition] = error
    return chosen, failures


def refresh_plan(
    store: Warehouse, home: Home, settings: Configuration, project: Path, wanted: Sequence[Partition]
) -> tuple[list[Partition], dict[Partition, TruebarError]]:
    """Return those of `wanted` whose klines, features or labels are not what their sources give now.

    Also why that cannot be said of some.
    """
    return _plan(wanted, lambda partition: needs_refresh(store, home, partition, settings, project))


def training_plan(
    store: Warehouse, home: Home, settings: Configuration, wanted: Sequence[Partition]
) -> tuple[list[Partition], dict[Partition, TruebarError]]:
    """Return those of `wanted` that lack the model or verdict that their data and recipe give.

    Also why that cannot be said of some.
    """
    return _plan(
        wanted,
        lambda partition: any(needs_training(store, home, partition, settings, kind) for kind in KINDS),
    )


def report_plan(
    home: Home, wanted: Sequence[Partition]
) -> tuple[list[Partition], dict[Partition, TruebarError]]:
    """Return those of `wanted` whose report is not what their verdict and the page's code give now.

    Also why that cannot be said of some.
    """
    return _plan(wanted, lambda partition: any(needs_report(home, partition, kind) for kind in KINDS))


def refresh_requests(partitions: Sequence[Partition], symbol_order: Sequence[str]) -> list[RunRequest]:
    """Return one refresh for each exact rectangle of `partitions`."""
    return [RunRequest("refresh", rectangle) for rectangle in rectangles(partitions, symbol_order)]


def report_requests(partitions: Sequence[Partition]) -> list[RunRequest]:
    """Return one run for each partition that draws its report again, and nothing else."""
    return [RunRequest.single("report", partition) for partition in partitions]


def train_requests(partitions: Sequence[Partition]) -> list[RunRequest]:
    """Return one training run for each partition."""
    return [RunRequest.single("train", partition) for partition in partitions]
