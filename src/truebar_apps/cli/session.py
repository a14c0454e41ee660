"""One command's view of the graph: what is loaded, what is left to do, and the doing of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truebar.errors import RunDelayedError, RunFailedError, TruebarError
from truebar.partitions import Partition
from truebar_apps.cli.checkout import load_definitions, open_instance, prepare_dagster_home, require_checkout
from truebar_apps.cli.output import console
from truebar_apps.cli.progress import step_progress
from truebar_apps.cli.runs import RunRequest, close_dead_runs, execute, steps_of
from truebar_apps.cli.stage_clock import DAGSTER, StageClock
from truebar_apps.cli.work import (
    refresh_plan,
    refresh_requests,
    report_plan,
    report_requests,
    train_requests,
    training_plan,
)
from truebar_io import tracking
from truebar_io.configuration import Configuration, load_configuration
from truebar_io.home import Home
from truebar_io.warehouse import Warehouse

if TYPE_CHECKING:
    import dagster as dg

DBT_PROJECT = "dbt_features"


@dataclass(frozen=True)
class Session:
    """One command's view of the graph: definitions, instance, warehouse, settings, and the clock of all."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    store: Warehouse
    home: Home
    checkout: Path
    settings: Configuration
    clock: StageClock = field(default_factory=StageClock)

    @classmethod
    def start(cls, partitions: Sequence[Partition]) -> Session:
        """Load the graph, close runs whose process is gone, and make the partitions known."""
        checkout = require_checkout()  # first: a wheel without the orchestration extra is told so in words
        clock = StageClock()
        with clock.within(DAGSTER):
            return cls._load(partitions, clock, checkout)

    @classmethod
    def _load(cls, partitions: Sequence[Partition], clock: StageClock, checkout: Path) -> Session:
        home = Home.from_environment(checkout)
        prepare_dagster_home(checkout, home)
        settings = load_configuration(checkout)
        definitions = load_definitions(checkout)

        instance = open_instance(home)
        close_dead_runs(instance)
        tracking.close_dead_runs(home, instance)
        instance.add_dynamic_partitions("symbols", list(dict.fromkeys(p.symbol for p in partitions)))
        return cls(definitions, instance, Warehouse(home), home, checkout, settings, clock)

    def klines_written(self, partitions: Sequence[Partition]) -> int:
        """Return how many bars, new or revised, all files ever imported into the partitions have written.

        It is read from what is published with the bars: a run over several partitions of which one fails
        records nothing of the others.
        """
        held = [p for p in partitions if self.store.has(p, "market.imports")]
        return sum(
            int(self.store.read(["rows_written"], "market.imports", [p])["rows_written"].sum()) for p in held
        )

    def run(self, requests: Sequence[RunRequest], *, quiet: bool) -> dict[Partition, TruebarError]:
        """Make the runs one after the other, with progress unless `quiet`; return what failed.

        A run over several partitions that fails is made again partition by partition, so that one cannot
        stop the others.
        """
        failures: dict[Partition, TruebarError] = {}
        total = sum(len(steps_of(self.definitions, request)) for request in requests)
        progress = step_progress(total, None if quiet or not requests else console())
        with self.clock.within(DAGSTER), progress as drawn:

            def listener(step: str, word: str) -> None:
                self.clock.hear(step, word)
                drawn(step, word)

            waiting = deque(requests)
            while waiting:
                request = waiting.popleft()
                try:
                    execute(self.definitions, self.instance, request, listener)
                except (RunFailedError, RunDelayedError) as error:
                    if request.is_single:
                        failures[request.rectangle.first] = error
                    else:
                        waiting.extendleft(reversed(request.singles()))
        return failures

    def bring_up_to_date(
        self, partitions: Sequence[Partition], *, quiet: bool, retrain: bool = False
    ) -> tuple[dict[str, Any], dict[Partition, TruebarError]]:
        """Refresh, train and draw what is not up to date; return what was done, and why some are not.

        A partition that cannot be refreshed is not trained.

        Args:
            partitions: what is to be brought up to date.
            quiet: show no progress.
            retrain: train those that are up to date, too.
        """
        readable, failures = self._imports_readable(partitions)
        before = self.klines_written(readable)
        project = self.checkout / DBT_PROJECT
        stale, unknown = refresh_plan(self.store, self.home, self.settings, project, readable)
        order = list(self.instance.get_dynamic_partitions("symbols"))
        failures |= unknown | self.run(refresh_requests(stale, order), quiet=quiet)
        fresh = [partition for partition in readable if partition not in failures]
        untrained, unknown = training_plan(self.store, self.home, self.settings, fresh)
        if retrain:
            untrained, unknown = fresh, {}
        failures |= unknown | self.run(train_requests(untrained), quiet=quiet)
        judged = [partition for partition in fresh if partition not in failures]
        undrawn, unknown = report_plan(self.home, judged)
        failures |= unknown | self.run(report_requests(undrawn), quiet=quiet)
        done = {
            "refreshed": sum(partition in fresh for partition in stale),
            "trained": sum(partition not in failures for partition in untrained),
            "redrawn": sum(partition not in failures for partition in undrawn),
            "klines_written": self.klines_written(readable) - before,
        }
        return done, failures

    def _imports_readable(
        self, partitions: Sequence[Partition]
    ) -> tuple[list[Partition], dict[Partition, TruebarError]]:
        """Return the partitions whose imports can be read, and why the others' cannot."""
        failures: dict[Partition, TruebarError] = {}
        for partition in partitions:
            try:
                self.klines_written([partition])
            except TruebarError as error:
                failures[partition] = error
        return [partition for partition in partitions if partition not in failures], failures
