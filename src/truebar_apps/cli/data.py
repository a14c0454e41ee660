"""Commands about data: import, sql, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from truebar.errors import ConfigurationError, QueryError
from truebar.partitions import Partition
from truebar_apps.cli.checkout import find_checkout
from truebar_apps.cli.options import (
    AnySymbolOption,
    AnyTimeframeOption,
    JsonOption,
    SymbolOption,
    TimeframeOption,
    chosen,
    current_home,
)
from truebar_apps.cli.output import print_json, print_table
from truebar_apps.cli.own_data import bring_in, show, summary_of
from truebar_io.configuration import load_configuration
from truebar_io.frames import write_frame
from truebar_io.warehouse import Warehouse

PathArgument = Annotated[
    Path, typer.Argument(help="A Parquet, CSV or exchange archive zip of klines, or a folder of them.")
]


def import_(
    path: PathArgument, symbol: SymbolOption, timeframe: TimeframeOption, json: JsonOption = False
) -> None:
    """Bring klines into market.klines; returns when they are published.

    A folder is one data set: its files are published together. Files that could not be taken are named at the
    end, and the command fails.
    """
    partition = Partition(symbol, timeframe)
    checkout = find_checkout()
    home = current_home()
    result = bring_in(home, load_configuration(checkout), partition, path)
    if json:
        print_json(summary_of(partition, path, result))
    else:
        show(home, partition, result)
    result.raise_refused()


def sql(
    query: Annotated[str, typer.Argument(help="For example: select * from market.klines limit 5")],
    symbol: AnySymbolOption = None,
    timeframe: AnyTimeframeOption = None,
    json: JsonOption = False,
) -> None:
    """Answer a query over the tables it names, attached read-only, with symbol and timeframe as columns."""
    store = Warehouse(current_home())
    partitions = chosen(store.partitions(), symbol, timeframe) if symbol or timeframe else None
    frame = store.query(query, partitions=partitions, keep_dates=True)
    if json:
        twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
        if twice:
            raise QueryError(
                f"columns have the same name: {', '.join(twice)}; a JSON object holds one of each. Name them "
                "apart with AS."
            )
        print_json(frame.astype(object).where(frame.notna(), None).to_dict("records"))
        return
    print_table("", [str(column) for column in frame.columns], frame.to_numpy(dtype=object).tolist())


def export(
    table: Annotated[str, typer.Argument(help="A table such as market.klines or features.matrix.")],
    to: Annotated[
        Path | None,
        typer.Option("--to", help="A .parquet or .csv file to be made; exports/<table>.parquet of the home."),
    ] = None,
    symbol: AnySymbolOption = None,
    timeframe: AnyTimeframeOption = None,
    json: JsonOption = False,
) -> None:
    """Write a table to a Parquet or CSV file; an existing file is replaced only when the new one is whole."""
    home = current_home()
    store = Warehouse(home)
    partitions = [p for p in chosen(store.partitions(), symbol, timeframe) if store.has(p, table)]
    if not partitions:
        raise ConfigurationError(f"no chosen partition has {table}; `truebar doctor` lists what there is.")
    frame = store.read("*", from_=table, partitions=partitions)
    if to is None:
        to = home.exports / f"{table}.parquet"
        to.parent.mkdir(exist_ok=True)
    write_frame(frame, to)
    summary = {"table": table, "rows": len(frame), "partitions": [p.key for p in partitions], "file": str(to)}
    if json:
        print_json(summary)
        return
    print_table("exported", ["what", "value"], [[key, str(value)] for key, value in summary.items()])
