"""The `truebar` command."""

from __future__ import annotations

import sys

import typer

from truebar.errors import TruebarError
from truebar_apps.cli import data, doctor, graph, verdicts
from truebar_apps.cli.output import exit_code, print_error

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
app.command("verdicts")(verdicts.verdicts)
app.command("report")(verdicts.report)
app.command("sql")(data.sql)
app.command("export")(data.export)
app.command("doctor")(doctor.doctor)
app.command("ui")(graph.ui)


def main() -> None:
    """Run the command line; truebar's own errors are told in words and set the exit status."""
    try:
        app()
    except TruebarError as error:
        print_error(error)
        sys.exit(exit_code(error))
