"""The report of one partition and kind: records in, one HTML page out."""

from __future__ import annotations

from typing import Final

from truebar.reports.charts.plot import library
from truebar.reports.conditions import conditions_of, conditions_table
from truebar.reports.curve import Curve, curve_of
from truebar.reports.inputs import ReportInputs
from truebar.reports.judgement import Judgement
from truebar.reports.markup import Content, Html, anchor, days, element, join, paragraph, section
from truebar.reports.metrics import key_figures, metrics_of_group, metrics_table
from truebar.reports.sections.account import costs_section, money_section, trades_section
from truebar.reports.sections.direction import activity_section, direction_section
from truebar.reports.sections.model import (
    calibration_section,
    importance_section,
    labels_section,
    thresholds_section,
)
from truebar.reports.sections.record import (
    lineage_section,
    missing_section,
    quality_section,
    search_section,
    timeline_section,
)
from truebar.reports.style import CSS
from truebar.reports.wording import DISCLAIMER, SYNTHETIC, verdict_box
from truebar.units import BARS_PER_YEAR, BASIS_POINT

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
"""What the browser may load for a page: nothing but what the page itself holds."""

CONTENTS: Final = (
    "Conditions", "Money", "Costs", "Trades", "Direction", "Thresholds", "Labels", "Calibration", "Activity",
    "What the model rests on", "Search", "Timeline", "Data", "Lineage",
)  # fmt: skip
"""Parts in the order of the page; one that a report does not have is left out of the links."""


CONDITIONS: Final = (
    "An edge needs all of these. The vault is the last part of history, kept for this verdict; dev is what "
    "comes before it, which searches and fits may use."
)


def document(title: str, *contents: Content, is_synthetic: bool = False) -> str:
    """Return a whole page; a synthetic one marks every chart."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Html(CSS)),
    )
    note = join([SYNTHETIC, " "]) if is_synthetic else ""
    footer = element("footer", paragraph(note, DISCLAIMER))
    marked = {"class_": "synthetic"} if is_synthetic else {}
    body = element("body", element("main", *contents, footer), **marked)
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en').text}\n"


def _header(judgement: Judgement, inputs: ReportInputs) -> Html:
    name = f"{judgement.symbol} {judgement.timeframe}, {judgement.kind}"
    tag = element("span", "synthetic market", class_="tag") if inputs.is_synthetic else ""
    return element(
        "header",
        paragraph("truebar report", class_="brand"),
        element("h1", name, tag),
        paragraph(
            f"{inputs.market_description} Forecast: {inputs.horizon_text}. ",
            _span_text(inputs),
            class_="subtitle",
        ),
    )


def _span_text(inputs: ReportInputs) -> Content:
    """Return how many bars there are, and from when to when; nothing where there are none."""
    klines = inputs.quality.klines
    if klines.first_open_time is None or klines.last_close_time is None:
        return ""
    return join([f"{klines.bars:,} bars, ", days(klines.first_open_time, klines.last_close_time), "."])


def _links(body: Html) -> Html:
    """Return links to the parts that the page has."""
    there = [title for title in CONTENTS if f'id="{anchor(title)}"' in body.text]
    return element("nav", *(element("a", title, href=f"#{anchor(title)}") for title in there))


def _other(judgement: Judgement) -> Content:
    """Return what else the verdict has; nothing where there is nothing."""
    others = metrics_of_group(judgement, "other")
    lead = "Shown for completeness; no part of the verdict rests on these."
    return section("Other numbers", paragraph(lead), metrics_table(others)) if others else ""


def _body(judgement: Judgement, inputs: ReportInputs, curve: Curve | None) -> Html:
    """Return all parts below the verdict, what decides first."""
    conditions = conditions_of(judgement)
    cost = inputs.costs.round_trip_bps * BASIS_POINT
    return join(
        [
            section("Conditions", paragraph(CONDITIONS), conditions_table(conditions)),
            money_section(judgement, curve),
            costs_section(judgement, inputs),
            trades_section(inputs.trades, inputs.equity),
            direction_section(judgement, inputs.direction),
            thresholds_section(
                inputs.thresholds, cost=cost, bars_per_year=BARS_PER_YEAR[judgement.timeframe]
            ),
            labels_section(inputs.labels, inputs.horizon_text),
            calibration_section(judgement, inputs.calibration),
            activity_section(judgement),
            importance_section(inputs.importance),
            _other(judgement),
            search_section(judgement, inputs.search),
            timeline_section(judgement, inputs.slices),
            quality_section(inputs.quality),
            missing_section(inputs, judgement, conditions),
            lineage_section(inputs.lineage),
        ]
    )


def render_report(inputs: ReportInputs) -> str:
    """Return the report as one HTML page that loads nothing; the same inputs give the same text.

    Raises:
        SchemaError: when the verdict or the equity frame lacks what it must have, or contradicts itself.
        MissingDataError: when equity has no row or is not finite.
        CorruptDataError: when the times of the equity frame do not ascend.
    """
    judgement = Judgement.from_json(inputs.verdict)
    curve = None if inputs.equity is None else curve_of(inputs.equity, inputs.initial_capital)
    body = _body(judgement, inputs, curve)
    synthetic = "SYNTHETIC " if inputs.is_synthetic else ""
    return document(
        f"{synthetic}{judgement.symbol} {judgement.timeframe} {judgement.kind}: {judgement.verdict}",
        _header(judgement, inputs),
        paragraph(SYNTHETIC, class_="warning") if inputs.is_synthetic else "",
        verdict_box(judgement, inputs, conditions_of(judgement)),
        key_figures(judgement, curve),
        _links(body),
        library() if 'class="chart"' in body.text else "",
        body,
        is_synthetic=inputs.is_synthetic,
    )
