"""Market data: klines as they came, judged row by row."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.partitioned import each_partition
from assets.partitions import PARTITIONS, PER_RUN
from resources.warehouse import WarehouseResource

if TYPE_CHECKING:
    from truebar.partitions import Partition
    from truebar_io.warehouse import Warehouse


@dg.asset(
    key=["market", "klines"],
    partitions_def=PARTITIONS,
    backfill_policy=PER_RUN,
    group_name="market",
    kinds={"duckdb", "parquet"},
    owners=["team:data"],
    description=(
        "Closed klines of one symbol and timeframe, from landing/ and the embedded market. Rows that break a "
        "rule are in market.quarantine with their reason; missing and halted bars in market.gaps."
    ),
)
def klines(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> None:
    """Ingest what is new for each partition."""
    from truebar_io.sources import ingest_sources  # noqa: PLC0415 (pandas loads in the body)

    def ingest(store: "Warehouse", partition: "Partition") -> dict[str, Any]:
        result = ingest_sources(store, warehouse.home, partition, now=datetime.now(UTC))
        return {
            "dagster/partition_row_count": result.rows,
            "watermark": str(result.watermark),
            "rows_written": result.rows_written,
            "rows_revised": result.rows_revised,
            "rows_quarantined": result.rows_quarantined,
            "gaps": result.gaps,
            "files": dg.MetadataValue.json(list(result.files)),
        }

    each_partition(context, warehouse, ingest)
