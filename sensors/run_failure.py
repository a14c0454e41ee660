"""The run-failure sensor: writes every failure down and splits a failed range into single partitions."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from assets.partitions import PARTITIONS
from jobs.pipeline import JOBS, refresh
from resources.warehouse import WarehouseResource
from sensors.tags import ASK_AGAIN, ATTEMPT, CAUSE
from truebar_apps.step_failures import failed_partitions, is_passing

FAILURES_FILE: Final = "failures.jsonl"
MAX_ATTEMPTS: Final = 5


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


def split(
    run: dg.DagsterRun, keys: Iterable[str], repository: dg.RepositoryDefinition
) -> list[dg.RunRequest]:
    """Return one request for each partition of a failed range.

    A run of one of our jobs is split as it was; of any other (a backfill's) what a refresh can make of it.
    """
    job = run.job_name if run.job_name in {job.name for job in JOBS} else refresh.name
    of_job = repository.get_job(job).asset_layer.selected_asset_keys
    selection = of_job & (run.asset_selection or of_job)
    if not selection:
        return []
    return [
        dg.RunRequest(
            run_key=f"{run.run_id}:{key}",
            job_name=job,
            partition_key=key,
            asset_selection=None if selection == of_job else sorted(selection),
            tags={CAUSE: f"split of failed run {run.run_id}"},
        )
        for key in keys
    ]


@dg.run_failure_sensor(
    request_jobs=list(JOBS), minimum_interval_seconds=5, default_status=dg.DefaultSensorStatus.RUNNING
)
def run_failure(
    context: dg.RunFailureSensorContext, warehouse: WarehouseResource
) -> list[dg.RunRequest] | None:
    """Log the failure, append it to `logs/failures.jsonl`, and ask for a range again, one run a partition.

    A range run is all or nothing for events; run one by one, only the bad partition stays red. A run of one
    partition that a sensor asked for and a passing condition stopped (or that went away with its process, so
    that no step failed) is marked for the sensor `ask_again`, since what landed would wait for the next file
    otherwise. Any other run waits for a person.
    """
    run = context.dagster_run
    keys = partitions_of_range(context)
    message = context.failure_event.message or "no message"
    failures = context.get_step_failure_events()
    context.log.error("run %s of %s failed: %s", run.run_id, run.job_name, message)
    append_failure(
        warehouse.home.logs / FAILURES_FILE,
        {
            "at": datetime.now(UTC).isoformat(),
            "run_id": run.run_id,
            "job": run.job_name,
            "partitions": keys or [run.tags.get(PARTITION_NAME_TAG)],
            "message": message,
            "steps": {event.step_key or "": failed_partitions(event) for event in failures},
        },
    )
    if keys and context.repository_def is not None:
        return split(run, keys, context.repository_def)
    attempts = int(run.tags.get(ATTEMPT, "1"))
    if (
        CAUSE in run.tags
        and PARTITION_NAME_TAG in run.tags
        and all(is_passing(event) for event in failures)
        and attempts < MAX_ATTEMPTS
    ):
        context.instance.add_run_tags(run.run_id, {ASK_AGAIN: "waiting"})
    return None
