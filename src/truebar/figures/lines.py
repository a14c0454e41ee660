"""Lines over time or over numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import FloatArray
from truebar.errors import SchemaError
from truebar.figures.picture import COLORS, SOFT, Picture, document, stroke, text
from truebar.figures.scale import Scale, shown

WIDTH: Final = 640
HEIGHT: Final = 260
LEFT, RIGHT, TOP, BOTTOM = 64, 14, 46, 34
MOST_POINTS: Final = 400
"""Of a longer line every second, third … point is drawn, and its last."""


def line_chart(
    title: str,
    x: npt.ArrayLike | pd.DatetimeIndex,
    series: Mapping[str, npt.ArrayLike],
    *,
    level: float | None = None,
    dots: bool = False,
) -> Picture:
    """Return the picture of some series over the same x.

    Args:
        title: what is shown, with its unit.
        x: [n], numbers, or times in UTC.
        series: by name, float[n]; a gap stays where a value is missing.
        level: a value that is marked by a dashed line: no skill, no costs, the diagonal is not one.
        dots: draw the points and no line between them.

    Raises:
        SchemaError: when lengths differ.
    """
    times = pd.DatetimeIndex(x) if isinstance(x, pd.DatetimeIndex | pd.Series) else None
    places = _seconds(times) if times is not None else np.asarray(x, dtype=np.float64)
    values = {name: np.asarray(one, dtype=np.float64) for name, one in series.items()}
    wrong = [name for name, one in values.items() if one.shape != places.shape]
    if wrong:
        raise SchemaError(f"{', '.join(wrong)} have not the {places.size} points of x.")
    every = np.concatenate([*values.values(), [] if level is None else [level]])
    across = Scale.over(places, LEFT, WIDTH - RIGHT)
    up = Scale.over(every, HEIGHT - BOTTOM, TOP, margin=0.06)
    known = places[np.isfinite(places)]
    is_whole = bool(np.array_equal(known, np.round(known)))
    elements = [*_axes(across, up, is_time=times is not None, is_whole=is_whole)]
    if level is not None:
        y = up.place(level)
        elements.append(stroke(LEFT, y, WIDTH - RIGHT, y, SOFT).replace("/>", ' stroke-dasharray="4 3"/>'))
    chosen = _thinned(places.size)
    for (name, one), color, place in zip(values.items(), COLORS, range(len(values)), strict=False):
        elements.append(_marks(across, up, places[chosen], one[chosen], color, dots=dots))
        if len(values) > 1:
            elements.append(text(LEFT + 150 * place, 38, f"— {name}", color=color))
    return document(title, WIDTH, HEIGHT, elements)


def _seconds(times: pd.DatetimeIndex) -> FloatArray:
    """Return times as seconds since 1970."""
    return np.asarray(times.as_unit("ns").asi8, dtype=np.float64) / 1e9


def _thinned(count: int) -> npt.NDArray[np.int64]:
    """Return which points are drawn."""
    step = max(1, -(-count // MOST_POINTS))
    chosen = np.arange(0, count, step)
    return np.unique(np.append(chosen, count - 1)) if count else chosen


def _axes(across: Scale, up: Scale, *, is_time: bool, is_whole: bool) -> list[str]:
    """Return grid and values of both axes; where every x is a whole number, so is every mark."""
    elements = []
    for value in up.ticks():
        y = up.place(value)
        elements += [
            stroke(LEFT, y, WIDTH - RIGHT, y),
            text(LEFT - 6, y + 4, shown(value), anchor="end"),
        ]
    ends = [across.low + (across.high - across.low) * share for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    marks = [value for value in across.ticks() if not is_whole or value == round(value)]
    for number, value in enumerate(ends if is_time else marks):
        said = pd.Timestamp(value, unit="s").strftime("%Y-%m-%d") if is_time else shown(value)
        anchor = ("start", "middle", "middle", "middle", "end")[number] if is_time else "middle"
        elements.append(text(across.place(value), HEIGHT - 12, said, anchor=anchor))
    return elements


def _marks(across: Scale, up: Scale, x: FloatArray, y: FloatArray, color: str, *, dots: bool) -> str:
    """Return one series: runs of known points as lines, or each as a dot."""
    points = [
        None if not (np.isfinite(a) and np.isfinite(b)) else f"{across.place(a):.1f},{up.place(b):.1f}"
        for a, b in zip(x, y, strict=True)
    ]
    if dots:
        places = [point.split(",") for point in points if point]
        return "".join(f'<circle cx="{a}" cy="{b}" r="2.5" fill="{color}"/>' for a, b in places)
    runs: list[list[str]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    lines = [f'<polyline points="{" ".join(run)}"/>' for run in runs if run]
    return f'<g fill="none" stroke="{color}" stroke-width="1.5">{"".join(lines)}</g>'
