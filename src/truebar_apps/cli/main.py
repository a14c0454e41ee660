"""The `truebar` command."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import typer

from truebar.errors import StorageFullError, TruebarError
from truebar_apps.cli import compiling, data, doctor, graph, search, verdicts
from truebar_apps.cli.output import exit_code, print_error
from truebar_io.durable import is_full

app = typer.Typer(
    name="truebar",
    help="Train and judge machine-learning models on crypto klines, with every number shown true.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("demo")(graph.demo)
app.command("import")(data.import_)
app.command("materialize")(graph.materialize)
app.command("train")(graph.train)
app.command("backtest")(graph.backtest)
app.command("watch")(search.watch)
app.command("verdicts")(verdicts.verdicts)
app.command("report")(verdicts.report)
app.command("sql")(data.sql)
app.command("export")(data.export)
app.command("doctor")(doctor.doctor)
app.command("compile")(compiling.compile_)
app.command("ui")(graph.ui)
app.command("mlflow")(search.mlflow)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Return an error and what it was raised from or after."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


class FullDiskNamed:
    """A block out of which a full disk comes as `StorageFullError`, whoever met it and however it is wrapped.

    SQLite under Dagster and MLflow, and files of any library, say it each in their own class of error.
    """

    def __enter__(self) -> Self:
        """Begin the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let everything but a full disk pass.

        Raises:
            StorageFullError: when the error, or one that it comes from, says that there is no room.
        """
        if isinstance(error, Exception) and not isinstance(error, TruebarError):
            full = next((each for each in _chain(error) if is_full(each)), None)
            if full is not None:
                raise StorageFullError(
                    f"there is no room on the disk: {str(full).splitlines()[0]}. What was published before "
                    "is untouched. Free some space, then run the same command again."
                ) from error


def _in_words(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Return a warning as a person reads it: what, not where in the code."""
    del filename, lineno, line
    return f"{category.__name__}: {message}\n"


def main() -> None:
    """Run the command line; truebar's own errors are told in words and set the exit status."""
    warnings.formatwarning = _in_words
    try:
        with FullDiskNamed():
            app()
    except TruebarError as error:
        print_error(error)
        sys.exit(exit_code(error))
