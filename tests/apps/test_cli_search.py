"""Watching searches and MLflow on the command line."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import optuna
import pytest

from truebar_apps.cli import search
from truebar_io.home import Home
from truebar_io.study_progress import study_progress


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("TRUEBAR_HOME", str(tmp_path))
    (tmp_path / "studies").mkdir()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return Home(tmp_path)


def study(home: Home, name: str, *, asked: int, partition: str = "SYN-EDGE-15m") -> optuna.Study:
    """Return a study with two complete trials, one pruned, one failed, and one under way."""
    url = f"sqlite:///{home.studies / f'{partition}-xgboost.db'}"
    made = optuna.create_study(storage=url, study_name=name, direction="maximize")
    made.set_user_attr("n_trials", asked)
    for value in (0.01, 0.03):
        made.tell(made.ask(), value)
    made.tell(made.ask(), state=optuna.trial.TrialState.PRUNED)
    made.tell(made.ask(), state=optuna.trial.TrialState.FAIL)
    made.ask()
    return made


def test_progress_counts_trials_by_how_they_ended_and_names_the_best(home):
    study(home, "first", asked=20)
    (found,) = study_progress(home)
    assert (found.symbol, found.timeframe, found.kind, found.study) == ("SYN-EDGE", "15m", "xgboost", "first")
    assert (found.complete, found.pruned, found.failed, found.running) == (2, 1, 1, 1)
    assert (found.finished, found.asked, found.is_over) == (4, 20, False)
    assert (found.best_score, found.best_number) == (0.03, 1)
    assert found.started_at is not None
    assert found.last_at is not None
    assert found.started_at <= found.last_at


def test_progress_is_that_of_the_newest_study_of_each_partition(home):
    study(home, "first", asked=20)
    study(home, "second", asked=4)
    study(home, "other", asked=9, partition="BTCUSDT-5m")
    found = {(each.symbol, each.timeframe): each for each in study_progress(home)}
    assert set(found) == {("SYN-EDGE", "15m"), ("BTCUSDT", "5m")}
    assert (found["SYN-EDGE", "15m"].study, found["SYN-EDGE", "15m"].is_over) == ("second", True)


def test_watch_without_a_search_says_so(home, truebar):
    code, out, _ = truebar("watch")
    assert code == 0
    assert "No search has begun yet" in out
    assert json.loads(truebar("watch", "--json")[1]) == []


def test_watch_where_there_is_no_terminal_shows_it_once(home, truebar, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    study(home, "first", asked=20)
    code, out, err = truebar("watch", "-s", "SYN-EDGE")
    assert code == 0, err
    row = next(line for line in out.splitlines() if "SYN-EDGE 15m xgboost" in line)
    assert row.split()[3:9] == ["4", "of", "20", "2", "1", "1"]
    assert "0.03000 (#1)" in row
    (told,) = json.loads(truebar("watch", "--json")[1])
    assert (told["complete"], told["best_score"], told["is_over"]) == (2, 0.03, False)
    assert "No search has begun" in truebar("watch", "-s", "BTCUSDT")[1]


def test_watch_on_a_terminal_goes_on_until_the_search_is_over(home, truebar, monkeypatch):
    made = study(home, "first", asked=5)
    monkeypatch.setenv("FORCE_COLOR", "1")
    looks: list[float] = []

    def wait(seconds: float) -> None:
        looks.append(seconds)
        made.tell(4, 0.07)

    monkeypatch.setattr(search.time, "sleep", wait)
    code, out, err = truebar("watch", "--every", "0.5")
    assert (code, looks) == (0, [0.5]), err
    assert "0.07000 (#4)" in out


def test_watch_on_a_terminal_waits_for_a_search_and_goes_on_until_it_is_over(home, truebar, monkeypatch):
    study(home, "old", asked=4)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    later = [lambda: None, lambda: begun.append(study(home, "new", asked=5)), lambda: begun[0].tell(4, 0.07)]
    begun: list[optuna.Study] = []
    steps = iter(later)
    monkeypatch.setattr(search.time, "sleep", lambda _: next(steps)())
    code, out, err = truebar("watch")
    assert code == 0, err
    assert next(steps, None) is None  # it looked once more after each of them, and then no more
    assert out.index("Waiting for a search to begin") < out.index("4 of 5") < out.index("5 of 5")


@pytest.mark.parametrize("begin", [True, False])
def test_watch_on_a_terminal_waits_where_no_search_ever_was(home, truebar, monkeypatch, begin):
    monkeypatch.setenv("FORCE_COLOR", "1")

    def wait(_: float) -> None:
        if not begin:
            raise KeyboardInterrupt
        study(home, "first", asked=4)

    monkeypatch.setattr(search.time, "sleep", wait)
    code, out, err = truebar("watch")
    assert code == 0, err
    assert "Waiting for a search to begin" in out
    assert ("4 of 4" in out) is begin
    assert ("none began" in out) is not begin


def test_progress_leaves_a_database_in_the_making_alone(home):
    path = home.studies / "SYN-EDGE-15m-xgboost.db"
    for made in ("", "create table studies (study_id integer)", "create table alembic_version (v text)"):
        with sqlite3.connect(path) as connection:
            connection.execute(made)
        content = path.read_bytes()
        assert study_progress(home) == []
        assert path.read_bytes() == content


def test_watch_ended_by_ctrl_c_ends_well(home, truebar, monkeypatch):
    study(home, "first", asked=5)
    monkeypatch.setenv("FORCE_COLOR", "1")

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(search.time, "sleep", interrupt)
    code, out, err = truebar("watch")
    assert code == 0, err
    assert "the search goes on" in out


def test_mlflow_without_runs_is_refused_and_with_them_opens_on_loopback(home, truebar, monkeypatch):
    code, _, err = truebar("mlflow")
    assert code == 2
    assert "holds no MLflow runs yet" in err
    home.mlflow.mkdir()
    sqlite3.connect(home.mlflow / "mlflow.db").close()
    started: list[list[str]] = []
    monkeypatch.setattr(search.os, "execv", lambda _, command: started.append(command))
    code, out, err = truebar("mlflow", "--port", "5055")
    assert code == 0, err
    (command,) = started
    assert command[1:] == [
        "ui",
        "--backend-store-uri",
        f"sqlite:///{home.mlflow / 'mlflow.db'}",
        "--host",
        "127.0.0.1",
        "--port",
        "5055",
    ]
    assert "http://127.0.0.1:5055" in out
