"""Bars beside names, the largest first, each with the range of its error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from truebar.errors import SchemaError
from truebar.figures.picture import COLORS, INK, SOFT, Picture, document, stroke, text
from truebar.figures.scale import Scale, shown

WIDTH: Final = 640
LEFT, RIGHT, TOP, BOTTOM, ROW = 200, 30, 34, 26, 18


def bar_chart(
    title: str, names: Sequence[str], values: Sequence[float], errors: Sequence[float] | None = None
) -> Picture:
    """Return the picture of one bar a name, in the order given, from zero.

    Args:
        title: what is shown, with its unit.
        names: of the bars.
        values: as many; a missing one has no bar.
        errors: as many, standard errors; a line spans one to each side. None or missing: no line.

    Raises:
        SchemaError: when lengths differ.
    """
    sizes = np.asarray(values, dtype=np.float64)
    spans = np.full(sizes.shape, np.nan) if errors is None else np.asarray(errors, dtype=np.float64)
    if not len(names) == sizes.size == spans.size:
        raise SchemaError(
            f"{len(names)} names, {sizes.size} values and {spans.size} errors; expected as many."
        )
    reach = np.where(np.isfinite(spans), spans, 0.0)
    height = TOP + ROW * len(names) + BOTTOM
    across = Scale.over(np.concatenate([[0.0], sizes - reach, sizes + reach]), LEFT, WIDTH - RIGHT)
    elements = []
    for tick in across.ticks():
        x = across.place(tick)
        elements += [
            stroke(x, TOP, x, height - BOTTOM),
            text(x, height - 8, shown(tick), anchor="middle"),
        ]
    for row, (name, value, error) in enumerate(zip(names, sizes, spans, strict=True)):
        y = TOP + ROW * row
        elements.append(text(LEFT - 8, y + 13, name, anchor="end", color=INK))
        if np.isfinite(value):
            start, end = sorted((across.place(0.0), across.place(value)))
            where = f'x="{start:.1f}" y="{y + 3}" width="{end - start:.1f}" height="{ROW - 6}"'
            elements.append(f'<rect {where} fill="{COLORS[0] if value >= 0 else COLORS[2]}"/>')
        if np.isfinite(value) and np.isfinite(error):
            middle = y + ROW / 2
            ends = across.place(value - error), across.place(value + error)
            elements.append(stroke(ends[0], middle, ends[1], middle, SOFT, width=2.0))
    zero = across.place(0.0)
    elements.append(stroke(zero, TOP, zero, height - BOTTOM, SOFT))
    return document(title, WIDTH, height, elements)
