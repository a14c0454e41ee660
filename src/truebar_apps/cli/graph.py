"""Commands that run the Dagster graph: demo, materialize, train, backtest, ui."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truebar.errors import ConfigurationError, PartitionError
from truebar.kinds import KINDS
from truebar.partitions import Partition
from truebar_apps.cli.checkout import open_instance, prepare_dagster_home, require_checkout
from truebar_apps.cli.failures import raise_failures
from truebar_apps.cli.options import (
    AnySymbolOption,
    AnyTimeframeOption,
    JsonOption,
    SymbolOption,
    TimeframeOption,
    chosen,
    current_home,
)
from truebar_apps.cli.output import console, print_json, print_table
from truebar_apps.cli.own_data import bring_in, require_trainable, show, summary_of, tell_of_funding
from truebar_apps.cli.runs import RunRequest
from truebar_apps.cli.stage_clock import StageTime, orchestration_words, time_rows
from truebar_apps.cli.verdicts import print_verdicts, stored_verdicts
from truebar_io.bundles import BundleStore
from truebar_io.configuration import load_configuration
from truebar_io.home import Home
from truebar_io.reports import index_path
from truebar_io.sources import require_data
from truebar_io.warehouse import Warehouse

if TYPE_CHECKING:
    from truebar_apps.cli.session import Session

DEMO: tuple[Partition, ...] = (
    Partition("BTC-USD", "1h"),
    Partition("BTC-USD", "4h"),
    Partition("SYN-EDGE", "15m"),
    Partition("SYN-NULL", "15m"),
)
UI_PORT = 3000
TRIALS_VARIABLE = "TRUEBAR_XGB__OPTUNA__N_TRIALS"


def _start(partitions: Sequence[Partition]) -> Session:
    """Load the graph; only commands that run it pay for that."""
    from truebar_apps.cli.session import Session  # noqa: PLC0415 (Dagster, numba and xgboost load here)

    return Session.start(partitions)


def _work_on(
    partitions: Sequence[Partition],
    *,
    json: bool,
    retrain: bool = False,
    imported: Mapping[str, Any] | None = None,
) -> None:
    """Bring the partitions up to date and print what there is; then, if some failed, raise naming them.

    Args:
        partitions: what to work on.
        json: print one JSON object and nothing else.
        retrain: train those that are up to date, too.
        imported: what was brought in just before, to be told with the rest (see `summary_of`).

    Raises:
        TruebarError: what stopped a partition; the others are finished and shown.
    """
    session = _start(partitions)
    done, failures = session.bring_up_to_date(partitions, quiet=json, retrain=retrain)
    done["failed"] = {partition.key: str(error) for partition, error in failures.items()}
    if imported is not None:
        done |= {"klines_written": done["klines_written"] + imported["rows_written"], "imported": imported}
    _conclude(session, partitions, done, json=json)
    raise_failures(failures)


def _conclude(session: Session, partitions: Sequence[Partition], done: dict[str, Any], *, json: bool) -> None:
    """Print what was done, the verdicts, where to look further, and where the time went."""
    found = stored_verdicts(session.home, list(partitions))
    if json:
        spent = {each.stage: asdict(each.spent) for each in session.clock.times()}
        print_json({**done, "verdicts": found, "report": str(index_path(session.home)), "spent": spent})
        return
    if found:
        print_verdicts(found, session.settings)
    out = console()
    redrawn = f", {done['redrawn']} reports drawn again" if done["redrawn"] else ""
    out.print(
        f"{done['klines_written']} klines written, {done['refreshed']} partitions refreshed, "
        f"{done['trained']} trained{redrawn}"
    )
    out.print(f"report  {index_path(session.home)}", soft_wrap=True)
    out.print(f"UI      make ui, then http://127.0.0.1:{UI_PORT}")
    print_times(session.clock.times())


def print_times(times: Sequence[StageTime]) -> None:
    """Write for people where the time went, stage by stage, and the share of Dagster and dbt."""
    print_table("Where the time went", ["stage", "wall s", "CPU s", "share of CPU"], time_rows(times))
    console().print(orchestration_words(times), soft_wrap=True)


def demo(
    data: Annotated[
        Path | None, typer.Option("--data", help="Your own klines instead: a file or a folder of files.")
    ] = None,
    symbol: AnySymbolOption = None,
    timeframe: AnyTimeframeOption = None,
    json: JsonOption = False,
) -> None:
    """Run the whole graph and print the verdicts: on the markets that come with truebar, or on your own data.

    Raises:
        ConfigurationError: data without symbol and timeframe, or these without data.
        TooFewRowsError: the data are too few to train on; they are imported all the same.
        DataError: what was refused, after everything else is done.
    """
    if data is None:
        if symbol or timeframe:
            raise ConfigurationError(
                "symbol and timeframe say what --data is (make demo DATA=<file or folder> SYMBOL=BTCUSDT "
                "TIMEFRAME=15m); without it, `truebar materialize` runs one partition."
            )
        _work_on(DEMO, json=json)
        return
    if not symbol or not timeframe:
        raise ConfigurationError(
            "data need a name: give the symbol and the timeframe (make demo DATA=<file or folder> "
            "SYMBOL=BTCUSDT TIMEFRAME=15m)."
        )
    _demo_on(data, Partition(symbol, timeframe), json=json)


def _demo_on(data: Path, partition: Partition, *, json: bool) -> None:
    """Import a user's own files, then train and judge their partition, as `demo` says."""
    checkout = require_checkout()
    home = Home.from_environment(checkout)
    settings = load_configuration(checkout)
    result = bring_in(home, settings, partition, data)
    imported = summary_of(partition, data, result)
    if not json:
        show(home, partition, result)
    try:
        require_trainable(home, settings, partition)
    except PartitionError as error:
        if json:
            done = {"refreshed": 0, "trained": 0, "redrawn": 0, "klines_written": imported["rows_written"]}
            failed = {partition.key: str(error)}
            verdicts = stored_verdicts(home, [partition])
            print_json({**done, "failed": failed, "imported": imported, "verdicts": verdicts})
        raise
    if not json:
        tell_of_funding(settings, partition)
    _work_on([partition], json=json, imported=imported)
    result.raise_refused()


def materialize(symbol: SymbolOption, timeframe: TimeframeOption, json: JsonOption = False) -> None:
    """Run the whole graph for one partition, from its klines to its verdict."""
    _work_on([_with_data(symbol, timeframe)], json=json)


def train(
    symbol: SymbolOption,
    timeframe: TimeframeOption,
    trials: Annotated[
        int | None, typer.Option("--trials", help="Trials of the search; optuna.n_trials of xgb.yaml.", min=1)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Search, train and judge one partition anew, whatever there is; watch it with `truebar watch`."""
    if trials is not None:
        os.environ[TRIALS_VARIABLE] = str(trials)
    partition = _with_data(symbol, timeframe)
    _work_on([partition], json=json, retrain=True)


def backtest(
    symbol: AnySymbolOption = None, timeframe: AnyTimeframeOption = None, json: JsonOption = False
) -> None:
    """Judge the bundles of the chosen partitions again, without training: backtest, verdict and report."""
    home = current_home()
    bundles = BundleStore(home)
    partitions = [
        partition
        for partition in chosen(Warehouse(home).partitions(), symbol, timeframe)
        if any(bundles.current(partition, kind) is not None for kind in KINDS)
    ]
    if not partitions:
        raise ConfigurationError(
            "no chosen partition has a bundle to judge; train one first: `make train-xgb`."
        )
    session = _start(partitions)
    failures = session.run([RunRequest.single("backtest", each) for each in partitions], quiet=json)
    failed = {partition.key: str(error) for partition, error in failures.items()}
    done = {"refreshed": 0, "trained": 0, "redrawn": 0, "klines_written": 0, "failed": failed}
    _conclude(session, partitions, done, json=json)
    raise_failures(failures)


def _with_data(symbol: str, timeframe: str) -> Partition:
    """Return the partition, if there is something its klines are or can be made of.

    A symbol is never taken out of Dagster again, so one without data must not get in.
    """
    partition = Partition(symbol, timeframe)
    checkout = require_checkout()
    home = Home.from_environment(checkout)
    require_data(Warehouse(home), home, partition, load_configuration(checkout))
    return partition


def ui(
    port: Annotated[int, typer.Option("--port", help="Port on 127.0.0.1.", min=1, max=65_535)] = UI_PORT,
) -> None:
    """Start the Dagster UI and its daemon on 127.0.0.1; stop it with Ctrl-C."""
    checkout = require_checkout()
    home = Home.from_environment(checkout)
    prepare_dagster_home(checkout, home)
    open_instance(home).dispose()  # so that the processes to come find its tables made
    os.chdir(checkout)
    dagster = str(Path(sys.executable).with_name("dagster"))
    command = [dagster, "dev", "-w", "workspace.yaml", "--host", "127.0.0.1", "--port", str(port)]
    os.execv(dagster, command)  # noqa: S606 # nosec B606 (our own program)
