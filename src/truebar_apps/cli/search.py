"""Commands about searches and their records: watch, mlflow."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from truebar.errors import ConfigurationError
from truebar_apps.cli.options import AnySymbolOption, AnyTimeframeOption, JsonOption, current_home
from truebar_apps.cli.output import console, print_json, table
from truebar_io.tracking import database, tracking_uri

if TYPE_CHECKING:
    from rich.table import Table

    from truebar_io.study_progress import StudyProgress

MLFLOW_PORT = 5000
HOW_TO_BEGIN = "start one with `make train-xgb SYMBOL=… TIMEFRAME=…`, or `make demo`"


def _studies(symbol: str | None, timeframe: str | None) -> list[StudyProgress]:
    from truebar_io.study_progress import study_progress  # noqa: PLC0415 (Optuna takes a while to load)

    return [
        study
        for study in study_progress(current_home())
        if symbol in (None, study.symbol) and timeframe in (None, study.timeframe)
    ]


def _drawn(studies: Sequence[StudyProgress]) -> Table:
    """Return the studies as a table."""
    rows = [
        [
            f"{study.symbol} {study.timeframe} {study.kind}",
            f"{study.finished} of {study.asked or '?'}",
            study.complete,
            study.pruned,
            study.failed,
            None if study.best_score is None else f"{study.best_score:.5f} (#{study.best_number})",
            None if study.last_at is None else f"{study.last_at:%H:%M:%S}",
        ]
        for study in studies
    ]
    columns = ["search", "trials", "complete", "pruned", "failed", "best score", "last"]
    return table("Searches, newest of each partition (score: R² of the edge, 0 is no skill)", columns, rows)


def watch(
    symbol: AnySymbolOption = None,
    timeframe: AnyTimeframeOption = None,
    every_s: Annotated[
        float, typer.Option("--every", help="Seconds between two looks.", min=0.2, max=3_600)
    ] = 2.0,
    json: JsonOption = False,
) -> None:
    """Show how far searches have come, again and again: waits for one to begin, and goes on until it is over.

    Ctrl-C ends it. Where the output is no terminal it is shown once.
    """

    def look() -> list[StudyProgress]:
        return _studies(symbol, timeframe)

    out = console()
    if json:
        print_json([{**asdict(study), "is_over": study.is_over} for study in look()])
    elif out.is_terminal:
        _watch(look, out, every_s)
    elif studies := look():
        out.print(_drawn(studies))
    else:
        out.print(f"No search has begun yet: {HOW_TO_BEGIN}.", soft_wrap=True)


def _watch(look: Callable[[], list[StudyProgress]], out: Console, every_s: float) -> None:
    """Draw what `look` finds until every search that is under way, or begins meanwhile, is over."""
    studies = look()
    earlier = {_name(study) for study in studies if study.is_over}
    watched: set[tuple[str, ...]] = set()
    try:
        with Live(console=out, refresh_per_second=4) as live:
            while True:
                watched |= {_name(study) for study in studies} - earlier
                note = "" if watched else f"Waiting for a search to begin: {HOW_TO_BEGIN}. Ctrl-C ends it."
                live.update(Group(_drawn(studies), Text(note)), refresh=True)
                if watched and all(study.is_over for study in studies if _name(study) in watched):
                    return
                time.sleep(every_s)
                studies = look()
                earlier &= {_name(study) for study in studies if study.is_over}
    except KeyboardInterrupt:
        out.print("Stopped watching; the search goes on." if watched else "Stopped watching; none began.")


def _name(study: StudyProgress) -> tuple[str, ...]:
    return study.symbol, study.timeframe, study.kind, study.study


def mlflow(
    port: Annotated[int, typer.Option("--port", help="Port on 127.0.0.1.", min=1, max=65_535)] = MLFLOW_PORT,
) -> None:
    """Start MLflow's UI over the runs of this home, on 127.0.0.1; stop it with Ctrl-C.

    Raises:
        ConfigurationError: nothing has been logged yet.
    """
    home = current_home()
    if not database(home).is_file():
        raise ConfigurationError(
            f"{home.mlflow} holds no MLflow runs yet; train something first: `make demo`."
        )
    program = str(Path(sys.executable).with_name("mlflow"))
    where = ["--backend-store-uri", tracking_uri(home), "--host", "127.0.0.1", "--port", str(port)]
    console().print(f"MLflow  http://127.0.0.1:{port}")
    os.execv(program, [program, "ui", *where])  # noqa: S606 # nosec B606 (our own program)
