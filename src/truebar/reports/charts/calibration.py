"""The reliability diagram: observed shares over predicted probabilities, before and after calibration."""

from __future__ import annotations

from collections.abc import Sequence

from truebar.reports.charts.plot import MODEL, OTHER, SOFT, Figure, axis, layout, line, numbers
from truebar.scores.reliability import ReliabilityBin


def reliability_figure(before: Sequence[ReliabilityBin], after: Sequence[ReliabilityBin]) -> Figure:
    """Return the diagram of one class, with the diagonal of perfect probabilities.

    Args:
        before: bins of the raw probabilities; none where they were not calibrated.
        after: bins of those that decide.
    """
    every = [*before, *after]
    highest = min(1.0, 1.08 * max(max(one.predicted, one.observed) for one in every))
    ends = [0.0, highest]
    traces = [line("Perfect", ends, ends, SOFT, 1.2, dash="dash", hoverinfo="skip")]
    pairs = [("Before", before, OTHER), ("After", after, MODEL)] if before else [("Raw", after, MODEL)]
    for name, bins, color in pairs:
        traces.append(
            line(
                name,
                numbers([one.predicted for one in bins]),
                numbers([one.observed for one in bins]),
                color,
                1.5,
                mode="lines+markers",
                text=[f"{one.rows:,} rows" for one in bins],
                hovertemplate="said %{x:.3f}, came %{y:.3f}, %{text}",
            )
        )
    x, y = axis("Predicted probability", range=ends), axis("Observed share", range=ends)
    return {"data": traces, "layout": layout(320, xaxis=x, yaxis=y)}
