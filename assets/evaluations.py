"""Check results of a run over several partitions, told to each of them."""

from collections.abc import Mapping
from typing import Any

import dagster as dg


def tell_each_partition(
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
    key: dg.AssetCheckKey,
    passed: Mapping[str, bool],
    *,
    metadata: Mapping[str, Mapping[str, Any]] | None = None,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> None:
    """Report one check's result for each partition of a run over several.

    Dagster gives the result of such a run no partition, so the UI would count the check as never run for any
    of them. A run of one partition gives its result that partition: nothing is told twice.

    Args:
        instance: where events are kept.
        run: the run over several partitions that the results come from.
        key: the check.
        passed: partition key to result; fewer than two keys are left to the run's own result.
        metadata: partition key to evidence.
        severity: of a result that did not pass.
    """
    if len(passed) < 2:
        return
    for partition, result in passed.items():
        evaluation = dg.AssetCheckEvaluation(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=result,
            partition=partition,
            severity=severity,
            metadata=dict((metadata or {}).get(partition, {})),
        )
        event = dg.DagsterEvent(
            dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
            job_name=run.job_name,
            event_specific_data=evaluation,
            message=f"{key.name} of {partition}: {'passed' if result else 'failed'}",
        )
        # Not as a runless event: Dagster stores one of those for each check and partition, ever.
        instance.report_dagster_event(event, run_id=run.run_id)
