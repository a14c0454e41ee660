"""Charts as plotly figures written into the page: fixed names, no clock, nothing fetched."""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
from plotly.offline import get_plotlyjs

from truebar.arrays import FloatArray
from truebar.reports.curve import Curve
from truebar.reports.inputs import Calibration
from truebar.reports.markup import Html, element, join

INK: Final = "#1a2330"
SOFT: Final = "#5a6675"
GRID: Final = "#e6eaef"
STRATEGY: Final = "#1f4e79"
HOLD: Final = "#b9822b"
LOSS: Final = "#9c3325"

CONFIG: Final[dict[str, Any]] = {"displayModeBar": False, "responsive": True, "showTips": False}

PERCENT_DIGITS: Final = 4
"""Percent are drawn to a hundredth of a basis point, which keeps the page small."""


def _percent(shares: FloatArray) -> list[float | None]:
    """Return shares as percent for JSON, null where there is none."""
    rounded = np.round(np.asarray(shares, dtype=np.float64) * 100, PERCENT_DIGITS)
    return [float(value) if np.isfinite(value) else None for value in rounded]


def _line(name: str, x: list[str], y: list[float | None], **style: Any) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": y,
        "hovertemplate": "%{y:.2f} %",
        **style,
    }


def _axis(title: str, **more: Any) -> dict[str, Any]:
    return {
        "title": {"text": title, "font": {"size": 12, "color": SOFT}},
        "gridcolor": GRID,
        "zeroline": False,
        "linecolor": GRID,
        "tickfont": {"size": 12, "color": SOFT},
        "automargin": True,
        **more,
    }


def _layout(height: int, **more: Any) -> dict[str, Any]:
    return {
        "height": height,
        "margin": {"l": 56, "r": 8, "t": 34, "b": 36},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "font": {"family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "color": INK},
        "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 13}},
        "hoverlabel": {"font": {"size": 12}},
        "dragmode": False,
        **more,
    }


def equity_figure(curve: Curve) -> dict[str, Any]:
    """Return strategy, buy-and-hold and stay-flat above, the drawdown below, on one time axis."""
    times, ends = list(curve.times), [curve.times[0], curve.times[-1]]
    below = {"yaxis": "y2", "fill": "tozeroy", "fillcolor": "rgba(156,51,37,0.14)", "showlegend": False}
    hold = _percent(curve.hold)
    traces = [
        _line(
            "This model, after costs", times, _percent(curve.strategy), line={"color": STRATEGY, "width": 1.8}
        ),
        _line("Stay flat", ends, [0.0, 0.0], line={"color": SOFT, "width": 1.2, "dash": "dash"}),
        _line("Drawdown", times, _percent(curve.drawdown), line={"color": LOSS, "width": 1}, **below),
    ]
    if any(value is not None for value in hold):
        line = {"color": HOLD, "width": 1.2}
        traces.insert(1, _line("Buy and hold, without costs", times, hold, line=line, connectgaps=False))
    layout = _layout(
        480,
        hovermode="x unified",
        xaxis=_axis("", anchor="y2", type="date", fixedrange=True),
        yaxis=_axis("Return, %", domain=[0.36, 1.0], fixedrange=True),
        yaxis2=_axis("Drawdown, %", domain=[0.0, 0.27], fixedrange=True, rangemode="tozero"),
    )
    return {"data": traces, "layout": layout}


def reliability_figure(calibration: Calibration) -> dict[str, Any]:
    """Return observed against predicted shares of up bars, before and after, with the diagonal."""
    colors = {"before": HOLD, "after": STRATEGY}
    bins = calibration.reliability
    highest = min(1.0, 1.08 * max(max(one.predicted, one.observed) for one in bins))
    ends = [0.0, highest]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "perfect",
            "x": ends,
            "y": ends,
            "hoverinfo": "skip",
            "line": {"color": SOFT, "width": 1, "dash": "dash"},
        }
    ]
    for stage, color in colors.items():
        chosen = sorted((one for one in bins if one.stage == stage), key=lambda one: one.predicted)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": f"{stage} calibration",
                "x": [one.predicted for one in chosen],
                "y": [one.observed for one in chosen],
                "text": [f"{one.rows:,} rows" for one in chosen],
                "hovertemplate": "predicted %{x:.3f}, observed %{y:.3f}, %{text}",
                "line": {"color": color, "width": 1.5},
            }
        )
    x, y = _axis("Predicted probability of an up bar"), _axis("Observed share")
    layout = _layout(
        380, xaxis={**x, "range": ends, "fixedrange": True}, yaxis={**y, "range": ends, "fixedrange": True}
    )
    return {"data": traces, "layout": layout}


def _script_json(value: Any) -> str:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def chart(name: str, figure: dict[str, Any], description: str) -> Html:
    """Return the place of a chart, drawn by the library that `library` put on the page before.

    Args:
        name: id of the element, unique on the page.
        figure: data and layout.
        description: what it shows, for those who cannot see it and for paper without scripts.
    """
    drawing = (
        f"Plotly.newPlot({_script_json(name)},{_script_json(figure['data'])},"
        f"{_script_json(figure['layout'])},{_script_json(CONFIG)});"
        f"window.addEventListener('beforeprint',function(){{Plotly.Plots.resize({_script_json(name)});}});"
    )
    place = element("div", id=name, class_="chart", role="img", aria_label=description)
    without = element("noscript", element("p", description, class_="muted"))
    return join([place, without, element("script", Html(drawing))])


def library() -> Html:
    """Return plotly itself, to stand on a page exactly once."""
    return element("script", Html(get_plotlyjs()))
