"""The search as a chart: the score of every trial, and the best so far."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from truebar.reports.charts.plot import MODEL, OTHER, SOFT, Figure, axis, dots, layout, line, numbers

TICKS: Final = 15
"""Numbers on the axis at most."""


def trials_figure(trials: pd.DataFrame) -> Figure:
    """Return score by trial; a trial that was given up shows the score it had by then.

    Args:
        trials: number, state, score (NaN where a trial gave none), ascending.
    """
    number, score = trials["number"].to_numpy(), trials["score"].to_numpy(dtype=np.float64)
    done, pruned = ((trials["state"] == state).to_numpy() for state in ("complete", "pruned"))
    reached = np.maximum.accumulate(np.where(done & np.isfinite(score), score, -np.inf))
    known = np.isfinite(reached)
    hover = {"hovertemplate": "trial %{x}: %{y:.4f}"}
    steps = {"shape": "hv", "color": MODEL, "width": 1.4}
    traces = [
        dots("Ran to its end", number[done].tolist(), numbers(score[done], 6), MODEL, size=8, **hover),
        dots(
            "Given up early", number[pruned].tolist(), numbers(score[pruned], 6), SOFT,
            size=8, symbol="x-thin-open", **hover,
        ),
        line("Best so far", number[known].tolist(), numbers(reached[known], 6), MODEL, hoverinfo="skip")
        | {"line": steps},
        line("No skill", [int(number.min()), int(number.max())], [0, 0], OTHER, 1.2, dash="dash",
             hoverinfo="skip"),
    ]  # fmt: skip
    step = max(1, -(-len(trials) // TICKS))
    xaxis = axis("Trial", tickformat="d", tick0=0, dtick=step)
    return {"data": traces, "layout": layout(310, xaxis=xaxis, yaxis=axis("Score: R² of the edge"))}
