"""What the command line prints: JSON alone on stdout for scripts, tables for people, errors on stderr."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from truebar.errors import ConfigurationError, PartitionError, RetryError, TruebarError

EXIT_REFUSED = 2
"""The call or the data are not what they must be: fix them."""
EXIT_STOPPED = 3
"""A person has to look (damaged warehouse)."""
EXIT_RETRY = 75
"""The same call may succeed later (EX_TEMPFAIL of sysexits.h)."""

# Names of files, columns and values are the user's, and may look like markup: nothing is read as such.
errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)


def console() -> Console:
    """Return the console of stdout as it is now."""
    return Console(highlight=False, markup=False, emoji=False)


def _plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: NaN, NaT and infinity are null, times are ISO text."""
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    elif isinstance(value, np.generic):
        value = value.item()
    elif isinstance(value, Decimal):
        value = float(value)
    if value is pd.NaT or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value


def print_json(value: Any) -> None:
    """Write one JSON object or list to stdout, and nothing else."""
    sys.stdout.write(json.dumps(_plain(value), indent=2, default=str, allow_nan=False) + "\n")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Return a table for people; numbers stand right, and what is not there is a dash."""
    drawn = Table(
        title=title or None,
        title_justify="left",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for position, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[position], (int, float)) for row in rows)
        drawn.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*("–" if cell is None else str(cell) for cell in row))
    return drawn


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a table for people to stdout."""
    console().print(table(title, columns, rows))


def exit_code(error: TruebarError) -> int:
    """Return the exit status that tells a script what to do next."""
    if isinstance(error, RetryError):
        return EXIT_RETRY
    if isinstance(error, (ConfigurationError, PartitionError)):
        return EXIT_REFUSED
    return EXIT_STOPPED


def print_error(error: TruebarError) -> None:
    """Write what went wrong and what to do to stderr."""
    print_problem(type(error).__name__, f": {error}")


def print_problem(word: str, text: str) -> None:
    """Write a word that draws the eye, and what follows it, to stderr."""
    errors.print(Text.assemble((word, "bold red"), text))
