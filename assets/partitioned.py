"""One body for assets that work partition by partition in a run over many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import dagster as dg

from assets.partitions import partitions_of
from truebar.errors import RetryError, TruebarError
from truebar.partitions import Partition

if TYPE_CHECKING:
    from resources.tracking import TrackingResource
    from resources.warehouse import WarehouseResource
    from truebar_io.tracking import TrackedRun
    from truebar_io.warehouse import Warehouse, WriteResult

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


def shown(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a step found as metadata of its asset; a picture becomes Markdown that holds it."""
    from truebar.figures import Picture  # noqa: PLC0415 (pandas loads in the body)

    return {
        name: dg.MetadataValue.md(value.markdown) if isinstance(value, Picture) else value
        for name, value in found.items()
    }


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


def each_partition(context: dg.AssetExecutionContext, warehouse: WarehouseResource, work: Work) -> None:
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
            context.add_asset_metadata(shown(work(store, partition)), partition_key=key)
        except Exception as error:
            context.log.exception(f"{partition}: {type(error).__name__}")
            failures[key] = error
    raise_failures(context, failures)


def each_tracked(
    context: dg.AssetExecutionContext,
    warehouse: WarehouseResource,
    tracking: TrackingResource,
    kind: str,
    work: TrackedWork,
) -> None:
    """Do `work` for every partition of the run, each within its experiment run; as `each_partition`."""

    def tracked(store: Warehouse, partition: Partition) -> Mapping[str, Any]:
        with tracking.run(context, partition, kind) as run:
            return work(store, partition, kind, run=run)

    each_partition(context, warehouse, tracked)
