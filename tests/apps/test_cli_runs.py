"""Runs of the command line: which are dead, what a failure means, and that one partition stops no other."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import dagster as dg
import pandas as pd
import pytest
from dagster._core.utils import make_new_run_id

from truebar.errors import (
    MissingDataError,
    PartitionBusyError,
    RunDelayedError,
    RunFailedError,
    StorageFullError,
    TruebarError,
    WarehouseDamagedError,
    joined,
)
from truebar.partitions import Partition, Rectangle
from truebar_apps.cli import session as session_module
from truebar_apps.cli import work
from truebar_apps.cli.failures import raise_failures
from truebar_apps.cli.output import exit_code
from truebar_apps.cli.runs import PROCESS_TAG, RunRequest, dead_runs, execute, process_tag
from truebar_apps.cli.session import Session
from truebar_io.ingest import ingest_frame
from truebar_io.warehouse import Warehouse

GOOD, BAD = Partition("AAAUSDT", "1h"), Partition("BBBUSDT", "1h")
BOTH = RunRequest("refresh", Rectangle(GOOD, BAD, (GOOD, BAD)))
GONE = 2**22 + 1  # above the largest pid of Linux


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def test_dead_runs_only_the_one_whose_own_process_is_gone(instance):
    ids = {name: make_new_run_id() for name in ("dead", "alive", "executed again", "of the daemon")}
    tags = {
        "dead": {PROCESS_TAG: f"{ids['dead']}:{GONE}:1.0"},
        "alive": {PROCESS_TAG: process_tag(ids["alive"], os.getpid())},
        "executed again": {PROCESS_TAG: f"{ids['dead']}:{GONE}:1.0"},
        "of the daemon": {},
    }
    for name, run_id in ids.items():
        run = dg.DagsterRun("refresh", run_id, status=dg.DagsterRunStatus.STARTED, tags=tags[name])
        instance.run_storage.add_run(run)
    assert [run.run_id for run in dead_runs(instance)] == [ids["dead"]]


def failing(error: BaseException | None, metadata: dict[str, str]) -> dg.Definitions:
    """Return a graph of one step that fails as `raise_failures` of the assets does, or by itself."""

    @dg.op
    def step() -> None:
        if error is not None:
            raise error
        stated = {key: {"error": name, "message": name} for key, name in metadata.items()}
        raise dg.Failure("it failed", metadata={"failed_partitions": dg.MetadataValue.json(stated)})

    @dg.job(partitions_def=dg.StaticPartitionsDefinition([GOOD.key]))
    def refresh() -> None:
        step()

    return dg.Definitions(jobs=[refresh])


@pytest.mark.parametrize(
    ("error", "metadata", "expected"),
    [
        (None, {"A1|1h": "PartitionBusyError", "B1|1h": "StorageFullError"}, RunDelayedError),
        (None, {"A1|1h": "PartitionBusyError", "B1|1h": "MissingDataError"}, RunFailedError),
        (None, {"A1|1h": "NoSuchError"}, RunFailedError),
        (OSError(28, "No space left on device"), {}, RunDelayedError),
        (ValueError("a defect"), {}, RunFailedError),
    ],
)
def test_execute_failure_says_whether_the_same_call_may_succeed_later(instance, error, metadata, expected):
    request = RunRequest.single("refresh", GOOD)
    with pytest.raises(TruebarError) as caught:
        execute(failing(error, metadata), instance, request, lambda *_: None)
    assert type(caught.value) is expected
    assert exit_code(caught.value) == (75 if expected is RunDelayedError else 2)


def checked(*, passed: dict[str, bool]) -> dg.Definitions:
    """Return a graph of one table and of checks that block what follows, each with its outcome."""

    @dg.asset(
        key=["market", "klines"],
        partitions_def=dg.StaticPartitionsDefinition([GOOD.key]),
        check_specs=[dg.AssetCheckSpec(name, asset=["market", "klines"], blocking=True) for name in passed],
    )
    def klines() -> dg.MaterializeResult:
        results = [
            dg.AssetCheckResult(check_name=name, passed=is_passed, description=f"{name}: [so] it is")
            for name, is_passed in passed.items()
        ]
        return dg.MaterializeResult(check_results=results)

    return dg.Definitions(assets=[klines], jobs=[dg.define_asset_job("refresh", selection=[klines])])


def test_execute_stopped_by_a_blocking_check_says_why(instance):
    definitions = checked(passed={"fit": False, "whole": True, "late": False})
    with pytest.raises(RunFailedError) as caught:
        execute(definitions, instance, RunRequest.single("refresh", GOOD), lambda *_: None)
    told = str(caught.value)
    assert told.endswith(
        "market__klines: market/klines fit: fit: [so] it is; market/klines late: late: [so] it is"
    )


def bare_session(
    monkeypatch: pytest.MonkeyPatch, errors: dict[str, TruebarError]
) -> tuple[Session, list[str]]:
    """Return a session whose runs only note themselves, and fail where they hold a key of `errors`."""
    made: list[str] = []

    def noted(_definitions, _instance, request, _listener):
        made.append(str(request))
        for key, error in errors.items():
            if key in str(request):
                raise error
        return "id"

    monkeypatch.setattr(session_module, "execute", noted)
    monkeypatch.setattr(session_module, "steps_of", lambda *_: [])
    return Session(*[None] * 6), made  # type: ignore[arg-type]


def test_session_run_of_a_failed_range_goes_on_partition_by_partition(monkeypatch):
    error = RunFailedError("bad file")
    session, made = bare_session(monkeypatch, {"BBBUSDT": error})
    other = RunRequest.single("refresh", Partition("CCCUSDT", "4h"))
    assert session.run([BOTH, other], quiet=True) == {BAD: error}
    assert made == [
        "refresh: AAAUSDT 1h, BBBUSDT 1h",
        "refresh: AAAUSDT 1h",
        "refresh: BBBUSDT 1h",
        "refresh: CCCUSDT 4h",
    ]


def test_session_run_damaged_beyond_a_run_is_not_swallowed(monkeypatch):
    session, _ = bare_session(monkeypatch, {"AAAUSDT": WarehouseDamagedError("look")})
    with pytest.raises(WarehouseDamagedError):
        session.run([BOTH], quiet=True)


def test_session_draws_what_is_trained_already_and_asks_for_no_training(monkeypatch, tmp_path):
    session, made = bare_session(monkeypatch, {})
    session = replace(
        session,
        store=Warehouse(tmp_path),
        checkout=tmp_path,
        instance=SimpleNamespace(get_dynamic_partitions=lambda _: ["AAAUSDT", "BBBUSDT"]),
    )
    for name in ("refresh_plan", "training_plan"):
        monkeypatch.setattr(session_module, name, lambda *_: ([], {}))
    monkeypatch.setattr(session_module, "report_plan", lambda _, wanted: (list(wanted)[:1], {}))
    done, failures = session.bring_up_to_date([GOOD, BAD], quiet=True)
    assert made == ["report: AAAUSDT 1h"]
    assert (done["refreshed"], done["trained"], done["redrawn"], failures) == (0, 0, 1, {})


def test_plans_one_partition_that_cannot_be_judged_leaves_the_others_in(monkeypatch):
    error = WarehouseDamagedError("not a database")

    def needs(_store, _home, partition, *_):
        if partition == BAD:
            raise error
        return True

    monkeypatch.setattr(work, "needs_refresh", needs)
    monkeypatch.setattr(work, "needs_training", needs)
    nothing = SimpleNamespace()
    assert work.refresh_plan(nothing, nothing, nothing, nothing, [BAD, GOOD]) == ([GOOD], {BAD: error})
    assert work.training_plan(nothing, nothing, nothing, [BAD, GOOD]) == ([GOOD], {BAD: error})
    monkeypatch.setattr(work, "needs_report", lambda home, partition, _: needs(nothing, home, partition))
    assert work.report_plan(nothing, [BAD, GOOD]) == ([GOOD], {BAD: error})


def test_raise_failures_names_every_partition_and_says_what_happens_next():
    raise_failures({})
    failures = {GOOD: RunDelayedError("busy"), BAD: RunFailedError("bad file")}
    with pytest.raises(RunFailedError, match=r"(?s)AAAUSDT 1h: busy.*BBBUSDT 1h: bad file"):
        raise_failures(failures)
    with pytest.raises(RunDelayedError, match=r"^busy$"):
        raise_failures({GOOD: failures[GOOD]})


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([PartitionBusyError("a"), StorageFullError("b")], 75),
        ([PartitionBusyError("a"), MissingDataError("b")], 2),
        ([MissingDataError("a"), RunFailedError("b")], 2),
        ([MissingDataError("a"), WarehouseDamagedError("b"), PartitionBusyError("c")], 3),
    ],
)
def test_joined_error_has_the_exit_code_of_the_gravest(errors, code):
    error = joined(errors, "all of it")
    assert (str(error), exit_code(error)) == ("all of it", code)


def test_session_klines_written_counts_revised_bars_too(tmp_path):
    times = pd.date_range("2025-01-01", periods=20, freq="h", tz="UTC")
    bars = pd.DataFrame(
        {"open_time": times, "open": 9.0, "high": 9.0, "low": 9.0, "close": 9.0, "volume": 1.0}
    )
    store = Warehouse(tmp_path)
    session = Session(*[None, None, store, None, None, None])  # type: ignore[arg-type]
    assert session.klines_written([GOOD, BAD]) == 0
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for frame in (bars, bars[:5].assign(volume=2.0)):
        ingest_frame(store, GOOD, frame, source="test", now=now)
    assert store.summary(GOOD)["market.klines"].rows == 20
    assert session.klines_written([GOOD, BAD]) == 25
