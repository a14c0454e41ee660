"""The index over all reports: one row for each partition and kind."""

from __future__ import annotations

from collections.abc import Sequence

from truebar.reports.catalogue import entry_of
from truebar.reports.conditions import conditions_of
from truebar.reports.inputs import IndexEntry
from truebar.reports.judgement import Judgement
from truebar.reports.markup import Column, Content, days, element, join, paragraph, table, undefined
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


def _market(entry: IndexEntry, judgement: Judgement) -> Content:
    """Return the market with a link to its report, the kind of model, and when the vault was."""
    link = element("a", f"{judgement.symbol} {judgement.timeframe}", href=entry.file, class_="label")
    notes: list[Content] = [f"{judgement.kind}, synthetic market" if entry.is_synthetic else judgement.kind]
    if entry.vault is not None:
        notes.append(join(["vault ", days(*entry.vault)]))
    return join([link, *(element("span", note, class_="note") for note in notes)])


def _row(entry: IndexEntry) -> list[Content]:
    judgement = Judgement.from_json(entry.verdict)
    conditions = conditions_of(judgement)
    unmet = dict.fromkeys(condition.title for condition in conditions if condition.state != "held")
    word = element("span", HEADLINE[judgement.verdict], class_="held" if judgement.verdict == "edge" else "")
    return [
        _market(entry, judgement),
        join([word, element("span", f"not held: {'; '.join(unmet)}", class_="note") if unmet else ""]),
        _cell(judgement, "roc_auc"),
        _cell(judgement, "sharpe"),
        _cell(judgement, "net_return"),
        _cell(judgement, "n_trades"),
    ]


def _order(entry: IndexEntry) -> tuple[str, int, str]:
    timeframe = TIMEFRAMES.index(str(entry.verdict["timeframe"]))
    return str(entry.verdict["symbol"]), timeframe, str(entry.verdict["kind"])


def _lead(entries: Sequence[IndexEntry]) -> str:
    """Return what the table shows, and how many of real and of synthetic markets have an edge."""
    real = [entry for entry in entries if not entry.is_synthetic]
    made = [entry for entry in entries if entry.is_synthetic]
    counts = [
        f"{sum(entry.verdict['verdict'] == 'edge' for entry in some)} of {_counted(len(some), what)}"
        for some, what in ((real, "real"), (made, "synthetic"))
        if some
    ]
    return (
        f"Edge in {' and in '.join(counts)}. Each is judged after costs on its vault: bars that no search "
        "has seen. Under a number stands its 95 % interval; no skill is an AUC of 0.5, a Sharpe ratio of 0 "
        "and a net return of 0 %."
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what} {'market' if count == 1 else 'markets'}"


def render_index(entries: Sequence[IndexEntry]) -> str:
    """Return the index: one row for each partition and kind, ordered by symbol, timeframe and kind.

    Raises:
        SchemaError: when a verdict lacks a field or contradicts itself.
    """
    columns = [
        Column("Market"),
        Column("Verdict"),
        Column("Direction AUC", True),
        Column("Sharpe ratio, a year", True),
        Column("Net return", True),
        Column("Round trips", True),
    ]
    rows = [_row(entry) for entry in sorted(entries, key=_order)]
    header = element("header", paragraph("truebar", class_="brand"), element("h1", "Verdicts"))
    shown = element("div", table(columns, rows), class_="wide")
    if not rows:
        return document(
            "truebar verdicts",
            header,
            paragraph("No verdict yet. Run `make demo`, or `truebar materialize`."),
        )
    return document("truebar verdicts", header, paragraph(_lead(entries)), shown)
