"""The report of one partition and kind, and the index over all: strings in, one HTML page out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from truebar.reports.catalogue import entry_of
from truebar.reports.charts import library
from truebar.reports.conditions import conditions_of, conditions_table
from truebar.reports.curve import curve_of
from truebar.reports.inputs import IndexEntry, Judgement, ReportInputs
from truebar.reports.markup import (
    Column,
    Content,
    Html,
    definition,
    element,
    join,
    paragraph,
    section,
    table,
    undefined,
)
from truebar.reports.metrics import key_figures
from truebar.reports.sections import (
    activity_section,
    calibration_section,
    costs_section,
    direction_section,
    lineage_section,
    missing_section,
    money_section,
    other_section,
    quality_section,
    slices_section,
)
from truebar.reports.style import CSS
from truebar.reports.wording import DISCLAIMER, HEADLINE, SYNTHETIC, verdict_box
from truebar.units import TIMEFRAMES

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
"""What the browser may load for a page: nothing but what the page itself holds."""


def _page(title: str, *contents: Content) -> str:
    """Return a whole page."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Html(CSS)),
    )
    body = element("body", element("main", *contents, element("footer", paragraph(DISCLAIMER))))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en').text}\n"


def _tag(is_synthetic: bool) -> Content:
    return element("span", "synthetic market", class_="tag") if is_synthetic else ""


def _header(judgement: Judgement, inputs: ReportInputs) -> Html:
    name = f"{judgement.symbol} {judgement.timeframe}, {judgement.kind}"
    return element(
        "header",
        paragraph("truebar report", class_="brand"),
        element("h1", name, _tag(inputs.is_synthetic)),
        paragraph(f"{inputs.market_description} Forecast: {inputs.horizon_text}.", class_="subtitle"),
    )


def render_report(inputs: ReportInputs) -> str:
    """Return the report as one HTML page that loads nothing; the same inputs give the same text.

    Raises:
        SchemaError: when the verdict or the equity frame lacks what it must have, or contradicts itself.
        MissingDataError: when equity has no row or is not finite.
        CorruptDataError: when the times of the equity frame do not ascend.
    """
    judgement = Judgement.from_json(inputs.verdict)
    conditions = conditions_of(judgement)
    curve = None if inputs.equity is None else curve_of(inputs.equity, inputs.initial_capital)
    charted = curve is not None or (inputs.calibration is not None and inputs.calibration.reliability)
    return _page(
        f"{judgement.symbol} {judgement.timeframe} {judgement.kind}: {judgement.verdict}",
        _header(judgement, inputs),
        paragraph(SYNTHETIC, class_="warning") if inputs.is_synthetic else "",
        verdict_box(judgement, inputs, conditions),
        key_figures(judgement),
        library() if charted else "",
        section("Conditions", conditions_table(conditions)),
        direction_section(judgement),
        money_section(judgement, curve),
        activity_section(judgement),
        calibration_section(inputs.calibration),
        other_section(judgement),
        slices_section(judgement, inputs.slices),
        quality_section(inputs.quality),
        costs_section(inputs),
        missing_section(inputs, judgement, conditions),
        lineage_section(inputs.lineage),
    )


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


def _index_row(entry: IndexEntry) -> list[Content]:
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
        _cell(judgement, "n_trades"),
        element("a", "report", href=entry.file),
    ]


def _order(entry: IndexEntry) -> tuple[str, int, str]:
    timeframe = TIMEFRAMES.index(str(entry.verdict["timeframe"]))
    return str(entry.verdict["symbol"]), timeframe, str(entry.verdict["kind"])


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
        Column("Round trips", True),
        Column("", True),
    ]
    rows = [_index_row(entry) for entry in sorted(entries, key=_order)]
    found = sum(entry.verdict["verdict"] == "edge" for entry in entries)
    lead = (
        "Each market is judged on bars that no search has seen, after costs. "
        f"No skill: AUC 0.5, Sharpe ratio 0. Edge in {found} of {len(entries)}."
    )
    empty = paragraph("No verdict yet. Run `make demo`, or `truebar materialize`.")
    header = element("header", paragraph("truebar", class_="brand"), element("h1", "Verdicts"))
    return _page("truebar verdicts", header, *([paragraph(lead), table(columns, rows)] if rows else [empty]))
