"""Runs of the graph that the command line starts in its own process, and the clean-up of dead ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from truebar.errors import RunDelayedError, RunFailedError
from truebar.partitions import Partition, Rectangle
from truebar_apps.step_failures import is_passing

if TYPE_CHECKING:
    import dagster as dg
    from dagster import DagsterEvent, EventLogEntry, ExecuteInProcessResult

PROCESS_TAG: Final = "truebar/process"
"""`<run id>:<pid>:<start of the process>`. Dagster copies tags when a run is executed again, so the run id
tells which run the process is of."""
RANGE_START_TAG: Final = "dagster/asset_partition_range_start"
RANGE_END_TAG: Final = "dagster/asset_partition_range_end"
QUIET: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

CHECK_FAILED: Final = "DagsterAssetCheckFailedError"
"""What Dagster raises where a blocking check did not pass; it names the check and not the reason."""

StepListener = Callable[[str, str], None]
"""Called with a step's name and one of the words in `WORDS`."""

WORDS: Final = {
    "STEP_START": "start",
    "STEP_RESTARTED": "start",
    "STEP_OUTPUT": "result",
    "ASSET_MATERIALIZATION": "result",
    "ASSET_CHECK_EVALUATION": "result",
    "STEP_UP_FOR_RETRY": "retry",
    "STEP_FAILURE": "failure",
    "STEP_SUCCESS": "success",
}
"""What a listener is told of Dagster's events: a body begins, gives its results, and the step ends."""


@dataclass(frozen=True)
class RunRequest:
    """One run to be made: a job over a rectangle of partitions."""

    job: str
    rectangle: Rectangle

    @classmethod
    def single(cls, job: str, partition: Partition) -> RunRequest:
        """Return the request for one partition."""
        return cls(job, Rectangle(partition, partition, (partition,)))

    def singles(self) -> list[RunRequest]:
        """Return the requests that do the same, one for each partition."""
        return [RunRequest.single(self.job, partition) for partition in self.rectangle.partitions]

    @property
    def is_single(self) -> bool:
        """Whether one partition is asked for."""
        return len(self.rectangle.partitions) == 1

    def __str__(self) -> str:
        return f"{self.job}: {', '.join(str(partition) for partition in self.rectangle.partitions)}"


def _process_started(pid: int) -> float | None:
    """Return when process `pid` started, in seconds since the epoch; None when it is gone."""
    import psutil  # noqa: PLC0415 (comes with the orchestration extra)

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return None


def process_tag(run_id: str, pid: int) -> str:
    """Return the tag that says that process `pid` executes the run."""
    return f"{run_id}:{pid}:{_process_started(pid)!r}"


def _process_of(run: dg.DagsterRun) -> tuple[int, float] | None:
    """Return pid and start of the process that executes `run`; None when no tag of its own says so."""
    run_id, _, process = run.tags.get(PROCESS_TAG, "").partition(":")
    if run_id != run.run_id:
        return None
    pid, _, started = process.partition(":")
    return int(pid), float(started)


def _is_dead(run: dg.DagsterRun) -> bool:
    """Return whether the process of `run` is gone; a reused pid started at another time."""
    process = _process_of(run)
    if process is None:
        return False
    pid, started = process
    now = _process_started(pid)
    return now is None or abs(now - started) >= 1.0


def dead_runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Return every unfinished run that the command line started and whose process is gone."""
    import dagster as dg  # noqa: PLC0415 (the command line starts without it)

    unfinished = dg.RunsFilter(
        statuses=[
            dg.DagsterRunStatus.NOT_STARTED,
            dg.DagsterRunStatus.STARTING,
            dg.DagsterRunStatus.STARTED,
            dg.DagsterRunStatus.CANCELING,
        ]
    )
    return [run for run in instance.get_runs(unfinished) if _is_dead(run)]


def close_dead_runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Report dead runs as failed, and return them.

    Dagster's run monitoring cannot see in-process runs: they would stay STARTED for ever and hold places in
    the run queue.
    """
    dead = dead_runs(instance)
    for run in dead:
        process = run.tags[PROCESS_TAG].split(":")[1]
        instance.report_run_failed(
            run, f"The process of this run ({process}) is gone; truebar closed the run."
        )
    return dead


def _step_listener(listener: StepListener) -> Callable[[EventLogEntry], None]:
    """Return an event listener that passes on the beginnings, results and ends of steps."""

    def on_event(entry: EventLogEntry) -> None:
        event = entry.dagster_event
        word = None if event is None else WORDS.get(event.event_type_value)
        if event is not None and event.step_key is not None and word is not None:
            listener(event.step_key, word)

    return on_event


def _failure_text(result: ExecuteInProcessResult) -> str:
    """Return why a run failed, in the words of the steps that did, and of the checks that stopped it."""
    texts = [
        f"{event.step_key}: {_step_text(event, _refusals(result, event.step_key))}"
        for event in result.all_events
        if event.is_step_failure
    ]
    return "; ".join(texts) or "no step says why; see the run's log in the Dagster UI"


def _step_text(event: DagsterEvent, refusals: Sequence[str]) -> str:
    """Return why a step failed: what it says itself, else the checks that it evaluated, else its error."""
    stated = event.step_failure_data.user_failure_data
    error = event.step_failure_data.error
    # Dagster wraps what an asset raises; the innermost error is the asset's own.
    while error is not None and error.cause is not None:
        error = error.cause
    if stated is not None:
        text = stated.description
    elif refusals and error is not None and error.cls_name == CHECK_FAILED:
        text = "; ".join(refusals)
    else:
        text = None if error is None else error.message
    return (text or "no message").strip()


def _refusals(result: ExecuteInProcessResult, step: str | None) -> list[str]:
    """Return what the checks that a step evaluated and that nothing may pass have to say."""
    evaluations = [
        event.asset_check_evaluation_data
        for event in result.all_events
        if event.event_type_value == "ASSET_CHECK_EVALUATION" and event.step_key == step
    ]
    return [
        f"{each.asset_key.to_user_string()} {each.check_name}: {each.description or 'it does not say why'}"
        for each in evaluations
        if not each.passed and each.severity.value == "ERROR"
    ]


def _failure(result: ExecuteInProcessResult, text: str) -> RunFailedError | RunDelayedError:
    failed = [event for event in result.all_events if event.is_step_failure]
    if failed and all(is_passing(event) for event in failed):
        return RunDelayedError(text)
    return RunFailedError(text)


def steps_of(definitions: dg.Definitions, request: RunRequest) -> list[str]:
    """Return the names of the steps that `request` will take, in the order in which they stand in the job."""
    return [node.name for node in definitions.resolve_job_def(request.job).nodes_in_topological_order]


def execute(
    definitions: dg.Definitions, instance: dg.DagsterInstance, request: RunRequest, listener: StepListener
) -> str:
    """Make one run in this process and return its id.

    The run carries this process and its start time as tags, so that `close_dead_runs` can tell a killed one.

    Raises:
        RunDelayedError: naming the request, when nothing but passing conditions stood in its way.
        RunFailedError: naming the request and what failed.
    """
    from dagster._core.utils import make_new_run_id  # noqa: PLC0415 (Dagster offers no public name)

    run_id = make_new_run_id()
    tags = {PROCESS_TAG: process_tag(run_id, os.getpid())}
    if not request.is_single:
        tags |= {
            RANGE_START_TAG: request.rectangle.first.key,
            RANGE_END_TAG: request.rectangle.last.key,
        }
    instance.add_event_listener(run_id, _step_listener(listener))
    result = definitions.resolve_job_def(request.job).execute_in_process(
        instance=instance,
        run_id=run_id,
        partition_key=request.rectangle.first.key if request.is_single else None,
        tags=tags,
        run_config=QUIET,
        raise_on_error=False,
    )
    if not result.success:
        raise _failure(result, f"{request} failed (run {run_id[:8]}): {_failure_text(result)}")
    return run_id
