"""From probabilities to an account, against the rules written out bar by bar in plain Python."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.bars import bars_of
from tests.unit.models.bundles import recipe_of
from truebar import backtest
from truebar.config import BacktestConfig, CostsConfig, SizingConfig
from truebar.decision import FixedRule
from truebar.errors import CorruptDataError, WrongTimeframeError
from truebar.evaluation import on_bars, targets, trade
from truebar.models.bundle import DevFacts
from truebar.models.recipe import Recipe
from truebar.thresholds import at_cost

ROWS = 1_500
BARS_A_YEAR_OF_15M = 365 * 96
FACTS = DevFacts(
    edge_scale=1.8, class_second_moments=(4.0, 0.2, 4.1), share_up=0.5, class_shares=(0.1, 0.8, 0.1)
)
STEEP = DevFacts(
    edge_scale=0.7, class_second_moments=(9.0, 0.5, 2.0), share_up=0.5, class_shares=(0.1, 0.8, 0.1)
)


def account(rows: int, timeframe: str) -> Any:
    times = pd.date_range("2025-01-01", periods=rows, freq="1h", tz="UTC")
    prices = dict.fromkeys(("open", "high", "low", "close"), 100.0)
    return trade(
        pd.DataFrame({"open_time": times, **prices, "volume": 1.0}),
        np.tile([0.1, 0.1, 0.8], (rows, 1)),
        sigma=np.full(rows, 0.01),
        tau=np.full(rows, 0.02),
        facts=FACTS,
        rule=at_cost(BacktestConfig()),
        recipe=recipe_of(("a",)),
        timeframe=timeframe,
    )


def market(seed: int = 5) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Bars of 15m, and probabilities, sigma and tau that wander widely; some rows hold no prediction."""
    rng = np.random.default_rng(seed)
    bars = bars_of(100 * np.exp(0.004 * rng.normal(size=ROWS).cumsum()), step="15min")
    odds = np.exp(rng.normal(size=(ROWS, 3)))
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    probabilities[rng.random(ROWS) < 0.02] = np.nan
    sigma, tau = rng.uniform(0.0005, 0.004, (2, ROWS))
    sigma[rng.random(ROWS) < 0.02] = np.nan
    return bars, {"probabilities": probabilities, "sigma": sigma, "tau": 3 * tau}


def recipe_with(mode: str, *, kelly: bool) -> Recipe:
    """A recipe that holds these sides, with sizes below and at their bound, at half the usual costs."""
    config = BacktestConfig(
        position_mode=mode,
        costs=CostsConfig(fee_bps=2.0, slippage_bps=3.0),
        sizing=SizingConfig(q_max=0.6, sigma_target=0.2, kelly=kelly, kelly_fraction=0.02),
    )
    return recipe_of(("a",)).model_copy(update={"backtest": config})


def size_by_hand(
    row: int, edge: float, data: dict[str, np.ndarray], facts: DevFacts, recipe: Recipe
) -> float:
    """q of METHOD §3 at one row; 0 where there is none."""
    sizing, costs = recipe.backtest.sizing, recipe.backtest.costs
    if math.isnan(data["sigma"][row]):
        return 0.0
    size = min(sizing.q_max, sizing.sigma_target / (data["sigma"][row] * math.sqrt(BARS_A_YEAR_OF_15M)))
    if not sizing.kelly:
        return size
    cost = 2 * (costs.fee_bps + costs.slippage_bps) / 10_000
    shares = data["probabilities"][row]
    moment = sum(p * q for p, q in zip(shares, facts.class_second_moments, strict=True))
    gain = max(0.0, abs(edge) - cost)
    return min(size, sizing.kelly_fraction * gain / (data["tau"][row] ** 2 * moment))


def by_hand(data: dict[str, np.ndarray], facts: DevFacts, rule: FixedRule, recipe: Recipe) -> list[float]:
    """Edge, decision and size of METHOD §3, one bar after the other."""
    mode, held, found = recipe.backtest.position_mode, 0.0, []
    for row, (down, _, up) in enumerate(data["probabilities"]):
        edge = (up - down) * facts.edge_scale * data["tau"][row]
        wants_long = mode != "short_only" and edge > rule.long
        wants_short = mode != "long_only" and -edge > rule.short
        side = 1 if wants_long else -1 if wants_short else 0
        if math.isnan(edge):
            held = 0.0
        elif side and side * held <= 0:
            held = side * size_by_hand(row, edge, data, facts, recipe)
        elif held and math.copysign(1, held) * edge < rule.exit:
            held = 0.0
        found.append(held)
    return found


@pytest.mark.parametrize("facts", [FACTS, STEEP])
@pytest.mark.parametrize("kelly", [False, True])
@pytest.mark.parametrize("mode", ["long_short", "long_only", "short_only"])
@pytest.mark.parametrize("rule", [FixedRule(0.001, 0.001), FixedRule(0.002, 0.0005, 0.0003)])
def test_trade_is_edge_decision_size_and_engine_put_together(
    mode: str, kelly: bool, facts: DevFacts, rule: FixedRule
) -> None:
    bars, data = market()
    recipe = recipe_with(mode, kelly=kelly)
    expected = np.array(by_hand(data, facts, rule, recipe))
    assert np.count_nonzero(np.diff(expected)) > 100
    found = targets(**data, facts=facts, rule=rule, recipe=recipe, timeframe="15m")
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)
    result = trade(bars, **data, facts=facts, rule=rule, recipe=recipe, timeframe="15m")
    account_by_hand = backtest.run(bars, expected, recipe.backtest, timeframe="15m")
    np.testing.assert_allclose(result.equity, account_by_hand.equity, rtol=1e-9)
    assert len(result.trades) == len(account_by_hand.trades) > 0


def test_trade_is_net_of_the_costs_of_its_recipe() -> None:
    bars, data = market()
    cheap = recipe_with("long_short", kelly=False)
    dear = cheap.model_copy(update={"backtest": cheap.backtest.model_copy(update={"costs": CostsConfig()})})
    rule = FixedRule(0.001, 0.001)
    one, other = (
        trade(bars, **data, facts=FACTS, rule=rule, recipe=recipe, timeframe="15m")
        for recipe in (cheap, dear)
    )
    assert len(one.trades) == len(other.trades)
    assert one.equity[-1] > other.equity[-1]


def test_trade_few_bars_beside_gaps_are_of_the_timeframe_given() -> None:
    result = account(3, "15m")
    assert result.timeframe == "15m"
    assert result.position[-1] == pytest.approx(0.2 / (0.01 * np.sqrt(365 * 96)), rel=0.01)


def test_trade_bars_of_another_timeframe_raise() -> None:
    with pytest.raises(WrongTimeframeError, match="expected 15m"):
        account(6, "15m")


def hours(*numbers: int) -> pd.DatetimeIndex:
    return pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(list(numbers), unit="h")


def test_on_bars_puts_rows_on_the_bars_of_their_time_and_nan_where_there_is_none() -> None:
    bars = pd.DataFrame({"open_time": hours(0, 1, 2, 4)})
    rows = pd.DataFrame(
        {
            "open_time": hours(4, 9, 1),
            "sigma": [0.4, 0.9, 0.1],
            "label": pd.array([1, 0, None], dtype="Int8"),
            "other": 7.0,
        }
    )
    nan = np.nan
    np.testing.assert_array_equal(
        on_bars(bars, rows, ["label", "sigma"]), [[nan, nan], [nan, 0.1], [nan, nan], [1.0, 0.4]]
    )


def test_on_bars_times_of_another_unit_are_the_same_times() -> None:
    bars = pd.DataFrame({"open_time": hours(0, 1).as_unit("ms")})
    rows = pd.DataFrame({"open_time": hours(1, 0).as_unit("us"), "tau": [1.0, 0.0]})
    assert on_bars(bars, rows, ["tau"])[:, 0].tolist() == [0.0, 1.0]


def test_on_bars_without_rows_is_nan() -> None:
    rows = pd.DataFrame({"open_time": hours(), "sigma": np.empty(0), "tau": np.empty(0)})
    found = on_bars(pd.DataFrame({"open_time": hours(0, 1, 2)}), rows, ["sigma", "tau"])
    assert found.shape == (3, 2)
    assert np.isnan(found).all()


def test_on_bars_one_time_twice_raises() -> None:
    rows = pd.DataFrame({"open_time": hours(0, 0), "tau": [1.0, 2.0]})
    with pytest.raises(CorruptDataError, match="twice"):
        on_bars(pd.DataFrame({"open_time": hours(0)}), rows, ["tau"])
