"""What all charts share: colours, axes, lines, and the way onto the page; fixed names, nothing fetched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from plotly.offline import get_plotlyjs

from truebar.reports.markup import Html, element, join

Figure: TypeAlias = dict[str, Any]

INK: Final = "#1a2330"
SOFT: Final = "#5a6675"
GRID: Final = "#e6eaef"
MODEL: Final = "#1f4e79"
MODEL_PALE: Final = "#c3d3e3"
OTHER: Final = "#b9822b"
GAIN: Final = "#17694a"
LOSS: Final = "#9c3325"

CONFIG: Final[dict[str, Any]] = {"displayModeBar": False, "responsive": True, "showTips": False}

HEIGHT_PIXELS: Final = 340


def pale(color: str, opacity: float = 0.14) -> str:
    """Return a colour of the palette that lets what is behind it through.

    >>> pale("#9c3325")
    'rgba(156,51,37,0.14)'
    """
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def numbers(values: npt.ArrayLike, digits: int = 4) -> list[float | None]:
    """Return numbers for JSON, rounded to keep the page small; null where there is none."""
    rounded = np.round(np.asarray(values, dtype=np.float64), digits)
    return [float(value) if np.isfinite(value) else None for value in rounded]


def percent(shares: npt.ArrayLike, digits: int = 4) -> list[float | None]:
    """Return shares as percent for JSON, to a hundredth of a basis point."""
    return numbers(np.asarray(shares, dtype=np.float64) * 100, digits)


def line(
    name: str, x: Sequence[Any], y: Sequence[Any], color: str, width: float = 1.6, **more: Any
) -> Figure:
    """Return one line; `dash` in `more` goes to the line, everything else to the trace."""
    style: Figure = {"color": color, "width": width}
    if "dash" in more:
        style["dash"] = more.pop("dash")
    return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "line": style, **more}


def dots(name: str, x: Sequence[Any], y: Sequence[Any], color: str, **more: Any) -> Figure:
    """Return markers; `symbol` and `size` in `more` go to the marker, everything else to the trace."""
    marker: Figure = {"color": color, "size": more.pop("size", 7), "symbol": more.pop("symbol", "circle")}
    return {"type": "scatter", "mode": "markers", "name": name, "x": x, "y": y, "marker": marker, **more}


def band(x: Sequence[Any], low: Sequence[Any], high: Sequence[Any], color: str, name: str) -> list[Figure]:
    """Return the area between two lines, in two traces without a place in the legend but the second's."""
    hidden: Figure = {"hoverinfo": "skip", "legendgroup": name}
    edge: Figure = line(name, x, low, color, 0, showlegend=False, **hidden)
    return [edge, line(name, x, high, color, 0, fill="tonexty", fillcolor=pale(color), **hidden)]


def axis(title: str = "", **more: Any) -> Figure:
    """Return an axis in the page's style, without zoom: a page is read, not operated."""
    return {
        "title": {"text": title, "font": {"size": 12, "color": SOFT}},
        "gridcolor": GRID,
        "zeroline": False,
        "linecolor": GRID,
        "tickfont": {"size": 12, "color": SOFT},
        "automargin": True,
        "fixedrange": True,
        **more,
    }


def layout(height: int = HEIGHT_PIXELS, **more: Any) -> Figure:
    """Return a layout in the page's style."""
    return {
        "height": height,
        "margin": {"l": 56, "r": 10, "t": 34, "b": 40},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "font": {"family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "color": INK},
        "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12.5}},
        "hoverlabel": {"font": {"size": 12}},
        "dragmode": False,
        **more,
    }


def _script_json(value: Any) -> str:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def chart(name: str, figure: Figure, description: str) -> Html:
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
    return element("div", join([place, without, element("script", Html(drawing))]), class_="drawn")


def library() -> Html:
    """Return plotly itself, to stand on a page exactly once."""
    return element("script", Html(get_plotlyjs()))
