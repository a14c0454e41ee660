"""Commands that run the Dagster graph: demo, materialize, ui."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truebar.partitions import Partition
from truebar_apps.cli.checkout import load_definitions, prepare_dagster_home, require_checkout
from truebar_apps.cli.options import JsonOption, SymbolOption, TimeframeOption
from truebar_apps.cli.output import console, print_json
from truebar_apps.cli.progress import step_progress
from truebar_apps.cli.runs import RunRequest, close_dead_runs, execute, steps_of
from truebar_apps.cli.verdicts import print_verdicts, stored_verdicts
from truebar_apps.cli.work import refresh_plan, refresh_requests, train_requests, training_plan
from truebar_io import tracking
from truebar_io.configuration import Configuration, load_configuration
from truebar_io.home import Home
from truebar_io.reports import index_path
from truebar_io.warehouse import Warehouse

if TYPE_CHECKING:
    import dagster as dg

DEMO: tuple[Partition, ...] = (Partition("BTC-USD", "1h"), Partition("BTC-USD", "4h"))
UI_PORT = 3000
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


def _conclude(session: Session, partitions: Sequence[Partition], done: dict[str, Any], *, json: bool) -> None:
    """Print what was done, the verdicts, and where to look further."""
    found = stored_verdicts(session.home, list(partitions))
    if json:
        print_json({**done, "verdicts": found, "report": str(index_path(session.home))})
        return
    print_verdicts(found)
    out = console()
    out.print(
        f"{done['klines_written']} klines written, {done['refreshed']} partitions refreshed, "
        f"{done['trained']} trained"
    )
    out.print(f"report  {index_path(session.home)}", soft_wrap=True)
    out.print(f"UI      make ui, then http://127.0.0.1:{UI_PORT}")


def demo(json: JsonOption = False) -> None:
    """Import the embedded BTC-USD market, run the whole graph on 1h and 4h, and print the verdicts."""
    session = Session.start(DEMO)
    done = session.bring_up_to_date(DEMO, quiet=json)
    _conclude(session, DEMO, done, json=json)


def materialize(symbol: SymbolOption, timeframe: TimeframeOption, json: JsonOption = False) -> None:
    """Run the whole graph for one partition, from its klines to its verdict."""
    partition = Partition(symbol, timeframe)
    session = Session.start([partition])
    done = session.bring_up_to_date([partition], quiet=json)
    _conclude(session, [partition], done, json=json)


def ui(
    port: Annotated[int, typer.Option("--port", help="Port on 127.0.0.1.", min=1, max=65_535)] = UI_PORT,
) -> None:
    """Start the Dagster UI and its daemon on 127.0.0.1; stop it with Ctrl-C."""
    checkout = require_checkout()
    prepare_dagster_home(checkout, Home.from_environment(checkout))
    os.chdir(checkout)
    dagster = str(Path(sys.executable).with_name("dagster"))
    command = [dagster, "dev", "-w", "workspace.yaml", "--host", "127.0.0.1", "--port", str(port)]
    os.execv(dagster, command)  # noqa: S606 (our own environment's program, no shell)
