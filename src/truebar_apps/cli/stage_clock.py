"""Where the time of a command goes: wall and CPU seconds of each stage, from the start of the process on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from truebar.kinds import KINDS
from truebar_io.lineage import UPSTREAM
from truebar_io.machine import Spent, spent_until_now

DBT: Final = "dbt"
DAGSTER: Final = "Dagster"
COMMAND: Final = "command line"
"""Starting Python, asking what is left to do, and showing the result."""

ORCHESTRATION: Final = (DAGSTER, DBT)
ORCHESTRATION_CPU_S: Final = 75.0
"""What Dagster and dbt together may take of a demo."""

CHECKS: Final = "checks"
GROUPS: Final = {"market": "klines", "features": "features", "labels": "labels", "dbt_features": DBT}
OF_KIND: Final = (
    "study",
    "model",
    "calibrator",
    "thresholds",
    "explanation",
    "predictions",
    "backtest",
    "deploy",
    "report",
)
STAGES: Final = ("klines", "features", "labels", CHECKS, *OF_KIND, DBT, DAGSTER, COMMAND)
"""In the order in which they are shown."""

TABLES: Final = frozenset({"market.klines", *UPSTREAM})
"""A step of one of the groups that is named after none of these is a check."""

BODY_BEGINS: Final = "start"
BODY_ENDS: Final = frozenset({"result", "failure", "retry"})
"""What a step says when its body is over; what comes after it is Dagster's."""


def stage_of(step: str) -> str:
    """Return the stage that a step of the graph belongs to.

    >>> [stage_of(step) for step in ("xgboost__study", "features__price", "market__klines_klines_rejections")]
    ['study', 'features', 'checks']
    """
    group, _, name = step.partition("__")
    if group in KINDS:
        return name if name in OF_KIND else CHECKS
    if name and step.replace("__", ".") not in TABLES:
        return CHECKS
    return GROUPS.get(group, DAGSTER)


@dataclass(frozen=True)
class StageTime:
    """What one stage took."""

    stage: str
    spent: Spent


class StageClock:
    """Splits what this process has spent since it started among stages: the parts sum to the whole.

    A stage that begins inside another one interrupts it.
    """

    def __init__(self, read: Callable[[], Spent] = spent_until_now) -> None:
        """Begin with the start of the process, in the stage `command line`.

        Args:
            read: returns what the process has spent since its start.
        """
        self._read = read
        self._spent = dict.fromkeys(STAGES, Spent(0.0, 0.0))
        self._known = Spent(0.0, 0.0)
        self._open = [COMMAND]
        self._step: str | None = None

    def _settle(self) -> None:
        """Give what was spent since the last change to the stage that is open."""
        now, stage = self._read(), self._open[-1]
        self._spent[stage] = self._spent[stage] + (now - self._known)
        self._known = now

    def begin(self, stage: str) -> None:
        """Count what is spent from here on to `stage`."""
        self._settle()
        self._open.append(stage)

    def end(self) -> None:
        """Go back to the stage that the open one interrupted."""
        self._settle()
        self._open.pop()

    @contextmanager
    def within(self, stage: str) -> Iterator[None]:
        """Count the block to `stage`."""
        self.begin(stage)
        try:
            yield
        finally:
            self.end()

    def hear(self, step: str, word: str) -> None:
        """Follow the steps of a run: the body of each is its stage's, all around it is not."""
        if word == BODY_BEGINS:
            self.begin(stage_of(step))
            self._step = step
        elif word in BODY_ENDS and step == self._step:
            self.end()
            self._step = None

    def times(self) -> list[StageTime]:
        """Return what each stage took so far, those that took nothing left out."""
        self._settle()
        return [StageTime(stage, spent) for stage, spent in self._spent.items() if spent != Spent(0.0, 0.0)]


def total_of(times: Sequence[StageTime]) -> Spent:
    """Return what all stages took together."""
    return sum((each.spent for each in times), Spent(0.0, 0.0))


def orchestration_of(times: Sequence[StageTime]) -> Spent:
    """Return what Dagster and dbt took together."""
    return total_of([each for each in times if each.stage in ORCHESTRATION])


def time_rows(times: Sequence[StageTime]) -> list[tuple[str, str, str, str]]:
    """Return stage, wall seconds, CPU seconds and share of all CPU seconds as text; the last row is the sum.

    >>> time_rows([StageTime("study", Spent(6.0, 9.0)), StageTime("dbt", Spent(1.0, 1.0))])[0]
    ('study', '6.0', '9.0', '90 %')
    """
    whole = total_of(times)
    return [
        (
            each.stage,
            f"{each.spent.wall_s:.1f}",
            f"{each.spent.cpu_s:.1f}",
            f"{100 * each.spent.cpu_s / max(whole.cpu_s, 1e-9):.0f} %",
        )
        for each in (*times, StageTime("together", whole))
    ]


def orchestration_words(times: Sequence[StageTime]) -> str:
    """Return the share of Dagster and dbt in words, beside what they may take.

    >>> orchestration_words([StageTime("Dagster", Spent(9.0, 8.0)), StageTime("study", Spent(6.0, 8.0))])
    'Dagster and dbt: 8.0 CPU seconds of 16.0, 50 % (at most 75 of a demo)'
    """
    taken, whole = orchestration_of(times).cpu_s, total_of(times).cpu_s
    share = 100 * taken / max(whole, 1e-9)
    return (
        f"Dagster and dbt: {taken:.1f} CPU seconds of {whole:.1f}, {share:.0f} % "
        f"(at most {ORCHESTRATION_CPU_S:.0f} of a demo)"
    )
