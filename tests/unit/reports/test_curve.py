from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar.backtest.metrics import drawdown
from truebar.reports.charts.account import equity_figure
from truebar.reports.curve import curve_of, hold_returns, kept_rows


def walk(seed: int, bars: int) -> np.ndarray:
    return 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, bars)))


@given(seed=st.integers(0, 1_000), bars=st.integers(1, 9_000))
@settings(max_examples=25, deadline=None)
def test_kept_rows_any_walk_keeps_ends_extremes_and_deepest_drawdown(seed: int, bars: int) -> None:
    equity = walk(seed, bars)
    rows = kept_rows(equity)

    assert rows.size <= 1_204
    assert np.all(np.diff(rows) > 0)
    assert {0, bars - 1, int(equity.argmin()), int(equity.argmax()), int(drawdown(equity).argmax())} <= set(
        rows.tolist()
    )


def test_curve_of_hand_computed_account_gives_returns_and_drawdowns() -> None:
    frame = pd.DataFrame(
        {
            "open_time": pd.date_range("2024-01-01", periods=4, freq="h"),
            "equity": [100.0, 120.0, 90.0, 110.0],
            "close": [np.nan, 50.0, 25.0, 60.0],
        }
    )
    curve = curve_of(frame, 100.0)

    assert curve.times[0] == "2024-01-01T00:00:00"
    assert curve.strategy.tolist() == pytest.approx([0.0, 0.2, -0.1, 0.1])
    assert curve.drawdown.tolist() == pytest.approx([0.0, 0.0, -0.25, -1 / 12])
    assert curve.hold[1:].tolist() == pytest.approx([0.0, -0.5, 0.2])
    assert np.isnan(curve.hold[0])
    assert curve.hold_return == pytest.approx(0.2)
    assert curve.hold_drawdown == pytest.approx(0.5)


def test_curve_of_long_record_takes_price_drawdown_from_every_bar() -> None:
    close = np.full(5_000, 100.0)
    close[2_501] = 40.0
    frame = pd.DataFrame(
        {
            "open_time": pd.date_range("2024-01-01", periods=5_000, freq="min", tz="UTC"),
            "equity": np.linspace(1.0, 2.0, 5_000),
            "close": close,
        }
    )

    assert curve_of(frame, 1.0).hold_drawdown == pytest.approx(0.6)


def test_hold_returns_without_any_price_are_missing() -> None:
    assert np.isnan(hold_returns(np.array([np.nan, np.nan]))).all()


def test_equity_figure_is_a_valid_plotly_figure_without_nan(equity: pd.DataFrame) -> None:
    figure = equity_figure(curve_of(equity, 100_000.0))
    hold = figure["data"][1]["y"]

    assert len(go.Figure(figure).data) == 4
    assert all(value is None or np.isfinite(value) for value in hold)


def test_equity_figure_without_prices_leaves_buy_and_hold_out(equity: pd.DataFrame) -> None:
    figure = equity_figure(curve_of(equity.assign(close=np.nan), 100_000.0))

    assert [trace["name"] for trace in figure["data"]] == ["This model, after costs", "Stay flat", "Drawdown"]


def test_kept_rows_deepest_drawdown_that_is_no_extreme_of_its_bucket_is_kept() -> None:
    equity = np.full(6_000, 100.0)
    equity[:10] = [9.0, 9.0, 10.0, 500.0, 12.0, 400.0, 500.0, 450.0, 500.0, 450.0]

    assert drawdown(equity).argmax() == 4
    assert 4 in kept_rows(equity)
