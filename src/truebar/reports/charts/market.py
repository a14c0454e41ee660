"""Charts over the price: what a label asks of the market, and the round trips that were made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from truebar.reports.charts.plot import (
    GAIN,
    INK,
    LOSS,
    OTHER,
    Figure,
    axis,
    band,
    dots,
    layout,
    line,
    numbers,
)
from truebar.times import nanoseconds, utc_index

PRICE_DIGITS = 6
"""Significant digits of a drawn price."""


def iso(times: Any) -> list[str]:
    """Return times as ISO texts, UTC, to the second."""
    return list(utc_index(nanoseconds(times)).strftime("%Y-%m-%dT%H:%M:%S"))


def prices(values: Any) -> list[float | None]:
    """Return prices with as many digits as a drawing shows; null where there is none."""
    known = np.asarray(values, dtype=np.float64)
    positive = known[np.isfinite(known) & (known > 0)]
    if positive.size == 0:
        return [None] * known.size
    digits = PRICE_DIGITS - 1 - int(np.floor(np.log10(positive.max())))
    return numbers(known, digits)


def label_figure(labels: pd.DataFrame) -> Figure:
    """Return the price with the band of ±τ about it, and the labels up and down.

    Args:
        labels: open_time, close, tau (log return), label (-1, 0, 1, NaN), few enough bars to tell apart.
    """
    times, close = iso(labels["open_time"]), labels["close"].to_numpy(dtype=np.float64)
    tau, label = (labels[name].to_numpy(dtype=np.float64) for name in ("tau", "label"))
    shown = prices(close)
    traces = band(
        times, prices(close * np.exp(-tau)), prices(close * np.exp(tau)), OTHER, "±τ about the close"
    )
    traces.append(line("Close", times, shown, INK, 1.3, hovertemplate="%{y}"))
    for name, value, color, symbol in (
        ("Label up", 1, GAIN, "triangle-up"),
        ("Label down", -1, LOSS, "triangle-down"),
    ):
        rows = np.flatnonzero(label == value)
        x, y = [times[row] for row in rows], [shown[row] for row in rows]
        traces.append(dots(name, x, y, color, symbol=symbol, size=8, hoverinfo="skip"))
    return {"data": traces, "layout": layout(380, xaxis=axis(type="date"), yaxis=axis("Price"))}


def trade_figure(bars: pd.DataFrame, trades: pd.DataFrame) -> Figure:
    """Return the price with every given round trip from entry to exit, won or lost after costs.

    Args:
        bars: open_time, close, from the first entry to the last exit.
        trades: entry_time, exit_time, entry_price, exit_price, side, net_pnl.
    """
    traces = [line("Close", iso(bars["open_time"]), prices(bars["close"]), INK, 1.0, hovertemplate="%{y}")]
    won = trades["net_pnl"].to_numpy(dtype=np.float64) > 0
    for name, rows, color in (("Earned after costs", won, GAIN), ("Lost after costs", ~won, LOSS)):
        some = trades[rows]
        if len(some):
            x, y = _legs(iso(some["entry_time"]), iso(some["exit_time"]), some)
            traces.append(line(name, x, y, color, 2, connectgaps=False, hoverinfo="skip"))
    for side, symbol in (("long", "triangle-up"), ("short", "triangle-down")):
        rows = (trades["side"] == side).to_numpy()
        some, colors = trades[rows], np.where(won[rows], GAIN, LOSS).tolist()
        entry = dots(
            f"Entry {side}", iso(some["entry_time"]), prices(some["entry_price"]), INK, symbol=symbol, size=9
        )
        entry["marker"]["color"] = colors
        traces.append(entry | {"showlegend": False, "hovertemplate": f"{side} at %{{y}}"})
    return {"data": traces, "layout": layout(400, xaxis=axis(type="date"), yaxis=axis("Price"))}


def _legs(
    entry: Sequence[str], leave: Sequence[str], trades: pd.DataFrame
) -> tuple[list[str | None], list[float | None]]:
    """Return one broken line: from each entry to its exit, then a gap."""
    into, out = prices(trades["entry_price"]), prices(trades["exit_price"])
    x: list[str | None] = []
    y: list[float | None] = []
    for first, last, paid, got in zip(entry, leave, into, out, strict=True):
        x += [first, last, None]
        y += [paid, got, None]
    return x, y
