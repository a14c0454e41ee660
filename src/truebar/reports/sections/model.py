"""How probabilities become decisions: calibration, thresholds, labels, and what the model rests on."""

from __future__ import annotations

from typing import Final

import pandas as pd

from truebar.reports.catalogue import entry_of
from truebar.reports.charts.calibration import reliability_figure
from truebar.reports.charts.importance import bars_figure
from truebar.reports.charts.market import label_figure
from truebar.reports.charts.plot import MODEL, OTHER, chart
from truebar.reports.charts.thresholds import Side, side_curve, threshold_figure
from truebar.reports.inputs import Calibration
from truebar.reports.judgement import Judgement
from truebar.reports.markup import Column, Content, Html, beside, definition, facts, paragraph, section, table
from truebar.reports.wording import compact
from truebar.thresholds.values import Thresholds
from truebar.units import BASIS_POINT

LABEL_BARS: Final = 240
"""Bars of the label chart, few enough that each label can be seen."""

IMPORTANT: Final = 20
"""Columns that the importance chart shows."""

SIDES: Final[tuple[Side, ...]] = ("long", "short")


def calibration_section(judgement: Judgement, calibration: Calibration | None) -> Content:
    """Return the scores before and after calibration, and the reliability of each class.

    Where no calibrator was chosen, both are one and stand there once.
    """
    if calibration is None:
        return ""
    is_raw = calibration.method == "none"
    shown = ["Raw probabilities"] if is_raw else ["Before", "After"]
    columns = [Column("Score"), *(Column(name, True) for name in shown), Column("No skill", True)]
    rows: list[list[Content]] = [
        [
            definition(entry_of(name).label, entry_of(name).note),
            *(entry_of(name).write(value) for value in pair[: len(shown)]),
            entry_of(name).write(judgement.metric(name).no_skill),
        ]
        for name, pair in calibration.scores.items()
    ]
    method = "none, the raw probabilities were as good" if is_raw else calibration.method
    diagrams = [
        section(
            f"Class {name}",
            chart(
                f"reliability-{name}-chart",
                reliability_figure(() if is_raw else calibration.before.get(name, ()), after),
                f"Observed share of {name} over its predicted probability.",
            ),
            level=3,
        )
        for name, after in calibration.after.items()
        if after
    ]
    return section(
        "Calibration",
        paragraph(
            f"Calibrator: {method}. Scored {calibration.rows_text}. A point on the dashed line means that "
            "what was said with this probability came as often; each point has about as many rows."
        ),
        table(columns, rows),
        beside(*diagrams) if diagrams else "",
    )


def thresholds_section(rule: Thresholds | None, *, cost: float, bars_per_year: float) -> Content:
    """Return the entry thresholds and what the others would have earned out of fold.

    Args:
        rule: of the bundle; None: not computed yet.
        cost: C, log return.
        bars_per_year: of the timeframe.
    """
    if rule is None:
        return ""
    contents: list[Content] = [
        paragraph(
            "A position is entered where the forecast edge exceeds the threshold of its side. Thresholds are "
            "tuned out of fold on dev with the decision and the engine that trade; among the pairs that are "
            "as good as the best within one standard error the most cautious one is taken."
        ),
        facts([(f"Threshold {side}", _threshold(getattr(rule, side), cost)) for side in SIDES]),
    ]
    if rule.reason:
        contents.append(paragraph(f"Not tuned: {rule.reason}.", class_="text muted"))
    if rule.method == "ev_net" and rule.curve and cost > 0:
        contents.append(beside(*_curves(rule, cost, bars_per_year)))
    return section("Thresholds", *contents)


def _threshold(value: float, cost: float) -> str:
    times = f", {compact(value / cost)} times the cost of a round trip" if cost > 0 else ""
    return f"{compact(value / BASIS_POINT)} bps{times}"


def _curves(rule: Thresholds, cost: float, bars_per_year: float) -> list[Html]:
    """Return the curve of each side on which more than one threshold was tried."""
    found = []
    for side in SIDES:
        curve = side_curve(rule, side, cost)
        if len(curve.points) > 1:
            other = "short" if side == "long" else "long"
            text = f"Net log return a year over the {side} threshold, the {other} one as chosen."
            drawn = chart(f"threshold-{side}-chart", threshold_figure(curve, bars_per_year), text)
            found.append(section(f"Threshold {side}", drawn, level=3))
    return found


def labels_section(labels: pd.DataFrame | None, horizon_text: str) -> Content:
    """Return the labels of the last bars over the price."""
    if labels is None or labels.empty:
        return ""
    known = labels[labels["label"].notna()]
    lead = (
        f"What is forecast: whether the price is above or below the band after {horizon_text}. The band is "
        f"±τ about the close, as wide as the volatility of the moment says. The last {LABEL_BARS} labelled "
        "bars of the vault; bars without a mark are labelled flat."
    )
    shares = known["label"].value_counts(normalize=True)
    share = ", ".join(
        f"{name} {shares.get(value, 0.0) * 100:.0f} %"
        for name, value in (("up", 1), ("flat", 0), ("down", -1))
    )
    return section(
        "Labels",
        paragraph(lead),
        chart(
            "labels-chart", label_figure(known.tail(LABEL_BARS)), "Labels and the band of τ over the price."
        ),
        paragraph(f"Over the whole vault: {share} of {len(known):,} labels.", class_="text muted"),
    )


def importance_section(importance: pd.DataFrame | None) -> Html:
    """Return what the model rests on.

    Args:
        importance: feature, level (`column` or `family`), shap_direction (mean |SHAP|, log-odds), auc_drop
            and auc_drop_error (NaN where not permuted); None: not computed.
    """
    if importance is None or importance.empty:
        return section(
            "What the model rests on",
            paragraph(
                "There is no explanation of this model yet; materialize its explanation.", class_="text muted"
            ),
        )
    lead = (
        "Mean absolute SHAP value of each column on the direction, in log-odds, and how much of the "
        "direction AUC is lost when a column or a whole family is shuffled in time. Both on rows of dev that "
        "the model was not fitted on; a whisker is one standard error."
    )
    columns = importance[importance["level"] == "column"].nlargest(IMPORTANT, "shap_direction")
    families = importance[importance["level"] == "family"].sort_values("auc_drop", ascending=False)
    permuted = columns[columns["auc_drop"].notna()].sort_values("auc_drop", ascending=False)
    drawn = [
        _bars("shap", columns, "shap_direction", "Mean |SHAP|, log-odds of up against down"),
        _bars("permutation", permuted, "auc_drop", "Direction AUC lost without the column"),
    ]
    return section(
        "What the model rests on",
        paragraph(lead),
        beside(*(one for one in drawn if one != "")),
        _bars("family", families, "auc_drop", "Direction AUC lost without a whole family"),
    )


def _bars(name: str, rows: pd.DataFrame, column: str, title: str) -> Content:
    """Return the bars of one measure; nothing where it is not known."""
    if rows.empty or rows[column].isna().all():
        return ""
    errors = rows.get(f"{column}_error")
    figure = bars_figure(
        [str(feature) for feature in rows["feature"]],
        rows[column],
        title,
        color=OTHER if name == "family" else MODEL,
        errors=errors,
    )
    return chart(f"importance-{name}-chart", figure, f"{title}.")
