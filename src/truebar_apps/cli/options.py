"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from truebar.errors import ConfigurationError
from truebar.partitions import Partition
from truebar_apps.cli.checkout import find_checkout
from truebar_io.home import Home

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object or list and nothing else.")]
SymbolOption = Annotated[
    str, typer.Option("--symbol", "-s", help="One market at one venue, such as BTCUSDT.")
]
TimeframeOption = Annotated[str, typer.Option("--timeframe", "-t", help="1s 5s 1m 5m 15m 30m 1h 4h 1d.")]
AnySymbolOption = Annotated[str | None, typer.Option("--symbol", "-s", help="Only this symbol.")]
AnyTimeframeOption = Annotated[str | None, typer.Option("--timeframe", "-t", help="Only this timeframe.")]


def current_home() -> Home:
    """Return the home that the environment or the checkout names."""
    return Home.from_environment(find_checkout())


def chosen(partitions: list[Partition], symbol: str | None, timeframe: str | None) -> list[Partition]:
    """Return those of `partitions` that the options name.

    Raises:
        ConfigurationError: when there is none.
    """
    found = [
        partition
        for partition in partitions
        if symbol in (None, partition.symbol) and timeframe in (None, partition.timeframe)
    ]
    if not found:
        held = ", ".join(str(partition) for partition in partitions) or "nothing yet"
        raise ConfigurationError(
            f"no partition matches symbol {symbol or 'any'} and timeframe {timeframe or 'any'}; there is: "
            f"{held}. Bring data in with `truebar import` or `make demo`."
        )
    return found
