"""What a failed step says of its partitions, and whether it is worth asking again."""

from __future__ import annotations

import dagster as dg
import pytest

from tests.apps.test_cli_runs import GOOD, failing
from truebar_apps.step_failures import failed_partitions, is_passing


@pytest.mark.parametrize(
    ("error", "stopped", "expected"),
    [
        (None, {"A1|1h": "PartitionBusyError"}, True),
        (None, {"A1|1h": "StorageFullError", "B1|1h": "PartitionBusyError"}, True),
        (None, {"A1|1h": "PartitionBusyError", "B1|1h": "DataError"}, False),
        (None, {"A1|1h": "KeyError"}, False),
        (None, {"A1|1h": "Sequence"}, False),  # a name in the module of the errors, and none of them
        (OSError(28, "No space left on device"), {}, True),
        (ValueError("a defect"), {}, False),
    ],
)
def test_step_passes_only_when_everything_that_stopped_it_does(error, stopped, expected):
    with dg.DagsterInstance.ephemeral() as instance:
        job = failing(error, stopped).resolve_job_def("refresh")
        result = job.execute_in_process(instance=instance, partition_key=GOOD.key, raise_on_error=False)
    (event,) = [event for event in result.all_events if event.is_step_failure]
    assert is_passing(event) is expected
    assert {key: stated["error"] for key, stated in failed_partitions(event).items()} == stopped
