"""Charts of the account: equity beside staying flat and buying, and what costs take from it."""

from __future__ import annotations

from collections.abc import Sequence

from truebar.cost_sensitivity import CostPoint
from truebar.reports.charts.plot import (
    LOSS,
    MODEL,
    OTHER,
    SOFT,
    Figure,
    axis,
    dots,
    layout,
    line,
    numbers,
    pale,
    percent,
)
from truebar.reports.curve import Curve


def equity_figure(curve: Curve) -> Figure:
    """Return strategy, buy-and-hold and stay-flat above, the drawdown below, on one time axis."""
    times, ends = list(curve.times), [curve.times[0], curve.times[-1]]
    hover = {"hovertemplate": "%{y:.2f} %"}
    below = {"yaxis": "y2", "fill": "tozeroy", "fillcolor": pale(LOSS), "showlegend": False, **hover}
    hold = percent(curve.hold)
    fallen: Figure = {"rangemode": "tozero"} if curve.drawdown.min() < 0 else {"range": [-1, 0]}
    traces = [
        line("This model, after costs", times, percent(curve.strategy), MODEL, 1.8, **hover),
        line("Stay flat", ends, [0.0, 0.0], SOFT, 1.2, dash="dash", **hover),
        line("Drawdown", times, percent(curve.drawdown), LOSS, 1, **below),
    ]
    if any(value is not None for value in hold):
        bought = line("Buy and hold, without costs", times, hold, OTHER, 1.2, connectgaps=False, **hover)
        traces.insert(1, bought)
    return {
        "data": traces,
        "layout": layout(
            470,
            hovermode="x unified",
            xaxis=axis(anchor="y2", type="date"),
            yaxis=axis("Return, %", domain=[0.36, 1.0]),
            yaxis2=axis("Drawdown, %", domain=[0.0, 0.27], **fallen),
        ),
    }


def cost_figure(points: Sequence[CostPoint]) -> Figure:
    """Return the net return of the same decisions over the cost of a round trip."""
    x, y = [point.round_trip_bps for point in points], [point.net_return.value for point in points]
    shown = percent([float("nan") if value is None else value for value in y])
    hover = {"hovertemplate": "%{x:g} bps: %{y:.2f} %"}
    configured = [place for place, point in enumerate(points) if point.multiple == 1]
    traces = [
        line("Same decisions, other costs", x, shown, MODEL, 1.8, mode="lines+markers", **hover),
        line("Stay flat", [min(x), max(x)], [0.0, 0.0], SOFT, 1.2, dash="dash", hoverinfo="skip"),
        dots(
            "Configured costs",
            numbers([x[place] for place in configured]),
            [shown[place] for place in configured],
            OTHER,
            size=11,
            **hover,
        ),
    ]
    xaxis, yaxis = axis("Cost of a round trip, bps", rangemode="tozero"), axis("Net return, %")
    return {"data": traces, "layout": layout(300, xaxis=xaxis, yaxis=yaxis)}
