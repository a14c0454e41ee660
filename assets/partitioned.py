"""One body for assets that work partition by partition in a run over many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import dagster as dg

from assets.columns import LINEAGE
from assets.partitions import partitions_of
from truebar.errors import RetryError, TruebarError
from truebar.partitions import Partition

if TYPE_CHECKING:
    from resources.tracking import TrackingResource
    from resources.warehouse import WarehouseResource
    from truebar_io.configuration import Configuration
    from truebar_io.tracking import TrackedRun
    from truebar_io.warehouse import Warehouse, WriteResult

SYNTHETIC: Final = "synthetic: generated, no such market exists"
REAL: Final = "real"

Work = Callable[["Warehouse", Partition], Mapping[str, Any]]


class TrackedWork(Protocol):
    """A stage of a model kind, its settings given already."""

    def __call__(
        self, store: Warehouse, partition: Partition, kind: str, *, run: TrackedRun
    ) -> Mapping[str, Any]:
        """Do it for one partition and return what is told of it."""


def published(result: WriteResult) -> dict[str, Any]:
    """Return the metadata of a published table."""
    return {
        "dagster/partition_row_count": result.rows,
        "watermark": str(result.watermark),
        "digest": result.digest,
    }


def market_of(settings: Configuration, partition: Partition) -> dict[str, str]:
    """Return as metadata whether a market is real."""
    from truebar_io.generated import is_synthetic  # noqa: PLC0415 (pandas loads in the body)

    return {"market": SYNTHETIC if is_synthetic(settings, partition.symbol) else REAL}


def shown(found: Mapping[str, Any], market: Mapping[str, str]) -> dict[str, Any]:
    """Return what a step found as metadata of its asset, after whether its market is real.

    A picture becomes Markdown that holds it; that of a synthetic market says so itself.
    """
    from truebar import figures  # noqa: PLC0415 (pandas loads in the body)

    def drawn(picture: figures.Picture) -> str:
        is_marked = market["market"] == SYNTHETIC
        return (picture.marked(figures.SYNTHETIC) if is_marked else picture).markdown

    return {
        **market,
        **{
            name: dg.MetadataValue.md(drawn(value)) if isinstance(value, figures.Picture) else value
            for name, value in found.items()
        },
    }


def lineage_of(context: dg.AssetExecutionContext) -> dict[str, Any]:
    """Return the column lineage that the asset declares, for the materialization, where a UI looks for it."""
    declared = context.assets_def.metadata_by_key[context.asset_key]
    return {LINEAGE: declared[LINEAGE]} if LINEAGE in declared else {}


def raise_failures(context: dg.AssetExecutionContext, failures: Mapping[str, Exception]) -> None:
    """Do nothing if there is no failure.

    Raises:
        dg.Failure: naming each failed partition and why; retried only where nothing but a passing condition
            stood in the way.
    """
    if failures:
        keys_of: dict[str, list[str]] = {}
        for key, error in failures.items():
            said = str(error) if isinstance(error, TruebarError) else f"{type(error).__name__}: {error}"
            keys_of.setdefault(said, []).append(key)
        raise dg.Failure(
            description="; ".join(f"{', '.join(keys)}: {text}" for text, keys in keys_of.items()),
            metadata={
                "failed_partitions": dg.MetadataValue.json(
                    {key: {"error": type(e).__name__, "message": str(e)} for key, e in failures.items()}
                ),
                "partitions_in_run": len(context.partition_keys),
            },
            allow_retries=all(isinstance(error, RetryError) for error in failures.values()),
        )


def hold_partitions(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> tuple[list[Partition], dict[str, TruebarError]]:
    """Return the run's partitions that it now holds, and by key why it does not hold the others."""
    held: list[Partition] = []
    refused: dict[str, TruebarError] = {}
    for partition in partitions_of(context):
        try:
            warehouse.hold(partition, context.run.run_id)
            held.append(partition)
        except TruebarError as error:
            refused[partition.key] = error
    return held, refused


def each_partition(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, settings: Configuration, work: Work
) -> None:
    """Do `work` for every partition of the run; then, if some failed, raise naming them.

    A run over a range is all or nothing for Dagster's events, so the good partitions are finished before the
    failure is raised; asking again costs them nothing and finds only the bad one red.

    Raises:
        dg.Failure: naming each failed partition and why; an asset with a retry policy tries again if nothing
            but a passing condition stood in the way.
    """
    store = warehouse.open()
    failures: dict[str, Exception] = {}
    for key in context.partition_keys:
        partition = Partition.from_key(key)
        try:
            warehouse.hold(partition, context.run.run_id)
            found = shown(work(store, partition), market_of(settings, partition))
            context.add_asset_metadata(found | lineage_of(context), partition_key=key)
        except Exception as error:
            context.log.exception(f"{partition}: {type(error).__name__}")
            failures[key] = error
    raise_failures(context, failures)


def each_tracked(
    context: dg.AssetExecutionContext,
    warehouse: WarehouseResource,
    settings: Configuration,
    tracking: TrackingResource,
    kind: str,
    work: TrackedWork,
) -> None:
    """Do `work` for every partition of the run, each within its experiment run; as `each_partition`."""

    def tracked(store: Warehouse, partition: Partition) -> Mapping[str, Any]:
        is_synthetic = market_of(settings, partition)["market"] == SYNTHETIC
        with tracking.run(context, partition, kind, is_synthetic=is_synthetic) as run:
            return work(store, partition, kind, run=run)

    each_partition(context, warehouse, settings, tracked)
