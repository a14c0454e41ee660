"""Volatility and the labels scaled by it."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.partitioned import each_partition, published
from assets.partitions import PARTITIONS, PER_RUN
from resources.configuration import ConfigurationResource
from resources.warehouse import WarehouseResource

if TYPE_CHECKING:
    from truebar.partitions import Partition
    from truebar_io.warehouse import Warehouse


@dg.asset(
    key=["labels", "volatility"],
    deps=[["market", "klines"]],
    partitions_def=PARTITIONS,
    backfill_policy=PER_RUN,
    group_name="labels",
    kinds={"python", "duckdb"},
    owners=["team:research"],
    description="Volatility per bar, in log-return units, from bars up to and including this one.",
)
def volatility(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, configuration: ConfigurationResource
) -> None:
    """Estimate the volatility of each partition."""
    from truebar_io.stages.labels import publish_volatility  # noqa: PLC0415 (numba and pandas load in the body)

    settings = configuration.load()

    def estimate(store: "Warehouse", partition: "Partition") -> dict[str, Any]:
        return published(publish_volatility(store, partition, settings))

    each_partition(context, warehouse, estimate)


@dg.asset(
    key=["labels", "vol_scaled"],
    deps=[["market", "klines"], ["labels", "volatility"]],
    partitions_def=PARTITIONS,
    backfill_policy=PER_RUN,
    group_name="labels",
    kinds={"python", "duckdb"},
    owners=["team:research"],
    description="Sign of the return over the horizon where it passes tau, else 0; known at label_end.",
)
def vol_scaled(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, configuration: ConfigurationResource
) -> None:
    """Label each bar of each partition."""
    from truebar_io.stages.labels import publish_labels  # noqa: PLC0415

    settings = configuration.load()

    def label(store: "Warehouse", partition: "Partition") -> dict[str, Any]:
        return published(publish_labels(store, partition, settings))

    each_partition(context, warehouse, label)
