"""The engine: literal cases, the plain reference, and the ledger's sum."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from truebar import backtest
from truebar.config import BacktestConfig
from truebar.errors import (
    ConfigurationError,
    CorruptDataError,
    SchemaError,
    TooFewRowsError,
    UnknownTimeframeError,
    WrongTimeframeError,
)

Bars = Callable[..., pd.DataFrame]


def with_costs(fee_bps: float, slippage_bps: float, **settings_: object) -> BacktestConfig:
    return BacktestConfig(
        initial_capital=1_000, costs={"fee_bps": fee_bps, "slippage_bps": slippage_bps}, **settings_
    )


def test_run_long_fills_at_the_next_open_and_marks_at_the_close(path: Bars, free: BacktestConfig) -> None:
    result = backtest.run(path([100, 110, 120, 132], [105, 115, 125, 130]), [1, 1, 0, 0], free)
    # 1000 / 110 units from the second open, sold at the fourth.
    assert result.equity.tolist() == pytest.approx([1000, 1000 * 115 / 110, 1000 * 125 / 110, 1200])
    assert result.trades[["side", "reason", "bars"]].to_numpy().tolist() == [["long", "exit", 2]]


def test_run_costs_move_the_fill_and_charge_the_traded_units(path: Bars) -> None:
    result = backtest.run(path([100, 100, 100], [100, 100, 100]), [1, 0, 0], with_costs(100, 200))
    units = 10
    cash = 1000 - units * 102 * 1.01 + units * 98 * 0.99
    assert result.equity[-1] == pytest.approx(cash)
    trade = result.trades.iloc[0]
    assert (trade["fees"], trade["slippage"]) == pytest.approx((20.0, 40.0))
    assert trade["gross_pnl"] == pytest.approx(0)


def test_run_units_stay_fixed_until_the_target_changes(path: Bars, free: BacktestConfig) -> None:
    bars = path([100, 100, 150, 150, 150], [100, 120, 150, 150, 150])
    result = backtest.run(bars, [0.5, 0.5, 0.25, 0.25, 0], free)
    assert result.fills["units"].tolist() == pytest.approx([5, 0.25 * 1250 / 150 - 5])
    assert result.fills["reason"].tolist() == ["entry", "resize"]
    assert len(result.trades) == 1


def test_run_flip_is_one_fill_and_two_round_trips(path: Bars, free: BacktestConfig) -> None:
    result = backtest.run(path([100] * 4, [100] * 4), [1, -1, -1, 0], free)
    assert result.fills["units"].tolist() == [10, -20]
    assert result.trades[["side", "reason"]].to_numpy().tolist() == [["long", "flip"], ["short", "open"]]
    assert result.metrics["n_trades"].value == 1


def test_run_halted_bar_fills_at_the_next_tradable_open(path: Bars, free: BacktestConfig) -> None:
    bars = path([100, 100, 200, 200], [100, 100, 200, 220], volume=[1.0, 0.0, 1.0, 1.0])
    result = backtest.run(bars, [1, 1, 1, 1], free)
    assert result.fills[["bar", "price"]].to_numpy().tolist() == [[2, 200]]
    assert result.equity[-1] == pytest.approx(1100)


def test_run_order_withdrawn_during_a_halt_never_fills(path: Bars, free: BacktestConfig) -> None:
    bars = path([100] * 4, [100] * 4, volume=[1.0, 0.0, 1.0, 1.0])
    assert backtest.run(bars, [1, 0, 0, 0], free).fills.empty


def test_run_zero_volume_bar_that_moved_is_tradable(path: Bars, free: BacktestConfig) -> None:
    bars = path([100, 100, 100], [100, 101, 101], volume=[1.0, 0.0, 1.0])
    assert backtest.run(bars, [1, 1, 1], free).fills["bar"].tolist() == [1]


def test_run_funding_at_the_fill_is_paid_by_who_held_until_then(path: Bars, free: BacktestConfig) -> None:
    bars = path([100, 100, 200, 200], [100, 200, 200, 200])
    funding = pd.DataFrame({"funding_time": bars["open_time"].iloc[[1, 2]], "rate": [0.5, 0.01]})
    result = backtest.run(bars, [1, 0, 0, 0], free, funding=funding)
    # At row 1 nothing is held yet; at row 2 the 10 units pay 10 * 200 * 0.01 before they are sold.
    assert result.equity.tolist() == pytest.approx([1000, 2000, 1980, 1980])
    assert result.trades["funding"].tolist() == pytest.approx([20])


def test_run_funding_uses_the_mark_and_short_receives(path: Bars, free: BacktestConfig) -> None:
    bars = path([100] * 4, [100] * 4)
    funding = pd.DataFrame({"funding_time": bars["open_time"].iloc[[2]], "rate": [0.01]})
    mark = pd.DataFrame({"open_time": bars["open_time"], "open": 110.0, "high": 111.0, "low": 99.0})
    result = backtest.run(bars, [-1, -1, -1, -1], free, funding=funding, mark=mark)
    assert result.equity[-1] == pytest.approx(1000 + 10 * 110 * 0.01)


def test_run_short_above_the_leverage_limit_is_rebalanced(path: Bars, free: BacktestConfig) -> None:
    # Short 10 at 100; at 125 equity is 750 and leverage 1250 / 750 = 1.67.
    result = backtest.run(path([100, 100, 125, 125], [100, 125, 125, 125]), [-1, -1, -1, -1], free)
    assert result.fills["reason"].tolist() == ["entry", "rebalance"]
    assert result.fills["units"].tolist() == pytest.approx([-10, 4])
    assert len(result.trades) == 1


def with_margin(config: BacktestConfig, maintenance_margin: float) -> BacktestConfig:
    execution = config.execution.model_copy(update={"maintenance_margin": maintenance_margin})
    return config.model_copy(update={"execution": execution})


@pytest.mark.parametrize("later", [[-1, -1, -1, -1], [-1, 0, 0, 0]])
def test_run_liquidation_stays_flat_while_no_new_position_is_asked_for(
    path: Bars, free: BacktestConfig, later: list[float]
) -> None:
    bars = path([100] * 6, [100, 100, 90, 80, 70, 60], high=[100, 180, 100, 100, 100, 100])
    result = backtest.run(bars, [-1, -1, *later], with_margin(free, 0.2))
    # Equity at 180 is 200 <= 20 % of 1800: closed there, less 50 bps of it.
    left = 1000 - 800 - 1800 * 0.005
    assert result.fills["reason"].tolist() == ["entry", "liquidation"]
    assert result.equity.tolist() == pytest.approx([1000, left, left, left, left, left])


def test_run_liquidation_ends_its_lock_when_the_target_changes_to_another_size(
    path: Bars, free: BacktestConfig
) -> None:
    bars = path([100] * 7, [100, 100, 100, 100, 100, 90, 90], high=[100, 180, 100, 100, 100, 100, 100])
    result = backtest.run(bars, [-1, -1, -1, -0.5, -0.5, -0.5, -0.5], with_margin(free, 0.2))
    left = 1000 - 800 - 1800 * 0.005
    assert result.fills[["bar", "reason"]].to_numpy().tolist() == [
        [1, "entry"],
        [1, "liquidation"],
        [4, "entry"],
    ]
    assert result.fills["units"].iloc[-1] == pytest.approx(-0.5 * left / 100)
    assert result.equity[-1] == pytest.approx(left * 1.05)


def test_run_liquidation_with_equity_left_enters_again_on_a_new_signal(
    path: Bars, free: BacktestConfig
) -> None:
    config = with_margin(free, 0.2)
    bars = path([100] * 8, [100] * 8, high=[100, 180, 100, 100, 100, 100, 100, 100])
    result = backtest.run(bars, [-1, -1, -1, 0, 0, -1, -1, -1], config)
    assert result.fills[["bar", "reason"]].to_numpy().tolist() == [
        [1, "entry"],
        [1, "liquidation"],
        [6, "entry"],
    ]
    assert result.equity[1] == pytest.approx(1000 - 800 - 1800 * 0.005)


def test_run_mark_price_alone_can_liquidate(path: Bars, free: BacktestConfig) -> None:
    bars = path([100] * 3, [100] * 3)
    mark = pd.DataFrame(
        {"open_time": bars["open_time"], "open": 100.0, "high": [100, 250.0, 100], "low": 100.0}
    )
    assert "liquidation" in backtest.run(bars, [-1, -1, -1], free, mark=mark).fills["reason"].tolist()
    assert backtest.run(bars, [-1, -1, -1], free).fills["reason"].tolist() == ["entry"]


def test_run_equity_gone_ends_the_run(path: Bars, free: BacktestConfig) -> None:
    result = backtest.run(path([100, 100, 100, 100], [100, 300, 100, 100]), [-1, -1, 1, 1], free)
    assert result.equity[1] < 0
    assert result.equity[1:].tolist() == [result.equity[1]] * 3
    assert result.position[1:].tolist() == [0, 0, 0]
    assert result.returns[1:].tolist() == [0, 0]
    assert result.metrics["net_return"].value < -1


@given(seed=st.integers(0, 10**6), costly=st.booleans(), funded=st.booleans(), marked=st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_run_random_market_equals_the_plain_reference(
    random_market: Callable[[int], pd.DataFrame],
    reference: ModuleType,
    seed: int,
    costly: bool,
    funded: bool,
    marked: bool,
) -> None:
    bars, rng = random_market(seed), np.random.default_rng(seed)
    rows = len(bars)
    target = np.repeat(rng.choice([-1, -0.7, 0, 0.3, 1], rows), 3)[:rows]
    config = with_costs(5, 10) if costly else with_costs(0, 0)
    times = pd.date_range(bars["open_time"].iloc[0], periods=rows, freq="150min")
    funding = pd.DataFrame({"funding_time": times, "rate": rng.normal(0, 0.01, rows)}) if funded else None
    mark = (
        bars.iloc[::2].assign(high=lambda f: f["high"] * 1.1, low=lambda f: f["low"] * 0.9)
        if marked
        else None
    )
    result = backtest.run(bars, target, config, funding=funding, mark=mark)
    equity, fills, trips = reference.run(bars, target, config, funding, mark)
    assert result.equity == pytest.approx(equity, rel=1e-9, abs=1e-6)
    assert result.fills[["bar", "reason"]].to_numpy().tolist() == [[f["bar"], f["reason"]] for f in fills]
    assert result.fills["units"].tolist() == pytest.approx([f["units"] for f in fills], rel=1e-9)
    assert result.fills["price"].tolist() == pytest.approx([f["price"] for f in fills], rel=1e-12)
    assert result.trades["reason"].tolist() == [t["reason"] for t in trips]
    assert result.trades["net_pnl"].tolist() == pytest.approx([t["net"] for t in trips], rel=1e-9, abs=1e-6)
    turned = np.abs(result.trades["net_pnl"]).sum() + 1_000
    assert abs(result.trades["net_pnl"].sum() - (result.equity[-1] - 1_000)) <= 1e-9 * turned


def test_run_random_markets_reach_every_reason(random_market: Callable[[int], pd.DataFrame]) -> None:
    seen: set[str] = set()
    for seed in range(60):
        bars, rng = random_market(seed), np.random.default_rng(seed)
        target = np.repeat(rng.choice([-1, -0.7, 0, 0.3, 1], len(bars)), 3)[: len(bars)]
        result = backtest.run(bars, target, with_costs(5, 10))
        seen |= set(result.fills["reason"]) | set(result.trades["reason"])
    assert seen >= {"entry", "exit", "flip", "resize", "rebalance", "liquidation", "open"}


@given(seed=st.integers(0, 10**6), cut=st.integers(1, 50))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_run_later_bars_never_change_earlier_equity(
    random_market: Callable[[int], pd.DataFrame], seed: int, cut: int
) -> None:
    bars = random_market(seed)
    target = np.random.default_rng(seed).uniform(-1, 1, len(bars))
    at = min(max(cut, 2), len(bars))
    part = bars.iloc[:at]
    assume(part["open_time"].diff().min() == bars["open_time"].diff().min())
    whole = backtest.run(bars, target, with_costs(5, 10)).equity
    assert backtest.run(part, target[:at], with_costs(5, 10)).equity.tolist() == whole[:at].tolist()


def test_run_times_of_another_unit_and_without_zone_are_the_same(path: Bars, free: BacktestConfig) -> None:
    bars = path([100, 110, 120], [105, 115, 125])
    naive = bars.assign(open_time=bars["open_time"].dt.tz_localize(None).astype("datetime64[ms]"))
    assert (
        backtest.run(naive, [1, 1, 1], free).equity.tolist()
        == backtest.run(bars, [1, 1, 1], free).equity.tolist()
    )


def test_run_timeframe_given_replaces_the_smallest_step(path: Bars, free: BacktestConfig) -> None:
    bars = path([100] * 3, [100] * 3)
    late = pd.DataFrame({"funding_time": bars["open_time"].iloc[[2]] + pd.Timedelta("30min"), "rate": [0.01]})
    guessed, given_ = (
        backtest.run(bars, [1, 1, 1], free, funding=late, timeframe=timeframe) for timeframe in (None, "15m")
    )
    assert (guessed.timeframe, given_.timeframe) == ("1h", "15m")
    # Funding half an hour after the last open falls into an hourly bar, and after the end of a 15m one.
    assert (guessed.equity[-1], given_.equity[-1]) == pytest.approx((990, 1000))


def test_run_bars_of_another_timeframe_raise(path: Bars, free: BacktestConfig) -> None:
    with pytest.raises(WrongTimeframeError, match="expected 15m"):
        backtest.run(path([100] * 6, [100] * 6), [0] * 6, free, timeframe="15m")


def test_run_leaves_its_arguments_alone(path: Bars, free: BacktestConfig) -> None:
    bars, target = path([100, 110, 120], [105, 115, 125]), np.array([1.0, 0.0, 0.0])
    before = bars.copy(deep=True)
    backtest.run(bars, target, free)
    pd.testing.assert_frame_equal(bars, before)
    assert target.tolist() == [1, 0, 0]


@pytest.mark.parametrize("bad", [np.nan, 1.01, -1.01, np.inf])
def test_run_target_outside_its_range_names_the_row(path: Bars, free: BacktestConfig, bad: float) -> None:
    with pytest.raises(ConfigurationError, match="row 1"):
        backtest.run(path([100] * 3, [100] * 3), [0, bad, 0], free)


def test_run_side_that_may_not_be_held_raises(path: Bars) -> None:
    with pytest.raises(ConfigurationError, match="long_only"):
        backtest.run(path([100] * 3, [100] * 3), [0, -1, 0], with_costs(0, 0, position_mode="long_only"))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda b: b.iloc[::-1], CorruptDataError),
        (lambda b: b.iloc[[0, 0, 1, 2]], CorruptDataError),
        (lambda b: b.assign(open=[100.0, 0.0, 100.0]), CorruptDataError),
        (lambda b: b.assign(close=[100.0, np.nan, 100.0]), CorruptDataError),
        (lambda b: b.assign(low=-1.0), CorruptDataError),
        (lambda b: b.assign(high=np.inf), CorruptDataError),
        (lambda b: b.assign(close=101.0), CorruptDataError),  # above the high
        (lambda b: b.assign(open_time=[b["open_time"][0], pd.NaT, b["open_time"][2]]), CorruptDataError),
        (lambda b: b.assign(close=["a", "b", "c"]), SchemaError),
        (lambda b: b.assign(open_time=[0, 1, 2]), SchemaError),
        (lambda b: b.drop(columns="volume"), SchemaError),
        (lambda b: b.drop(columns="open_time"), SchemaError),
        (lambda b: b.iloc[:1], TooFewRowsError),
        (lambda b: b.iloc[:0], TooFewRowsError),
        (
            lambda b: b.assign(open_time=pd.date_range("2025", periods=3, freq="7min", tz="UTC")),
            UnknownTimeframeError,
        ),
    ],
)
def test_run_bad_bars_raise(path: Bars, free: BacktestConfig, change: Bars, error: type[Exception]) -> None:
    bars = change(path([100] * 3, [100] * 3))
    with pytest.raises(error):
        backtest.run(bars, np.zeros(len(bars)), free)


BAD_FUNDING = [
    ([0, 1], [0.1, np.nan], CorruptDataError),
    ([0, 1], [0.1, np.inf], CorruptDataError),
    ([1, 0], [0.1, 0.1], CorruptDataError),
    ([0, 0], [0.1, 0.1], CorruptDataError),
]


@pytest.mark.parametrize(("rows", "rates", "error"), BAD_FUNDING)
def test_run_bad_funding_raises(
    path: Bars, free: BacktestConfig, rows: list[int], rates: list[float], error: type[Exception]
) -> None:
    bars = path([100] * 3, [100] * 3)
    funding = pd.DataFrame({"funding_time": bars["open_time"].iloc[rows].to_numpy(), "rate": rates})
    with pytest.raises(error):
        backtest.run(bars, [1, 1, 1], free, funding=funding)


def test_run_bad_marks_raise_and_unusable_ones_give_way_to_trade_prices(
    path: Bars, free: BacktestConfig
) -> None:
    bars = path([100] * 3, [100] * 3)
    mark = bars[["open_time", "open", "high", "low"]]
    with pytest.raises(CorruptDataError, match="mark"):
        backtest.run(bars, [1, 1, 1], free, mark=mark.iloc[::-1])
    with pytest.raises(SchemaError, match="mark has no column open_time"):
        backtest.run(bars, [1, 1, 1], free, mark=mark.drop(columns="open_time"))
    unusable = mark.assign(low=[0.0, -5.0, np.nan])
    assert backtest.run(bars, [1, 1, 1], free, mark=unusable).fills["reason"].tolist() == ["entry"]


def test_run_other_length_raises(path: Bars, free: BacktestConfig) -> None:
    with pytest.raises(SchemaError, match="target_position"):
        backtest.run(path([100] * 3, [100] * 3), [0, 0], free)
