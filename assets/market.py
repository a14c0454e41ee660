"""Market data: klines as they came, judged row by row."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.columns import table_metadata
from assets.partitioned import each_partition
from assets.partitions import PARTITIONS, PATIENT, PER_RUN
from resources.configuration import ConfigurationResource
from resources.warehouse import WarehouseResource

if TYPE_CHECKING:
    from truebar.partitions import Partition
    from truebar_io.warehouse import Warehouse


@dg.asset(
    key=["market", "klines"],
    partitions_def=PARTITIONS,
    backfill_policy=PER_RUN,
    retry_policy=PATIENT,
    group_name="market",
    kinds={"duckdb", "parquet"},
    owners=["team:data"],
    metadata=table_metadata(
        "market.klines", "market.quarantine", "market.gaps", "market.imports", origins={}
    ),
    description=(
        "Closed klines of one symbol and timeframe, from landing/, the embedded market, or a generator. Rows "
        "that break a rule are in market.quarantine with the reason, missing and halted bars in market.gaps."
    ),
)
def klines(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, configuration: ConfigurationResource
) -> None:
    """Ingest what is new for each partition."""
    from truebar_io.sources import ingest_sources  # noqa: PLC0415 (pandas loads in the body)
    from truebar_io.stages.pictures import price_picture  # noqa: PLC0415

    settings = configuration.load()

    def ingest(store: "Warehouse", partition: "Partition") -> dict[str, Any]:
        result = ingest_sources(store, warehouse.home, partition, settings, now=datetime.now(UTC))
        return {
            "dagster/partition_row_count": result.rows,
            "watermark": str(result.watermark),
            "rows_written": result.rows_written,
            "rows_revised": result.rows_revised,
            "rows_quarantined": result.rows_quarantined,
            "gaps": result.gaps,
            "files": dg.MetadataValue.json(list(result.files)),
            "price": price_picture(store, partition),
        }

    each_partition(context, warehouse, settings, ingest)
