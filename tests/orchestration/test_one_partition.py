"""One partition materialized: judged again, trained again, and the same after being killed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tests.orchestration.conftest import CHECKOUT, TRUEBAR, answer, bundles, environment, truebar

WHERE = ("-s", "BTC-USD", "-t", "4h")

pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("small")]
"""A partition takes half a minute, and one test begins several times."""


@pytest.fixture(scope="module")
def undisturbed(small: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A home on which one partition was materialized, and what that printed."""
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    return home, answer(home, "materialize", *WHERE)


def test_train_and_backtest_judge_a_partition_again(undisturbed):
    home, first = undisturbed
    before = bundles(first)["BTC-USD", "4h"]
    again = answer(home, "backtest", *WHERE)
    assert [(v["bundle"], v["vault_looks"]) for v in again["verdicts"]] == [(before, 1)]
    told = answer(home, "train", *WHERE)
    assert (told["trained"], bundles(told)) == (1, {("BTC-USD", "4h"): before})
    assert [(w["asked"], w["is_over"]) for w in answer(home, "watch", *WHERE)] == [(2, True)]


def kill_after(home: Path, seconds: float) -> int:
    """Start the work on one partition, kill it after a while, and return how it ended."""
    process = subprocess.Popen(
        [str(TRUEBAR), "materialize", *WHERE],
        cwd=CHECKOUT,
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    process.kill()
    return process.wait()


def test_work_killed_at_random_moments_completes_to_the_same_bundle(undisturbed, tmp_path):
    _, expected = undisturbed
    home = tmp_path / "home"
    moments = [random.SystemRandom().uniform(4, 16) for _ in range(2)]
    ends = [kill_after(home, seconds) for seconds in moments]
    finished = truebar(home, "materialize", *WHERE, "--json")
    assert finished.returncode == 0, (moments, finished.stderr)
    result = json.loads(finished.stdout)
    assert bundles(result) == bundles(expected), moments
    assert -signal.SIGKILL in ends, moments
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        statuses = {run.status for run in instance.get_runs()}
    assert statuses <= {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE}, moments
    assert [verdict["vault_looks"] for verdict in result["verdicts"]] == [1]
