"""The sensor that asks again for runs that a passing condition stopped, once their partition is free."""

import json

import dagster as dg
from dagster._core.storage.tags import PARTITION_NAME_TAG

from jobs.pipeline import JOBS
from resources.warehouse import WarehouseResource
from sensors.tags import ASK_AGAIN, ATTEMPT, CAUSE
from truebar.partitions import Partition


def request_for(run: dg.DagsterRun) -> dg.RunRequest:
    """Return the request that makes `run` again, counted."""
    return dg.RunRequest(
        run_key=f"{run.run_id}:again",
        job_name=run.job_name,
        partition_key=run.tags[PARTITION_NAME_TAG],
        asset_selection=sorted(run.asset_selection) if run.asset_selection else None,
        tags={
            CAUSE: f"run {run.run_id} was stopped by a passing condition",
            ATTEMPT: str(int(run.tags.get(ATTEMPT, "1")) + 1),
        },
    )


@dg.sensor(jobs=list(JOBS), minimum_interval_seconds=5, default_status=dg.DefaultSensorStatus.RUNNING)
def ask_again(context: dg.SensorEvaluationContext, warehouse: WarehouseResource) -> dg.SensorResult:
    """Ask for each run that the run-failure sensor marked, one a partition at a time.

    The mark waits as long as another run holds the partition. It is taken off a tick after the request was
    made: the cursor, which Dagster keeps together with the request, says for which runs that is so.
    """
    from truebar_io.lease import is_leased  # noqa: PLC0415 (loaded in the body)

    asked = set(json.loads(context.cursor or "[]"))
    chosen: dict[Partition, dg.DagsterRun] = {}
    # A run re-executed in the UI inherits the mark: only failed ones count.
    marked = dg.RunsFilter(tags={ASK_AGAIN: "waiting"}, statuses=[dg.DagsterRunStatus.FAILURE])
    for run in context.instance.get_runs(marked):
        partition = Partition.from_key(run.tags[PARTITION_NAME_TAG])
        if run.run_id in asked:
            context.instance.add_run_tags(run.run_id, {ASK_AGAIN: "asked"})
        elif not is_leased(warehouse.home, partition):
            chosen.setdefault(partition, run)
    return dg.SensorResult(
        run_requests=[request_for(run) for run in chosen.values()],
        cursor=json.dumps(sorted(run.run_id for run in chosen.values())),
    )
