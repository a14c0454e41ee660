"""The index over all reports: one row for each partition and kind."""

from __future__ import annotations

from collections.abc import Sequence

from truebar.reports.catalogue import entry_of
from truebar.reports.conditions import conditions_of
from truebar.reports.inputs import IndexEntry
from truebar.reports.judgement import Judgement
from truebar.reports.markup import Column, Content, definition, element, join, paragraph, table, undefined
from truebar.reports.page import document
from truebar.reports.wording import HEADLINE
from truebar.units import TIMEFRAMES


def _cell(judgement: Judgement, name: str) -> Content:
    """Return a number, with its interval under it where there is one."""
    metric, write = judgement.metric(name), entry_of(name).write
    if metric.value is None:
        return undefined(metric.reason)
    if metric.low is None or metric.high is None:
        return write(metric.value)
    return join(
        [write(metric.value), element("span", f"{write(metric.low)} to {write(metric.high)}", class_="note")]
    )


def _row(entry: IndexEntry) -> list[Content]:
    judgement = Judgement.from_json(entry.verdict)
    conditions = conditions_of(judgement)
    unmet = dict.fromkeys(condition.title for condition in conditions if condition.state != "held")
    word = element("span", HEADLINE[judgement.verdict], class_="held" if judgement.verdict == "edge" else "")
    return [
        definition(
            f"{judgement.symbol} {judgement.timeframe}", "synthetic market" if entry.is_synthetic else ""
        ),
        judgement.kind,
        join([word, element("span", f"not held: {'; '.join(unmet)}", class_="note") if unmet else ""]),
        _cell(judgement, "roc_auc"),
        _cell(judgement, "sharpe"),
        _cell(judgement, "net_return"),
        _cell(judgement, "n_trades"),
        element("a", "report", href=entry.file),
    ]


def _order(entry: IndexEntry) -> tuple[str, int, str]:
    timeframe = TIMEFRAMES.index(str(entry.verdict["timeframe"]))
    return str(entry.verdict["symbol"]), timeframe, str(entry.verdict["kind"])


def _lead(entries: Sequence[IndexEntry]) -> str:
    """Return what the table shows, and how many of real and of synthetic markets have an edge."""
    real = [entry for entry in entries if not entry.is_synthetic]
    made = [entry for entry in entries if entry.is_synthetic]
    counts = [
        f"{sum(entry.verdict['verdict'] == 'edge' for entry in some)} of {len(some)} {what}"
        for some, what in ((real, "real"), (made, "synthetic"))
        if some
    ]
    return (
        "Each market is judged on bars that no search has seen, after costs. "
        f"No skill: AUC 0.5, Sharpe ratio 0, net return 0. Edge in {' and '.join(counts)} markets."
    )


def render_index(entries: Sequence[IndexEntry]) -> str:
    """Return the index: one row for each partition and kind, ordered by symbol, timeframe and kind.

    Raises:
        SchemaError: when a verdict lacks a field or contradicts itself.
    """
    columns = [
        Column("Market"),
        Column("Kind"),
        Column("Verdict"),
        Column("Direction AUC", True),
        Column("Sharpe ratio", True),
        Column("Net return", True),
        Column("Round trips", True),
        Column("", True),
    ]
    rows = [_row(entry) for entry in sorted(entries, key=_order)]
    header = element("header", paragraph("truebar", class_="brand"), element("h1", "Verdicts"))
    if not rows:
        return document(
            "truebar verdicts",
            header,
            paragraph("No verdict yet. Run `make demo`, or `truebar materialize`."),
        )
    return document("truebar verdicts", header, paragraph(_lead(entries)), table(columns, rows))
