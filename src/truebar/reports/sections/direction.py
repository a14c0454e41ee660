"""Does the model know where the price goes? Scores, curves, and what could be known at all."""

from __future__ import annotations

from truebar.reports.catalogue import NARROW, Entry, entry_of, signed
from truebar.reports.charts.direction import precision_figure, roc_figure
from truebar.reports.charts.plot import chart
from truebar.reports.judgement import Judgement
from truebar.reports.markup import Column, Content, Html, beside, definition, paragraph, section, table
from truebar.reports.metrics import metrics_of_group, metrics_table
from truebar.scores.curves import DirectionCurves


def direction_section(judgement: Judgement, curves: DirectionCurves | None) -> Html:
    """Return the scores of direction beside no skill, with the curves behind the areas."""
    lead = (
        "Does the model know where the price goes? "
        "Each score stands beside what no skill gives on the same rows."
    )
    contents: list[Content] = [
        paragraph(lead),
        metrics_table(metrics_of_group(judgement, "direction")),
        _truth(judgement),
    ]
    if curves is not None:
        roc = "ROC curve of the direction on the vault, with the diagonal of no skill."
        precision = "Precision over recall of calling up on the vault, with the share of ups as no skill."
        contents.append(
            beside(
                chart("roc-chart", roc_figure(curves), roc),
                chart("precision-chart", precision_figure(curves), precision),
            )
        )
        said = f"{curves.rows:,} rows of the vault moved up or down; the curves are of these."
        contents.append(paragraph(said, class_="text muted"))
    return section("Direction", *contents)


def _truth(judgement: Judgement) -> Content:
    """Return the model beside the best possible forecast; nothing where that is not known."""
    best, share = judgement.oracle, judgement.found_share
    if not best:
        return ""
    found = (
        "There is next to no direction to find here; what differs from no skill is chance."
        if share is None
        else f"Found of the direction AUC above 0.5: {signed(share * 100, 0)}{NARROW}%."
    )
    bps = Entry("Net log return a bar", unit="number", digits=2)
    shown = {
        "roc_auc": (entry_of("roc_auc"), "ranks up above down", judgement.metric("roc_auc").value),
        "log_loss": (
            entry_of("log_loss"),
            "three classes; lower is better",
            judgement.metric("log_loss").value,
        ),
        "ev_bps": (bps, "basis points, traded at the configured costs", judgement.net_bps_a_bar),
    }
    rows: list[list[Content]] = [
        [definition(entry.label, note), entry.write(own), entry.write(best[name])]
        for name, (entry, note, own) in shown.items()
        if name in best
    ]
    columns = [Column("On the same rows"), Column("This model", True), Column("True probabilities", True)]
    lead = (
        "This market is generated, so the true probabilities of every bar are known. No forecast does better "
        f"than they do on average, though chance may lift one above them on a single vault. {found}"
    )
    return section("Beside the truth", paragraph(lead), table(columns, rows), level=3)


def activity_section(judgement: Judgement) -> Html:
    """Return the scores of activity, apart, with the sentence that they prove nothing about direction."""
    lead = (
        "These scores prove nothing about direction. They measure whether the model knows when "
        "the market moves; volatility is predictable, so they beat no skill "
        "on markets without any direction too."
    )
    return section("Activity", paragraph(lead), metrics_table(metrics_of_group(judgement, "activity")))
