from __future__ import annotations

import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from truebar.cost_sensitivity import CostPoint
from truebar.reports import Calibration, ReportInputs, Search, Slices
from truebar.reports.charts.account import cost_figure
from truebar.reports.charts.calibration import reliability_figure
from truebar.reports.charts.direction import precision_figure, roc_figure
from truebar.reports.charts.importance import bars_figure
from truebar.reports.charts.market import label_figure, prices, trade_figure
from truebar.reports.charts.study import trials_figure
from truebar.reports.charts.thresholds import side_curve, threshold_figure
from truebar.reports.charts.timeline import timeline_figure
from truebar.reports.sections.account import DRAWN_TRADES, shown_trades
from truebar.reports.sections.model import importance_section
from truebar.scores.curves import DirectionCurves
from truebar.thresholds.values import Thresholds


def traces(figure: dict) -> dict[str, dict]:
    """The traces by name, after plotly itself has checked the figure and JSON has taken it."""
    assert len(go.Figure(figure).data) == len(figure["data"])
    json.dumps(figure, allow_nan=False)
    return {trace["name"]: trace for trace in figure["data"] if "name" in trace}


def test_reliability_figure_draws_both_stages_about_the_diagonal(calibration: Calibration) -> None:
    found = traces(reliability_figure(calibration.before["up"], calibration.after["up"]))

    assert found["Before"]["x"] == found["After"]["x"] == [0.2, 0.4]
    assert found["Perfect"]["x"] == found["Perfect"]["y"]


def test_direction_figures_draw_no_skill(direction: DirectionCurves) -> None:
    assert traces(roc_figure(direction))["No skill"]["y"] == [0, 1]
    assert traces(precision_figure(direction))["No skill"]["y"] == [direction.up_share] * 2


def test_side_curve_varies_one_side_and_keeps_the_other_as_chosen(thresholds: Thresholds) -> None:
    long, short = (side_curve(thresholds, side, 0.003) for side in ("long", "short"))

    assert long.multiples == pytest.approx((1, 2, 3))
    assert [point.short for point in long.points] == [0.003] * 3
    assert long.chosen == 1
    assert [point.long for point in short.points] == [0.006] * 3
    assert short.chosen == 0


def test_threshold_figure_is_yearly_percent_with_its_interval(thresholds: Thresholds) -> None:
    found = traces(threshold_figure(side_curve(thresholds, "long", 0.003), 8_760.0))

    assert found["Out of fold on dev"]["y"] == pytest.approx([0.0, 2.628, 5.256])
    assert found["95 % interval"]["y"] == pytest.approx([3.504] * 3)
    assert found["Chosen"]["x"] == [2.0]


def test_threshold_figure_pair_without_a_score_is_a_gap(thresholds: Thresholds) -> None:
    lost = thresholds.curve[0].model_copy(update={"score": None, "low": None, "high": None})  # type: ignore[index]
    rule = thresholds.model_copy(update={"curve": (lost, *thresholds.curve[1:])})  # type: ignore[index]
    found = traces(threshold_figure(side_curve(rule, "long", 0.003), 8_760.0))

    assert found["Out of fold on dev"]["y"][0] is None


def test_prices_keep_six_digits_whatever_their_size() -> None:
    assert prices([64123.456789, np.nan]) == [64123.5, None]
    assert prices([0.000012345678]) == [0.0000123457]
    assert prices([np.nan]) == [None]


def test_label_figure_puts_marks_where_labels_are_and_the_band_about_the_close(labels: pd.DataFrame) -> None:
    some = labels.iloc[200:300]
    found = traces(label_figure(some))

    assert len(found["Label up"]["x"]) == int((some["label"] == 1).sum()) > 0
    assert len(found["Label down"]["x"]) == int((some["label"] == -1).sum()) > 0
    upper = found["±τ about the close"]["y"]
    assert upper[0] == pytest.approx(some["close"].iloc[0] * np.exp(0.02), rel=1e-5)


def test_shown_trades_are_the_last_ones_and_their_bars(equity: pd.DataFrame, trades: pd.DataFrame) -> None:
    chosen, bars = shown_trades(trades, equity)

    assert len(chosen) == DRAWN_TRADES == 60
    assert chosen["exit_time"].iloc[-1] == trades["exit_time"].iloc[-1]
    assert bars["open_time"].iloc[0] == chosen["entry_time"].iloc[0]
    assert bars["open_time"].iloc[-1] == chosen["exit_time"].iloc[-1]
    drawn = equity[equity["open_time"].between(bars["open_time"].iloc[0], bars["open_time"].iloc[-1])]
    assert len(bars) < len(drawn)
    assert bars["close"].max() == drawn["close"].max()
    assert bars["close"].min() == drawn["close"].min()


def test_trade_figure_colours_each_round_trip_by_what_it_earned(
    equity: pd.DataFrame, trades: pd.DataFrame
) -> None:
    chosen, bars = shown_trades(trades, equity)
    found = traces(trade_figure(bars, chosen))
    won = int((chosen["net_pnl"] > 0).sum())

    assert len(found["Earned after costs"]["x"]) == 3 * won
    assert len(found["Lost after costs"]["x"]) == 3 * (len(chosen) - won)
    assert len(found["Entry long"]["x"]) + len(found["Entry short"]["x"]) == len(chosen)


def test_trials_figure_best_so_far_counts_finished_trials_only(search: Search) -> None:
    found = traces(trials_figure(search.trials))

    assert found["Best so far"]["y"] == [-0.01, -0.01, 0.004, 0.004]
    assert found["Given up early"]["x"] == [1]


def test_timeline_figure_has_one_row_a_step_and_bars_of_their_length(slices: Slices) -> None:
    figure = timeline_figure(slices.spans)
    found = traces(figure)

    assert figure["layout"]["yaxis"]["categoryarray"] == ["Judged", "Fold 2", "Fold 1"]
    assert found["Vault: judged, never fitted on"]["x"] == [158 * 86_400_000.0]
    assert found["Vault: judged, never fitted on"]["base"] == ["2019-04-27T00:00:00"]


def test_cost_figure_marks_the_configured_costs(sensitivity: tuple[CostPoint, ...]) -> None:
    found = traces(cost_figure(sensitivity))

    assert found["Same decisions, other costs"]["x"] == [0.0, 30.0, 60.0]
    assert found["Configured costs"]["x"] == [30.0]
    assert found["Configured costs"]["y"] == [-3.12]


def test_importance_figure_has_the_first_on_top(importance: pd.DataFrame) -> None:
    figure = bars_figure(["a", "b"], importance["shap_direction"].head(2), "title")
    traces(figure)

    assert figure["layout"]["yaxis"]["categoryarray"] == ["b", "a"]
    assert figure["data"][0]["x"] == [0.05, 0.11]


def test_importance_charts_stand_in_the_order_of_what_they_show(inputs: ReportInputs) -> None:
    page = importance_section(inputs.importance).text
    assert page.index('"\\u003ctaker\\u003e","return_4"') > 0
