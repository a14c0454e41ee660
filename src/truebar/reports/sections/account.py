"""What the decisions earned: the account on the vault, its round trips, and what costs take from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from truebar.cost_sensitivity import CostPoint
from truebar.reports.catalogue import NARROW, entry_of, signed
from truebar.reports.charts.account import cost_figure, equity_figure
from truebar.reports.charts.market import trade_figure
from truebar.reports.charts.plot import chart
from truebar.reports.curve import Curve, kept_rows
from truebar.reports.inputs import ReportInputs
from truebar.reports.judgement import Judgement
from truebar.reports.markup import (
    Column,
    Content,
    Html,
    element,
    facts,
    muted,
    paragraph,
    section,
    table,
    undefined,
)
from truebar.reports.metrics import metrics_of_group, metrics_table
from truebar.reports.wording import compact
from truebar.scores.metric import Metric
from truebar.validation.significance import N_RESAMPLES
from truebar.verdict import FUNDING

READING: Final = (
    f"Intervals come from {N_RESAMPLES:,} stationary bootstrap resamples of the vault's bars, in blocks; n "
    "counts the bars, rows or round trips behind a number. – stands where there is no such value; where a "
    "number is undefined, the reason stands under it."
)
"""How to read every table of metrics."""

DRAWN_TRADES: Final = 60
"""Positions that one chart can tell apart."""


def _compared(curve: Curve) -> Html:
    """Return the end and the deepest drawdown of the account, of buying and holding, and of staying flat."""
    percent, fell = entry_of("net_return").write, float(-curve.drawdown.min())
    held: list[Content] = [undefined("no price"), undefined("no price")]
    if curve.hold_return is not None:
        held = [percent(curve.hold_return), percent(curve.hold_drawdown)]
    rows: list[list[Content]] = [
        ["This model, after costs", percent(float(curve.strategy[-1])), percent(fell)],
        ["Buy and hold, without costs", *held],
        ["Stay flat", percent(0.0), percent(0.0)],
    ]
    return table([Column(""), Column("Return over the vault", True), Column("Deepest drawdown", True)], rows)


def money_section(judgement: Judgement, curve: Curve | None) -> Html:
    """Return the account: curve beside staying flat and buying, then its numbers."""
    contents: list[Content] = [
        paragraph("A simulated account on the vault, after fees and slippage. No skill is staying flat.")
    ]
    if curve is None:
        contents.append(paragraph("The equity of this account is not computed yet.", class_="text muted"))
    else:
        description = (
            "Return of the model, of buying and holding, and of staying flat over the vault; drawdown below."
        )
        contents += [chart("equity-chart", equity_figure(curve), description), _compared(curve)]
    contents += [metrics_table(metrics_of_group(judgement, "money")), paragraph(muted(READING))]
    return section("Money", *contents)


def trades_section(trades: pd.DataFrame | None, equity: pd.DataFrame | None) -> Content:
    """Return the last round trips over the price; nothing where the account is not computed yet."""
    if trades is None or equity is None:
        return ""
    if trades.empty:
        told = "The model never traded in the vault: no forecast edge exceeded its threshold."
        return section("Trades", paragraph(told))
    chosen, bars = shown_trades(trades, equity)
    which = "All" if len(chosen) == len(trades) else f"The last {len(chosen):,} of"
    lead = (
        f"{which} {len(trades):,} positions of the vault. ▲ enters long, ▼ enters short; the line "
        "leads to the exit. Green earned after costs, red lost."
    )
    figure = trade_figure(bars, chosen)
    drawn = chart("trades-chart", figure, f"{lead} Over the price.")
    return section("Trades", _sides(trades), paragraph(lead), drawn)


def _sides(trades: pd.DataFrame) -> Html:
    """Return what each side earned, over all positions of the vault."""
    rows: list[list[Content]] = []
    for side in ("long", "short"):
        earned = trades.loc[trades["side"] == side, "net_pnl"].to_numpy(dtype=np.float64)
        won = f"{(earned > 0).mean() * 100:.1f}{NARROW}%" if earned.size else undefined("none was entered")
        rows.append([side.capitalize(), f"{earned.size:,}", won, signed(float(earned.sum()), 0)])
    columns = [
        Column("Side"),
        Column("Positions", True),
        Column("Won after costs", True),
        Column("Net result, quote currency", True),
    ]
    return table(columns, rows)


def shown_trades(trades: pd.DataFrame, equity: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the last positions that a chart can tell apart, and the bars under them, thinned if many.

    A stretch of more bars than a screen has pixels keeps the highest and the lowest close of each of them.
    """
    chosen = trades.tail(DRAWN_TRADES)
    first, last = chosen["entry_time"].iloc[0], chosen["exit_time"].max()
    inside = (equity["open_time"] >= first) & (equity["open_time"] <= last) & equity["close"].notna()
    bars = equity[inside]
    return chosen, bars.iloc[kept_rows(bars["close"].to_numpy(dtype=np.float64))] if len(bars) else bars


def _needed(metric: Metric | None) -> Content:
    if metric is None or metric.value is None:
        return undefined("not computed yet" if metric is None else metric.reason)
    meaning = "a forecast has to correlate this much with the return to pay these costs"
    return f"{signed(metric.value, 3)} ({meaning})"


def _sensitivity(points: Sequence[CostPoint]) -> list[Content]:
    """Return the chart and the table of the same decisions at other costs."""
    if not any(point.n_trades.value for point in points):
        return [paragraph("No position was taken, so other costs would have changed nothing.")]
    lead = (
        "The same decisions at other costs, recomputed through the engine. Thresholds stay those that were "
        "tuned for the configured costs, so this says what costs take, not what cheaper trading could earn."
    )
    rows: list[list[Content]] = [
        [
            f"{compact(point.multiple)} ×" + (" (configured)" if point.multiple == 1 else ""),
            f"{compact(point.round_trip_bps)} bps",
            *(
                undefined(metric.reason) if metric.value is None else entry_of(name).write(metric.value)
                for name, metric in (
                    ("net_return", point.net_return),
                    ("sharpe", point.sharpe),
                    ("n_trades", point.n_trades),
                )
            ),
        ]
        for point in points
    ]
    columns = [
        Column("Costs"),
        Column("Round trip", True),
        Column("Net return", True),
        Column("Sharpe ratio", True),
        Column("Round trips", True),
    ]
    drawn = chart("cost-chart", cost_figure(points), "Net return of the same decisions over their costs.")
    return [paragraph(lead), drawn, table(columns, rows)]


def costs_section(judgement: Judgement, inputs: ReportInputs) -> Html:
    """Return what a trade costs, what a forecast must be worth to pay for it, and what costs take."""
    funding: Content = "positions in this market neither pay nor receive it"
    if FUNDING in (*judgement.failed, *judgement.missing):
        funding = "not counted yet, although positions in this market pay or receive it"
    known = facts(
        [
            ("Fee", f"{compact(inputs.costs.fee_bps)} bps per side"),
            ("Slippage", f"{compact(inputs.costs.slippage_bps)} bps per side"),
            ("Round trip", f"{compact(inputs.costs.round_trip_bps)} bps"),
            ("Funding", funding),
            ("Break-even correlation", _needed(inputs.break_even_correlation)),
            ("Starting capital", f"{inputs.initial_capital:,.0f} in quote currency"),
        ]
    )
    drawn = _sensitivity(inputs.sensitivity) if inputs.sensitivity else []
    return section("Costs", known, element("div", *drawn))
