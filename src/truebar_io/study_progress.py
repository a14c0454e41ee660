"""How far the newest study of each partition and kind has come, read beside the run that works on it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from truebar_io.home import Home


@dataclass(frozen=True)
class StudyProgress:
    """One study, as far as it has come.

    Attributes:
        symbol: of its partition.
        timeframe: of its partition.
        kind: model kind.
        study: its name.
        asked: trials that it is to have; None where it does not say.
        complete: trials that ran to their end.
        pruned: trials that were given up early.
        failed: trials that could not be scored.
        running: trials under way, one that was interrupted too.
        best_score: R² of the implied edge of the best trial, 0 is no skill; None without a complete one.
        best_number: of that trial.
        started_at: local time of the first trial.
        last_at: local time at which the last trial began or ended.
    """

    symbol: str
    timeframe: str
    kind: str
    study: str
    asked: int | None
    complete: int
    pruned: int
    failed: int
    running: int
    best_score: float | None
    best_number: int | None
    started_at: datetime | None
    last_at: datetime | None

    @property
    def finished(self) -> int:
        """Trials that have ended, one way or another."""
        return self.complete + self.pruned + self.failed

    @property
    def is_over(self) -> bool:
        """Whether it has all trials that it is to have."""
        return self.asked is not None and self.finished >= self.asked


def study_progress(home: Home) -> list[StudyProgress]:
    """Return the newest study of each partition and kind that has one, by file name."""
    found = (_newest(path) for path in sorted(home.studies.glob("*.db")))
    return [progress for progress in found if progress is not None]


def _newest(path: Path) -> StudyProgress | None:
    """Return the study of one file that began last; None where none has begun."""
    symbol, timeframe, kind = path.stem.rsplit("-", 2)
    url = f"sqlite:///{path}"
    if not _is_made(path):
        return None
    summaries = optuna.get_all_study_summaries(url, include_best_trial=False)
    begun = [
        (each.datetime_start, position) for position, each in enumerate(summaries) if each.datetime_start
    ]
    if not begun:
        return None
    summary = summaries[max(begun)[1]]
    trials = optuna.load_study(study_name=summary.study_name, storage=url).get_trials(deepcopy=False)
    states = Counter(trial.state for trial in trials)
    best = _best(trials)
    times = [
        at for trial in trials for at in (trial.datetime_start, trial.datetime_complete) if at is not None
    ]
    return StudyProgress(
        symbol=symbol,
        timeframe=timeframe,
        kind=kind,
        study=summary.study_name,
        asked=summary.user_attrs.get("n_trials"),
        complete=states[TrialState.COMPLETE],
        pruned=states[TrialState.PRUNED],
        failed=states[TrialState.FAIL],
        running=states[TrialState.RUNNING],
        best_score=None if best is None else best.value,
        best_number=None if best is None else best.number,
        started_at=summary.datetime_start,
        last_at=max(times, default=None),
    )


def _is_made(path: Path) -> bool:
    """Return whether Optuna has made all of its tables in a file.

    While it does, it must be left alone: Optuna makes what it finds missing wherever it looks, and of two
    that make the same table one fails.
    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            return connection.execute("select 1 from alembic_version").fetchone() is not None
        except sqlite3.OperationalError as error:
            return "no such table" not in str(error)  # what else is wrong, Optuna says or mends


def _best(trials: list[FrozenTrial]) -> FrozenTrial | None:
    """Return the complete trial of the best score, the earlier one among equals."""
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE and trial.value is not None]
    return max(complete, key=lambda trial: (trial.value or 0.0, -trial.number), default=None)
