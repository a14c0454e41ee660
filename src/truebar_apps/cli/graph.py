"""Commands that run the Dagster graph: demo, materialize, ui."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truebar.partitions import Partition
from truebar_apps.cli.checkout import prepare_dagster_home, require_checkout
from truebar_apps.cli.failures import raise_failures
from truebar_apps.cli.options import JsonOption, SymbolOption, TimeframeOption
from truebar_apps.cli.output import console, print_json
from truebar_apps.cli.verdicts import print_verdicts, stored_verdicts
from truebar_io.configuration import load_configuration
from truebar_io.home import Home
from truebar_io.reports import index_path
from truebar_io.sources import require_data
from truebar_io.warehouse import Warehouse

if TYPE_CHECKING:
    from truebar_apps.cli.session import Session

DEMO: tuple[Partition, ...] = (Partition("BTC-USD", "1h"), Partition("BTC-USD", "4h"))
UI_PORT = 3000


def _start(partitions: Sequence[Partition]) -> Session:
    """Load the graph; only commands that run it pay for that."""
    from truebar_apps.cli.session import Session  # noqa: PLC0415 (Dagster, numba and xgboost load here)

    return Session.start(partitions)


def _work_on(partitions: Sequence[Partition], *, json: bool) -> None:
    """Bring the partitions up to date and print what there is; then, if some failed, raise naming them.

    Raises:
        TruebarError: what stopped a partition; the others are finished and shown.
    """
    session = _start(partitions)
    done, failures = session.bring_up_to_date(partitions, quiet=json)
    failed = {partition.key: str(error) for partition, error in failures.items()}
    _conclude(session, partitions, {**done, "failed": failed}, json=json)
    raise_failures(failures)


def _conclude(session: Session, partitions: Sequence[Partition], done: dict[str, Any], *, json: bool) -> None:
    """Print what was done, the verdicts, and where to look further."""
    found = stored_verdicts(session.home, list(partitions))
    if json:
        print_json({**done, "verdicts": found, "report": str(index_path(session.home))})
        return
    if found:
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
    _work_on(DEMO, json=json)


def materialize(symbol: SymbolOption, timeframe: TimeframeOption, json: JsonOption = False) -> None:
    """Run the whole graph for one partition, from its klines to its verdict."""
    partition = Partition(symbol, timeframe)
    # A symbol is never taken out of Dagster again, so one without data must not get in.
    checkout = require_checkout()
    home = Home.from_environment(checkout)
    require_data(Warehouse(home), home, partition, load_configuration(checkout))
    _work_on([partition], json=json)


def ui(
    port: Annotated[int, typer.Option("--port", help="Port on 127.0.0.1.", min=1, max=65_535)] = UI_PORT,
) -> None:
    """Start the Dagster UI and its daemon on 127.0.0.1; stop it with Ctrl-C."""
    checkout = require_checkout()
    prepare_dagster_home(checkout, Home.from_environment(checkout))
    os.chdir(checkout)
    dagster = str(Path(sys.executable).with_name("dagster"))
    command = [dagster, "dev", "-w", "workspace.yaml", "--host", "127.0.0.1", "--port", str(port)]
    os.execv(dagster, command)  # noqa: S606 # nosec B606 (our own program)
