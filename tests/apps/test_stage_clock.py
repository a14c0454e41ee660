"""The clock of a command: every second is one stage's, and the parts sum to the whole."""

from __future__ import annotations

import subprocess
import sys
import time

import dagster as dg
import pytest

from truebar.partitions import Partition
from truebar_apps.cli.runs import RunRequest, execute
from truebar_apps.cli.stage_clock import (
    COMMAND,
    DAGSTER,
    DBT,
    STAGES,
    StageClock,
    StageTime,
    orchestration_of,
    stage_of,
    time_rows,
    total_of,
)
from truebar_io.machine import Spent, spent_until_now


class Hands:
    """A clock that shows what the test sets."""

    def __init__(self) -> None:
        self.now = Spent(0.0, 0.0)

    def turn(self, wall_s: float, cpu_s: float) -> None:
        self.now = self.now + Spent(wall_s, cpu_s)

    def read(self) -> Spent:
        return self.now


def by_stage(clock: StageClock) -> dict[str, Spent]:
    return {each.stage: each.spent for each in clock.times()}


def test_clock_gives_each_second_to_the_stage_that_was_open():
    hands = Hands()
    clock = StageClock(hands.read)
    hands.turn(2.0, 1.0)
    with clock.within(DAGSTER):
        hands.turn(1.0, 1.0)
        clock.hear("xgboost__study", "start")
        hands.turn(10.0, 20.0)
        clock.hear("xgboost__study", "result")
        hands.turn(0.5, 0.25)
        clock.hear("xgboost__study", "result")
        clock.hear("xgboost__study", "success")
        clock.hear("dbt_features", "start")
        hands.turn(4.0, 3.0)
        clock.hear("dbt_features", "failure")
        hands.turn(0.5, 0.25)
    hands.turn(1.0, 1.0)
    assert by_stage(clock) == {
        "study": Spent(10.0, 20.0),
        DBT: Spent(4.0, 3.0),
        DAGSTER: Spent(2.0, 1.5),
        COMMAND: Spent(3.0, 2.0),
    }
    assert total_of(clock.times()) == hands.now
    assert orchestration_of(clock.times()) == Spent(6.0, 4.5)


def test_clock_counts_a_step_that_is_tried_again_each_time_and_its_wait_to_dagster():
    hands = Hands()
    clock = StageClock(hands.read)
    with clock.within(DAGSTER):
        for word in ("retry", "result"):
            clock.hear("xgboost__model", "start")
            hands.turn(3.0, 2.0)
            clock.hear("xgboost__model", word)
            hands.turn(1.0, 0.0)
    assert by_stage(clock) == {"model": Spent(6.0, 4.0), DAGSTER: Spent(2.0, 0.0)}


def test_clock_after_an_error_in_a_block_goes_back_to_the_stage_before():
    hands = Hands()
    clock = StageClock(hands.read)

    def fail() -> None:
        with clock.within(DAGSTER):
            hands.turn(1.0, 1.0)
            raise ValueError("a defect")

    with pytest.raises(ValueError, match="defect"):
        fail()
    hands.turn(2.0, 1.0)
    assert by_stage(clock) == {DAGSTER: Spent(1.0, 1.0), COMMAND: Spent(2.0, 1.0)}


def test_rows_end_with_the_sum_and_shares_are_of_cpu_seconds():
    times = [StageTime("study", Spent(6.0, 9.0)), StageTime(DBT, Spent(2.0, 1.0))]
    assert time_rows(times) == [
        ("study", "6.0", "9.0", "90 %"),
        ("dbt", "2.0", "1.0", "10 %"),
        ("together", "8.0", "10.0", "100 %"),
    ]


def test_every_step_of_the_graph_has_a_stage():
    from definitions import defs  # noqa: PLC0415 (the graph loads for seconds)

    jobs = [defs.resolve_job_def(name) for name in ("refresh", "train", "backtest")]
    steps = {node.name for job in jobs for node in job.nodes_in_topological_order}
    found = {step: stage_of(step) for step in steps}
    assert set(found.values()) == set(STAGES) - {DAGSTER, COMMAND}
    assert found["market__klines"] == "klines"
    assert found["labels__vol_scaled_vol_scaled_fit_to_build_on"] == "checks"
    assert found["dbt_features"] == DBT


def test_run_of_the_graph_counts_what_a_step_does_to_its_stage_and_the_rest_to_dagster():
    @dg.op
    def xgboost__study() -> None:
        until = time.process_time() + 0.3
        while time.process_time() < until:
            pass

    key = Partition("AAAUSDT", "1h").key

    @dg.job(partitions_def=dg.StaticPartitionsDefinition([key]))
    def train() -> None:
        xgboost__study()

    clock = StageClock()
    request = RunRequest.single("train", Partition.from_key(key))
    with dg.DagsterInstance.ephemeral() as instance, clock.within(DAGSTER):
        execute(dg.Definitions(jobs=[train]), instance, request, clock.hear)
    found = by_stage(clock)
    whole = spent_until_now()
    assert 0.3 <= found["study"].cpu_s < 1.0
    assert found[DAGSTER].cpu_s > 0
    assert total_of(clock.times()).cpu_s == pytest.approx(whole.cpu_s, abs=0.2)


def test_spent_counts_children_that_have_ended_and_starts_with_the_process():
    before = spent_until_now()
    burn = "import time; [None for _ in iter(lambda: time.process_time() < 0.2, False)]"
    subprocess.run([sys.executable, "-c", burn], check=True)
    taken = spent_until_now() - before
    assert taken.cpu_s >= 0.19
    assert 0 < taken.wall_s < 60
    assert before.wall_s > 0
