"""The timeline of slices: who used which bars, one row for each fold and bundle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from truebar.reports.charts.market import iso
from truebar.reports.charts.plot import MODEL, MODEL_PALE, OTHER, Figure, axis, layout
from truebar.reports.timeline import Span, Use

COLORS: Final[dict[Use, str]] = {"fitted": MODEL_PALE, "left out": MODEL, "vault": OTHER}
NAMES: Final[dict[Use, str]] = {
    "fitted": "Fitted on",
    "left out": "Left out, predicted",
    "vault": "Vault: judged, never fitted on",
}


def timeline_figure(spans: Sequence[Span]) -> Figure:
    """Return the spans as bars over time; what is white between two bars of a row was purged."""
    steps = list(dict.fromkeys(span.step for span in spans))
    traces = [_bars(use, [span for span in spans if span.use == use]) for use in COLORS]
    yaxis = axis(categoryorder="array", categoryarray=steps[::-1], type="category")
    return {
        "data": [trace for trace in traces if trace["y"]],
        "layout": layout(
            90 + 30 * len(steps),
            barmode="overlay",
            bargap=0.35,
            xaxis=axis(type="date"),
            yaxis=yaxis,
        ),
    }


def _bars(use: Use, spans: Sequence[Span]) -> Figure:
    return {
        "type": "bar",
        "orientation": "h",
        "name": NAMES[use],
        "y": [span.step for span in spans],
        "base": iso([span.start for span in spans]) if spans else [],
        "x": [(span.end - span.start).total_seconds() * 1_000 for span in spans],
        "text": [f"{span.rows:,} rows, {span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}" for span in spans],
        "textposition": "none",
        "hovertemplate": "%{y}: %{text}",
        "marker": {"color": COLORS[use]},
    }
