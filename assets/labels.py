"""Volatility and the labels scaled by it."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.columns import table_metadata
from assets.origins import labels_origins
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
    metadata=table_metadata("labels.volatility", origins=labels_origins()),
)
def volatility(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, configuration: ConfigurationResource
) -> None:
    """Estimate the volatility of each partition."""
    from truebar_io.stages.labels import publish_volatility  # noqa: PLC0415 (numba and pandas load in the body)
    from truebar_io.stages.pictures import volatility_picture  # noqa: PLC0415

    settings = configuration.load()

    def estimate(store: "Warehouse", partition: "Partition") -> dict[str, Any]:
        result = publish_volatility(store, partition, settings)
        return {**published(result), "volatility": volatility_picture(store, partition)}

    each_partition(context, warehouse, settings, estimate)


@dg.asset(
    key=["labels", "vol_scaled"],
    deps=[["market", "klines"], ["labels", "volatility"]],
    partitions_def=PARTITIONS,
    backfill_policy=PER_RUN,
    group_name="labels",
    kinds={"python", "duckdb"},
    owners=["team:research"],
    description="Sign of the return over the horizon where it passes tau, else 0; known at label_end.",
    metadata=table_metadata("labels.vol_scaled", origins=labels_origins()),
)
def vol_scaled(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, configuration: ConfigurationResource
) -> None:
    """Label each bar of each partition."""
    from truebar_io.stages.labels import publish_labels  # noqa: PLC0415
    from truebar_io.stages.pictures import labels_picture  # noqa: PLC0415

    settings = configuration.load()

    def label(store: "Warehouse", partition: "Partition") -> dict[str, Any]:
        result = publish_labels(store, partition, settings)
        return {**published(result), "labels": labels_picture(store, partition)}

    each_partition(context, warehouse, settings, label)
