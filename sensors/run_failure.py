"""The run-failure sensor: writes every failure down and splits a failed range into single partitions."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from assets.partitions import PARTITIONS
from jobs.pipeline import JOBS, refresh
from resources.warehouse import WarehouseResource

FAILURES_FILE = "failures.jsonl"


def append_failure(path: Path, record: dict[str, Any]) -> None:
    """Append one line of JSON; earlier lines are never rewritten."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, sort_keys=True) + "\n")


def partitions_of_range(context: dg.RunFailureSensorContext) -> list[str]:
    """Return the keys of a failed run over several partitions; empty for any other run."""
    tags = context.dagster_run.tags
    first, last = tags.get(ASSET_PARTITION_RANGE_START_TAG), tags.get(ASSET_PARTITION_RANGE_END_TAG)
    if first is None or last is None or first == last:
        return []
    with dg.partition_loading_context(dynamic_partitions_store=context.instance):
        return list(PARTITIONS.get_partition_keys_in_range(dg.PartitionKeyRange(first, last)))


@dg.run_failure_sensor(request_jobs=list(JOBS), default_status=dg.DefaultSensorStatus.RUNNING)
def run_failure(
    context: dg.RunFailureSensorContext, warehouse: WarehouseResource
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Log the failure, append it to `logs/failures.jsonl`, and ask again, one run for each partition.

    A range run is all or nothing for events; run one by one, only the bad partition stays red.
    """
    run = context.dagster_run
    keys = partitions_of_range(context)
    message = context.failure_event.message or "no message"
    context.log.error("run %s of %s failed: %s", run.run_id, run.job_name, message)
    append_failure(
        warehouse.home.logs / FAILURES_FILE,
        {
            "at": datetime.now(UTC).isoformat(),
            "run_id": run.run_id,
            "job": run.job_name,
            "partitions": keys or [run.tags.get("dagster/partition")],
            "message": message,
        },
    )
    if not keys:
        yield dg.SkipReason("a run of one partition is not asked for again; look at it first")
        return
    names = {job.name for job in JOBS}
    for key in keys:
        yield dg.RunRequest(
            run_key=f"{run.run_id}:{key}",
            job_name=run.job_name if run.job_name in names else refresh.name,
            partition_key=key,
            asset_selection=sorted(run.asset_selection) if run.asset_selection else None,
            tags={"truebar/cause": f"split of failed run {run.run_id}"},
        )
