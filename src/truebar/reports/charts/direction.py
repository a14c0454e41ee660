"""Charts of direction: ROC and precision over recall, each with the line of no skill."""

from __future__ import annotations

from typing import Final

from truebar.reports.charts.plot import MODEL, SOFT, Figure, axis, layout, line, numbers
from truebar.scores.curves import DirectionCurves

_HEIGHT: Final = 360

LEAST_CALLED: Final = 30
"""Rows called up from which on a precision is drawn."""


def roc_figure(curves: DirectionCurves) -> Figure:
    """Return the ROC curve of up against down."""
    hover = {"hovertemplate": "%{y:.3f} of ups at %{x:.3f} of downs"}
    traces = [
        line("This model", numbers(curves.false_alarms), numbers(curves.hits), MODEL, 1.8, **hover),
        line("No skill", [0, 1], [0, 1], SOFT, 1.2, dash="dash", hoverinfo="skip"),
    ]
    x, y = (axis(f"Share of {name} called up", range=[0, 1]) for name in ("downs", "ups"))
    return {"data": traces, "layout": layout(_HEIGHT, xaxis=x, yaxis=y)}


def precision_figure(curves: DirectionCurves) -> Figure:
    """Return precision over recall of calling up; no skill is the share of ups."""
    hover = {"hovertemplate": "%{y:.3f} right at %{x:.3f} of ups"}
    # Of very few rows any share may be right; the curve begins where it says something.
    found = curves.recall * curves.up_share * curves.rows
    told = found >= LEAST_CALLED * curves.precision
    recall, precision = curves.recall[told], curves.precision[told]
    traces = [
        line("This model", numbers(recall), numbers(precision), MODEL, 1.8, **hover),
        line("No skill", [0, 1], [curves.up_share] * 2, SOFT, 1.2, dash="dash", hoverinfo="skip"),
    ]
    low, high = (
        min(precision.min(initial=1.0), curves.up_share),
        max(precision.max(initial=0.0), curves.up_share),
    )
    x = axis("Share of ups called up (recall)", range=[0, 1])
    y = axis(
        "Share of up calls that were up (precision)", range=[max(0.0, low - 0.05), min(1.0, high + 0.05)]
    )
    return {"data": traces, "layout": layout(_HEIGHT, xaxis=x, yaxis=y)}
