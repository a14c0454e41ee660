"""What the model rests on: the columns that matter most, by two measures."""

from __future__ import annotations

from textwrap import wrap
from typing import Final

import numpy as np
import pandas as pd

from truebar.reports.charts.plot import MODEL, OTHER, Figure, axis, layout, numbers

TITLE_CHARACTERS: Final = 28
"""Of one line of an axis title: what fits beside names on a narrow screen."""


def bars_figure(
    names: list[str], values: pd.Series, title: str, *, color: str = MODEL, errors: pd.Series | None = None
) -> Figure:
    """Return horizontal bars, the first on top.

    Args:
        names: what each bar stands for.
        values: one for each name.
        title: of the axis, with its unit.
        color: of the bars.
        errors: standard error of each value; None: none known.
    """
    trace: Figure = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": numbers(values.to_numpy(dtype=np.float64), 6),
        "marker": {"color": color},
        "hovertemplate": "%{y}: %{x}",
        "showlegend": False,
    }
    if errors is not None:
        spread = numbers(errors.to_numpy(dtype=np.float64), 6)
        trace["error_x"] = {"type": "data", "array": spread, "color": OTHER, "thickness": 1.2, "width": 3}
    wrapped = "<br>".join(wrap(title, TITLE_CHARACTERS))
    yaxis = axis(categoryorder="array", categoryarray=names[::-1], type="category")
    height = 104 + 21 * len(names)
    return {"data": [trace], "layout": layout(height, xaxis=axis(wrapped), yaxis=yaxis, bargap=0.3)}
