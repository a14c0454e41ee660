"""A study must end with the same trials wherever it was killed, and count each one for good."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.unit.protocol.markets import request_of
from truebar.config import PrunerConfig
from truebar.errors import TooFewRowsError
from truebar.models.recipe import Request
from truebar.partitions import Partition
from truebar.study import Candidate
from truebar_io.home import Home
from truebar_io.studies import Finished, PartitionStudies, Score

PARTITION = Partition("BTCUSDT", "15m")
STEPS = 9


def quality(candidate: Candidate) -> float:
    """Return a smooth score with one maximum, so that a study takes no training."""
    parameters = candidate.parameters
    return 0.1 - abs(np.log(parameters.learning_rate / 0.08)) / 20 - abs(candidate.label.k - 0.5) / 50


def evaluate(candidate: Candidate, told: Score) -> Finished | None:
    for step in (1, 2, 3, 6, 9):
        if told(step, quality(candidate) * step / STEPS):
            return None
    returns = np.full(5, quality(candidate))
    models = (f"model of {quality(candidate)}".encode(), b"\x00\xff")
    return Finished(quality(candidate), {"n_trades": 3, "ev_net": None}, returns, models)


def studies(path: Path) -> PartitionStudies:
    return PartitionStudies(Home(path), PARTITION, "xgboost")


def ran(path: Path, request: Request, name: str = "one") -> PartitionStudies:
    made = studies(path)
    made.run(name, request, evaluate, steps=STEPS)
    return made


def test_study_runs_the_trials_asked_for_and_the_first_is_the_configuration(tmp_path: Path) -> None:
    request = request_of(12)
    records = ran(tmp_path, request).records()
    assert [record.number for record in records] == list(range(12))
    assert records[0].params["learning_rate"] == pytest.approx(0.2)
    assert {record.state for record in records} == {"complete", "pruned"}
    best = studies(tmp_path).best("one", request)
    assert best.score == pytest.approx(max(r.score for r in records if r.state == "complete"))
    assert quality(best.candidate) == pytest.approx(best.score)
    assert studies(tmp_path).returns("one")[0, best.column] == pytest.approx(best.score)


def test_study_keeps_the_models_of_its_best_trial_and_of_no_other(tmp_path: Path) -> None:
    request = request_of(12)
    made = ran(tmp_path, request)
    best = made.best("one", request)
    assert best.models == (f"model of {best.score}".encode(), b"\x00\xff")
    assert len(list(tmp_path.rglob("*.models"))) == 1


def test_study_again_adds_nothing_and_more_trials_go_on(tmp_path: Path) -> None:
    before = ran(tmp_path, request_of(5)).records()
    assert ran(tmp_path, request_of(5)).records() == before
    assert ran(tmp_path, request_of(8)).records()[:5] == before
    assert ran(tmp_path / "other", request_of(8)).records() == studies(tmp_path).records()


def test_study_of_another_name_counts_beside_the_first(tmp_path: Path) -> None:
    ran(tmp_path, request_of(3), "one")
    assert len(ran(tmp_path, request_of(4), "two").records()) == 7


def test_returns_of_finished_trials_are_columns(tmp_path: Path) -> None:
    made = ran(tmp_path, request_of(6))
    complete = [record for record in made.records() if record.state == "complete"]
    assert np.array_equal(made.returns("one")[0], [record.score for record in complete])
    assert made.returns("one").shape == (5, len(complete))


def test_study_whose_trials_all_lack_rows_says_why(tmp_path: Path) -> None:
    def fail(candidate: Candidate, told: Score) -> Finished | None:
        raise TooFewRowsError("no row is labelled up")

    made = studies(tmp_path)
    made.run("one", request_of(2), fail, steps=STEPS)
    with pytest.raises(TooFewRowsError, match="no row is labelled up"):
        made.best("one", request_of(2))
    assert [record.state for record in made.records()] == ["fail", "fail"]


class CutShort(Exception):
    """Stands for a kill: nothing that catches it knows what to do but end."""


class Interrupted:
    """Runs candidates, each as often as it has steps, cut short after one more answer each time."""

    def __init__(self) -> None:
        self.answers: list[bool] = []
        self._survived = 0

    def __call__(self, candidate: Candidate, told: Score) -> Finished | None:
        steps = 0

        def tell(step: int, value: float) -> bool:
            nonlocal steps
            answer, steps = told(step, value), steps + 1
            if steps > self._survived:
                self._survived = steps
                self.answers.append(answer)
                raise CutShort
            return answer

        finished = evaluate(candidate, tell)
        self._survived = 0
        return finished


def pruned_by(kind: str, n_trials: int) -> Request:
    """Return a request whose trials are given up by one kind of pruner."""
    request = request_of(n_trials)
    pruner = PrunerConfig.model_validate({"type": kind, "startup_trials": 2})
    return request.model_copy(update={"search": request.search.model_copy(update={"pruner": pruner})})


@pytest.mark.parametrize(("kind", "n_trials"), [("successive_halving", 6), ("hyperband", 7), ("median", 5)])
def test_study_cut_short_after_every_answer_ends_as_if_undisturbed(
    tmp_path: Path, kind: str, n_trials: int
) -> None:
    request = pruned_by(kind, n_trials)
    undisturbed = ran(tmp_path / "calm", request)
    rough, interrupted = studies(tmp_path / "rough"), Interrupted()
    for _ in range(n_trials * STEPS):
        try:
            rough.run("one", request, interrupted, steps=STEPS)
            break
        except CutShort:
            continue
    assert rough.records() == undisturbed.records()
    assert np.array_equal(rough.returns("one"), undisturbed.returns("one"))
    assert rough.best("one", request) == undisturbed.best("one", request)
    states = [record.state for record in rough.records()]
    assert states.count("pruned") == interrupted.answers.count(True) > 0


STUDY_THAT_STANDS_STILL = """
import sys, time
from pathlib import Path
from tests.io import test_studies as here
told_so_far = 0
def slow(candidate, told):
    def tell(step, value):
        global told_so_far
        answer, told_so_far = told(step, value), told_so_far + 1
        if told_so_far == 12:
            print("in the middle", flush=True)
            time.sleep(600)
        return answer
    return here.evaluate(candidate, tell)
here.studies(Path(sys.argv[1])).run("one", here.request_of(10), slow, steps=here.STEPS)
"""


def test_study_killed_in_the_middle_ends_as_if_undisturbed(tmp_path: Path) -> None:
    undisturbed = ran(tmp_path / "calm", request_of(10))
    rough = studies(tmp_path / "rough")
    command = [sys.executable, "-c", STUDY_THAT_STANDS_STILL, str(rough.path.parent.parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        process.kill()
    begun = rough.records()
    assert begun[:-1] == undisturbed.records()[: len(begun) - 1]
    assert begun[-1].state == "running"
    assert 2 < len(begun) < 10
    rough.run("one", request_of(10), evaluate, steps=STEPS)
    assert rough.records() == undisturbed.records()
    assert np.array_equal(rough.returns("one"), undisturbed.returns("one"))
    assert rough.best("one", request_of(10)) == undisturbed.best("one", request_of(10))
