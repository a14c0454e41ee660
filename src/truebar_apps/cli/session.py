"""One command's view of the graph: what is loaded, what is left to do, and the doing of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truebar.partitions import Partition
from truebar_apps.cli.checkout import load_definitions, prepare_dagster_home, require_checkout
from truebar_apps.cli.output import console
from truebar_apps.cli.progress import step_progress
from truebar_apps.cli.runs import RunRequest, close_dead_runs, execute, steps_of
from truebar_apps.cli.work import refresh_plan, refresh_requests, train_requests, training_plan
from truebar_io import tracking
from truebar_io.configuration import Configuration, load_configuration
from truebar_io.home import Home
from truebar_io.warehouse import Warehouse

if TYPE_CHECKING:
    import dagster as dg

DBT_PROJECT = "dbt_features"


@dataclass(frozen=True)
class Session:
    """One command's view of the graph: definitions, instance, warehouse and settings."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    store: Warehouse
    home: Home
    checkout: Path
    settings: Configuration

    @classmethod
    def start(cls, partitions: Sequence[Partition]) -> Session:
        """Load the graph, close runs whose process is gone, and make the partitions known."""
        checkout = require_checkout()
        home = Home.from_environment(checkout)
        prepare_dagster_home(checkout, home)
        settings = load_configuration(checkout)
        definitions = load_definitions(checkout)
        import dagster as dg  # noqa: PLC0415 (loaded with the definitions)

        instance = dg.DagsterInstance.get()
        close_dead_runs(instance)
        tracking.close_dead_runs(home, instance)
        instance.add_dynamic_partitions("symbols", list(dict.fromkeys(p.symbol for p in partitions)))
        return cls(definitions, instance, Warehouse(home), home, checkout, settings)

    def rows(self, partitions: Sequence[Partition]) -> int:
        """Return how many klines the partitions have."""
        summaries = (self.store.summary(partition) for partition in partitions)
        return sum(summary["market.klines"].rows for summary in summaries if "market.klines" in summary)

    def run(self, requests: Sequence[RunRequest], *, quiet: bool) -> None:
        """Make the runs one after the other, with progress unless `quiet`."""
        if not requests:
            return
        total = sum(len(steps_of(self.definitions, request)) for request in requests)
        with step_progress(total, None if quiet else console()) as listener:
            for request in requests:
                execute(self.definitions, self.instance, request, listener)

    def bring_up_to_date(self, partitions: Sequence[Partition], *, quiet: bool) -> dict[str, Any]:
        """Refresh and train what is not up to date; return what was done."""
        before = self.rows(partitions)
        stale = refresh_plan(self.store, self.home, self.settings, self.checkout / DBT_PROJECT, partitions)
        order = list(self.instance.get_dynamic_partitions("symbols"))
        self.run(refresh_requests(stale, order), quiet=quiet)
        untrained = training_plan(self.store, self.home, self.settings, partitions)
        self.run(train_requests(untrained), quiet=quiet)
        return {
            "refreshed": len(stale),
            "trained": len(untrained),
            "klines_written": self.rows(partitions) - before,
        }
