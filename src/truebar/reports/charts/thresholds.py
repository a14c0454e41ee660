"""The curve of expected value: what each threshold earned out of fold on dev, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from truebar.reports.charts.plot import MODEL, OTHER, SOFT, Figure, axis, band, dots, layout, line, percent
from truebar.thresholds.values import CurvePoint, Thresholds

Side = Literal["long", "short"]


@dataclass(frozen=True)
class SideCurve:
    """Pairs tried on one side while the other side keeps its chosen threshold.

    Attributes:
        multiples: thresholds in units of C, rising.
        points: what each pair earned.
        chosen: place of the chosen threshold; None where it is not among those tried.
    """

    multiples: tuple[float, ...]
    points: tuple[CurvePoint, ...]
    chosen: int | None


def side_curve(rule: Thresholds, side: Side, cost: float) -> SideCurve:
    """Return the cut through the curve of all pairs along one side.

    Args:
        rule: the chosen thresholds with their curve.
        side: the side that varies.
        cost: C, log return, above 0.
    """
    other: Side = "short" if side == "long" else "long"
    kept = [point for point in rule.curve or () if np.isclose(getattr(point, other), getattr(rule, other))]
    kept.sort(key=lambda point: float(getattr(point, side)))
    own = [float(getattr(point, side)) for point in kept]
    chosen = [place for place, value in enumerate(own) if np.isclose(value, getattr(rule, side))]
    return SideCurve(tuple(value / cost for value in own), tuple(kept), chosen[0] if chosen else None)


def threshold_figure(curve: SideCurve, bars_per_year: float) -> Figure:
    """Return net log return a year over the threshold, in units of the cost of a round trip."""
    x = list(curve.multiples)
    score, low, high = (
        _yearly([getattr(point, name) for point in curve.points], bars_per_year)
        for name in ("score", "low", "high")
    )
    trips = [f"{point.n_trades:,} round trips" for point in curve.points]
    hover = {"text": trips, "hovertemplate": "%{x:g} C: %{y:.2f} % a year, %{text}"}
    traces = [
        *band(x, low, high, MODEL, "95 % interval"),
        line("Out of fold on dev", x, score, MODEL, 1.8, mode="lines+markers", **hover),
        line("Stay flat", [min(x), max(x)], [0, 0], SOFT, 1.2, dash="dash", hoverinfo="skip"),
    ]
    if curve.chosen is not None:
        place = curve.chosen
        traces.append(dots("Chosen", [x[place]], [score[place]], OTHER, size=11, hoverinfo="skip"))
    xaxis = axis(
        "Threshold, in costs of a round trip (C)", tickvals=x, ticktext=[f"{value:.3g}" for value in x]
    )
    return {"data": traces, "layout": layout(330, xaxis=xaxis, yaxis=axis("Net log return a year, %"))}


def _yearly(values: Sequence[float | None], bars_per_year: float) -> list[float | None]:
    """Return means per bar as percent a year."""
    return percent([float("nan") if value is None else value * bars_per_year for value in values])
