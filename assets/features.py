"""Features computed in Python, and the matrix that models read."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.partitioned import each_partition, published
from assets.partitions import PARTITIONS, PER_RUN
from resources.warehouse import WarehouseResource

if TYPE_CHECKING:
    from truebar.partitions import Partition
    from truebar_io.warehouse import Warehouse


@dg.asset(
    key=["features", "price"],
    deps=[["market", "klines"]],
    partitions_def=PARTITIONS,
    backfill_policy=PER_RUN,
    group_name="features",
    kinds={"python", "duckdb"},
    owners=["team:research"],
    description="Returns, range position and distance from the mean; each row is known at its bar's close.",
)
def price(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> None:
    """Compute the price family from the klines of each partition."""
    from truebar_io.stages.features import publish_family  # noqa: PLC0415 (numba loads in the body)

    def compute(store: "Warehouse", partition: "Partition") -> dict[str, Any]:
        return published(publish_family(store, partition, "price"))

    each_partition(context, warehouse, compute)


@dg.asset(
    key=["features", "matrix"],
    deps=[["features", "price"], ["features", "context"]],
    partitions_def=PARTITIONS,
    backfill_policy=PER_RUN,
    group_name="features",
    kinds={"duckdb", "sql"},
    owners=["team:research"],
    description="What models read: every column of every family, one row a bar, with the time it is known.",
)
def matrix(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> None:
    """Publish the view over all families; refused when they stand at different bars."""
    from truebar_io.stages.features import publish_matrix  # noqa: PLC0415

    def publish(store: "Warehouse", partition: "Partition") -> dict[str, Any]:
        return published(publish_matrix(store, partition))

    each_partition(context, warehouse, publish)
