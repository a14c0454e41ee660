"""What holds for every account, and the plain engine again, on rough markets with funding and marks."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from truebar import backtest
from truebar.backtest.account import CASH_NOW, JOURNAL_FIELDS, STATE_FIELDS, follow
from truebar.backtest.inputs import cost_rates, market_arrays
from truebar.backtest.simulation import CHUNK_ROWS, simulate
from truebar.config import BacktestConfig
from truebar.errors import ConfigurationError, CorruptDataError

Markets = Callable[[int], pd.DataFrame]
CAPITAL = 1_000.0
ROUGH = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SEEDS = st.integers(0, 10**6)


def account_config(seed: int) -> BacktestConfig:
    """Return costs and limits that let every rule happen sooner or later."""
    rng = np.random.default_rng(seed)
    return BacktestConfig(
        initial_capital=CAPITAL,
        costs={"fee_bps": float(rng.choice([0, 5, 80])), "slippage_bps": float(rng.choice([0, 10, 90]))},
        execution={
            "maintenance_margin": float(rng.choice([0.0, 0.005, 0.2])),
            "rebalance_leverage": float(rng.choice([1.1, 1.5, 3.0])),
            "liquidation_fee_bps": float(rng.choice([0, 50])),
        },
    )


def inputs(bars: pd.DataFrame, seed: int) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
    """Return targets that stay for some bars, funding in and between them, and marks for half of them."""
    rng, rows = np.random.default_rng(seed), len(bars)
    target = np.repeat(rng.choice([-1, -0.7, 0, 0.3, 1], rows), rng.integers(1, 5))[:rows]
    times = pd.date_range(bars["open_time"].iloc[0], periods=2 * rows, freq="40min")
    funding = pd.DataFrame({"funding_time": times, "rate": rng.normal(0, 0.01, 2 * rows)})
    spread = 1 + rng.uniform(0, 0.2)
    mark = bars.iloc[:: int(rng.integers(1, 4))]
    return target, funding, mark.assign(high=mark["high"] * spread, low=mark["low"] / spread)


@given(seed=SEEDS)
@ROUGH
def test_run_ledger_adds_up_to_the_equity(random_market: Markets, seed: int) -> None:
    bars = random_market(seed)
    target, funding, mark = inputs(bars, seed)
    result = backtest.run(bars, target, account_config(seed), funding=funding, mark=mark)
    trades, change = result.trades, result.equity[-1] - CAPITAL
    turned = CAPITAL + np.abs(trades["net_pnl"]).sum()
    assert abs(trades["net_pnl"].sum() - change) <= 1e-9 * turned
    parts = trades["gross_pnl"] - trades["fees"] - trades["slippage"] - trades["funding"]
    assert parts.tolist() == pytest.approx(trades["net_pnl"].tolist(), rel=1e-9, abs=1e-7)
    assert result.fills["fee"].sum() == pytest.approx(trades["fees"].sum())
    assert result.fills["slippage_cost"].sum() == pytest.approx(trades["slippage"].sum())
    assert (trades["fees"] >= 0).all()
    assert (trades["slippage"] >= -1e-12).all()


@given(seed=SEEDS)
@ROUGH
def test_run_marked_and_funded_market_equals_the_plain_reference(
    random_market: Markets, reference: ModuleType, seed: int
) -> None:
    bars, config = random_market(seed), account_config(seed)
    target, funding, mark = inputs(bars, seed)
    result = backtest.run(bars, target, config, funding=funding, mark=mark)
    equity, fills, trips = reference.run(bars, target, config, funding, mark)
    assert result.equity == pytest.approx(equity, rel=1e-9, abs=1e-6)
    assert result.fills[["bar", "reason"]].to_numpy().tolist() == [[f["bar"], f["reason"]] for f in fills]
    assert result.trades["reason"].tolist() == [t["reason"] for t in trips]


@given(seed=SEEDS)
@ROUGH
def test_run_units_change_only_in_bars_that_trade_or_at_ruin(random_market: Markets, seed: int) -> None:
    bars = random_market(seed)
    target, funding, mark = inputs(bars, seed)
    fills = backtest.run(bars, target, account_config(seed), funding=funding, mark=mark).fills
    still = (bars["volume"] == 0) & (bars["high"] == bars["low"])
    at = bars.iloc[fills["bar"]].reset_index(drop=True)
    assert fills["open_time"].tolist() == at["open_time"].tolist()
    ordinary = fills["reason"] != "ruin"
    assert not still.iloc[fills.loc[ordinary, "bar"]].any()


@given(seed=SEEDS)
@ROUGH
def test_run_position_is_the_share_of_equity_held(random_market: Markets, seed: int) -> None:
    bars = random_market(seed)
    target, funding, mark = inputs(bars, seed)
    result = backtest.run(bars, target, account_config(seed), funding=funding, mark=mark)
    held = np.zeros(len(bars))
    for bar, units in zip(result.fills["bar"], result.fills["units"], strict=True):
        held[bar:] += units
    alive = result.equity > 0
    expected = held * bars["close"].to_numpy() / np.where(alive, result.equity, 1.0)
    # The sum of traded units is only nearly zero after an exit.
    assert result.position[alive].tolist() == pytest.approx(expected[alive].tolist(), rel=1e-6, abs=1e-9)
    assert not result.position[~alive].any()
    assert result.metrics["exposure"].value == pytest.approx(np.count_nonzero(result.position) / len(bars))


@given(seed=SEEDS, rate=st.floats(1e-6, 0.01))
@ROUGH
def test_run_funding_costs_the_long_what_the_short_receives(
    random_market: Markets, seed: int, rate: float
) -> None:
    bars = random_market(seed)
    free = BacktestConfig(initial_capital=CAPITAL, costs={"fee_bps": 0, "slippage_bps": 0})
    times = pd.date_range(bars["open_time"].iloc[0], bars["open_time"].iloc[-1], freq="8h")
    funding = pd.DataFrame({"funding_time": times, "rate": rate})
    for side in (1.0, -1.0):
        paid = backtest.run(bars, np.full(len(bars), side), free, funding=funding).trades["funding"]
        assert (paid * side >= 0).all()


@given(seed=SEEDS)
@ROUGH
def test_run_after_liquidation_holds_nothing_until_another_target(random_market: Markets, seed: int) -> None:
    bars = random_market(seed)
    target, funding, mark = inputs(bars, seed)
    result = backtest.run(bars, target, account_config(seed), funding=funding, mark=mark)
    for bar in result.fills.loc[result.fills["reason"] == "liquidation", "bar"]:
        changes = np.flatnonzero((np.diff(target) != 0) & (target[1:] != 0)) + 1
        # A target of the liquidation's own bar fills at the next open.
        later = changes[changes >= bar]
        free_from = later[0] + 1 if later.size else len(bars)
        assert not result.position[bar:free_from].any()


def test_rough_markets_reach_every_reason(random_market: Markets) -> None:
    seen: set[str] = set()
    for seed in range(80):
        bars = random_market(seed)
        target, funding, mark = inputs(bars, seed)
        result = backtest.run(bars, target, account_config(seed), funding=funding, mark=mark)
        seen |= set(result.fills["reason"]) | set(result.trades["reason"])
    assert seen == {"entry", "exit", "flip", "resize", "rebalance", "liquidation", "ruin", "open"}


@given(seed=SEEDS)
@ROUGH
def test_follow_in_pieces_equals_follow_at_once(random_market: Markets, seed: int) -> None:
    bars, config = random_market(seed), account_config(seed)
    target, funding, mark = inputs(bars, seed)
    market, rates = market_arrays(bars, funding, mark), cost_rates(config)
    cuts = np.random.default_rng(seed).integers(1, len(bars) + 1, 5)

    def account(ends: list[int]) -> list[bytes]:
        state, equity = np.zeros(STATE_FIELDS), np.zeros(len(bars))
        journal = np.zeros((4 * len(bars) + market.funding_bar.size, JOURNAL_FIELDS))
        state[CASH_NOW], first = CAPITAL, 1
        for last in ends:
            if follow(market, target, rates, state, (first, last), equity, journal) < len(bars):
                break
            first = last
        return [equity.tobytes(), journal.tobytes(), state.tobytes()]

    assert account([*sorted(cuts), len(bars)]) == account([len(bars)])


def test_simulate_journal_longer_than_its_first_room_is_whole(free: BacktestConfig) -> None:
    rows = 5 * CHUNK_ROWS
    rng = np.random.default_rng(0)
    close = 100 * np.exp(rng.normal(0, 0.001, rows).cumsum())
    bars = pd.DataFrame(
        {"open_time": pd.date_range("2025", periods=rows, freq="1h", tz="UTC"), "close": close, "volume": 1.0}
    )
    bars = bars.assign(open=close, high=close, low=close)
    target = np.where(np.arange(rows) % 2 == 0, 0.5, -0.5)
    run = simulate(market_arrays(bars, None, None), target, cost_rates(free), CAPITAL)
    # A fill in every bar but the first: more than there is room for.
    assert len(run.journal) == rows - 1 > rows // 8 + 3 * CHUNK_ROWS
    growth = 1 + target[:-2] * np.diff(close)[1:] / close[1:-1]
    assert run.equity[1:] == pytest.approx(CAPITAL * np.cumprod([1, *growth]), rel=1e-9)


@pytest.mark.parametrize("row", [0, CHUNK_ROWS - 1, CHUNK_ROWS, 2 * CHUNK_ROWS + 4])
def test_run_finds_an_impossible_value_in_any_row(path: Callable[..., pd.DataFrame], row: int) -> None:
    rows = 2 * CHUNK_ROWS + 5
    bars = path([100.0] * rows, [100.0] * rows)
    broken = bars.copy()
    broken.loc[row, "close"] = np.nan
    with pytest.raises(CorruptDataError, match="close must be a positive number: 1 of"):
        backtest.run(broken, np.zeros(rows), BacktestConfig())
    target = np.zeros(rows)
    target[row] = 1.5
    with pytest.raises(ConfigurationError, match=f"1.5 in row {row} "):
        backtest.run(bars, target, BacktestConfig())
    with pytest.raises(CorruptDataError, match="not possible"):
        simulate(market_arrays(bars, None, None), target, cost_rates(BacktestConfig()), CAPITAL)


def test_run_missing_time_in_any_row_is_refused(path: Callable[..., pd.DataFrame]) -> None:
    for row in range(4):
        bars = path([100.0] * 4, [100.0] * 4)
        bars.loc[row, "open_time"] = pd.NaT
        with pytest.raises(CorruptDataError, match="open_time is missing in 1 of 4 rows"):
            backtest.run(bars, np.zeros(4), BacktestConfig())


def test_run_without_costs_at_constant_prices_earns_nothing(path: Callable[..., pd.DataFrame]) -> None:
    free = BacktestConfig(initial_capital=CAPITAL, costs={"fee_bps": 0, "slippage_bps": 0})
    result = backtest.run(path([100.0] * 9, [100.0] * 9), [1, 1, -1, -0.5, 0, 1, -1, 0, 0], free)
    assert result.equity.tolist() == [CAPITAL] * 9
    for name in ("sharpe", "sortino", "calmar", "profit_factor"):
        assert result.metrics[name].value is None
        assert result.metrics[name].reason
    assert result.metrics["cvar"].value == 0


def test_run_constant_prices_with_costs_loses_the_costs(path: Callable[..., pd.DataFrame]) -> None:
    config = BacktestConfig(initial_capital=CAPITAL, costs={"fee_bps": 10, "slippage_bps": 0})
    result = backtest.run(path([100.0] * 4, [100.0] * 4), [1, 0, 0, 0], config)
    assert result.equity[-1] == pytest.approx(CAPITAL - 2)


def test_run_no_volume_anywhere_fills_nothing_where_prices_stand_still(
    path: Callable[..., pd.DataFrame], free: BacktestConfig
) -> None:
    still = path([100.0] * 4, [100.0] * 4, volume=[0.0] * 4)
    assert backtest.run(still, [1, 1, -1, 0], free).fills.empty
    moving = path([100, 101, 102, 103], [101, 102, 103, 104], volume=[0.0] * 4)
    assert backtest.run(moving, [1, 1, 1, 1], free).fills["bar"].tolist() == [1]


def test_run_unknown_volume_is_not_a_halt(path: Callable[..., pd.DataFrame], free: BacktestConfig) -> None:
    bars = path([100.0] * 3, [100.0] * 3, volume=[np.nan] * 3)
    assert backtest.run(bars, [1, 1, 1], free).fills["bar"].tolist() == [1]
