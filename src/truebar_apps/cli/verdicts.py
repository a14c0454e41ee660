"""Commands about judgements: verdicts, report."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer

from truebar.errors import ConfigurationError
from truebar.kinds import KINDS
from truebar.partitions import Partition
from truebar_apps.cli.options import AnySymbolOption, AnyTimeframeOption, JsonOption, chosen, current_home
from truebar_apps.cli.output import console, print_json, print_table
from truebar_io.bundles import BundleStore
from truebar_io.home import Home
from truebar_io.reports import index_path, report_path
from truebar_io.warehouse import Warehouse


def stored_verdicts(home: Home, partitions: list[Partition]) -> list[dict[str, Any]]:
    """Return the last verdict of every partition and kind that has one."""
    bundles = BundleStore(home)
    found = (bundles.load_verdict(partition, kind) for partition in partitions for kind in KINDS)
    return [verdict for verdict in found if verdict is not None]


def _cell(verdict: dict[str, Any], name: str, digits: int = 3) -> str:
    """Return a metric with its interval, or a dash where it is undefined."""
    metric = verdict["metrics"].get(name) or {}
    if metric.get("value") is None:
        return "–"
    text = f"{metric['value']:.{digits}f}"
    if metric.get("low") is not None and metric.get("high") is not None:
        text += f" [{metric['low']:.{digits}f},{metric['high']:.{digits}f}]"
    return text


def print_verdicts(found: list[dict[str, Any]]) -> None:
    """Write the verdicts for people: a table of scores, then each verdict with what failed."""
    columns = ["market", "verdict", "AUC", "skill", "Sharpe", "trades"]
    rows = [
        [
            f"{verdict['symbol']} {verdict['timeframe']}",
            verdict["verdict"],
            _cell(verdict, "roc_auc", 2),
            _cell(verdict, "log_skill").partition(" ")[0],
            _cell(verdict, "sharpe", 1),
            _cell(verdict, "n_trades", 0),
        ]
        for verdict in found
    ]
    print_table("Verdicts on the vault, net of costs (no skill: AUC 0.5, else 0)", columns, rows)
    out = console()
    for verdict in found:
        failed = [
            name + (" (not computed)" if name in verdict["missing"] else "") for name in verdict["failed"]
        ]
        out.print(
            f"{verdict['symbol']} {verdict['timeframe']} {verdict['kind']}: {verdict['verdict']}; "
            f"failed: {', '.join(failed) or 'nothing'}; bundle {verdict['bundle'][:12]}",
            soft_wrap=True,
        )


def verdicts(
    symbol: AnySymbolOption = None, timeframe: AnyTimeframeOption = None, json: JsonOption = False
) -> None:
    """Show what each partition's last judgement says."""
    home = current_home()
    partitions = Warehouse(home).partitions()
    if symbol or timeframe:
        partitions = chosen(partitions, symbol, timeframe)
    found = stored_verdicts(home, partitions)
    if json:
        print_json(found)
    elif found:
        print_verdicts(found)
    else:
        print_table("no verdict yet: run `make demo`, or `truebar materialize`", [], [])


def report(
    symbol: AnySymbolOption = None,
    timeframe: AnyTimeframeOption = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    json: JsonOption = False,
) -> None:
    """Say where the reports are."""
    home = current_home()
    paths = {
        (partition, kind): report_path(home, partition, kind)
        for partition in chosen(Warehouse(home).partitions(), symbol, timeframe)
        for kind in KINDS
    }
    rows = [[str(partition), kind, str(path)] for (partition, kind), path in paths.items() if path.is_file()]
    if not rows:
        raise ConfigurationError("no report is there yet; run `make demo`, or `truebar materialize`.")
    if json:
        print_json([dict(zip(("partition", "kind", "file"), row, strict=True)) for row in rows])
    else:
        print_table(f"index: {index_path(home)}", ["partition", "kind", "report"], rows)
    if show:
        webbrowser.open((index_path(home) if len(rows) > 1 else Path(rows[0][2])).as_uri())
