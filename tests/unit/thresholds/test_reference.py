"""Tuning against a plain reference: every pair through the public decision and engine, choice by hand."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar import backtest
from truebar.config import BacktestConfig
from truebar.decision import FixedRule, target_positions
from truebar.edge import implied_edge
from truebar.errors import (
    ConfigurationError,
    CorruptDataError,
    InvalidProbabilityError,
    TooFewRowsError,
)
from truebar.funding import expected_funding
from truebar.thresholds import Thresholds, optimise
from truebar.thresholds.choice import standard_error
from truebar.thresholds.tuning import COST_MULTIPLES

ROWS = 400
HORIZON = 3
MULTIPLES = tuple(Fraction(text) for text in ("0.75", "1", "1.25", "1.5", "2", "2.5", "3"))


def random_market(seed: int) -> dict[str, object]:
    """Return the arguments of `optimise` for hourly bars with halts, gaps and a weak signal."""
    rng = np.random.default_rng(seed)
    lean = np.clip(rng.normal(0, 0.4, ROWS), -0.95, 0.95)
    close = 100 * np.exp(np.cumsum(np.r_[0.0, 0.004 * lean[:-1] + rng.normal(0, 0.006, ROWS - 1)]))
    opened = np.r_[100.0, close[:-1]] * np.exp(rng.normal(0, 1e-4, ROWS))
    bars = pd.DataFrame(
        {
            "open_time": pd.date_range("2025-01-01", periods=ROWS + 40, freq="1h", tz="UTC"),
        }
    ).drop(index=rng.choice(np.arange(1, ROWS + 39), 40, replace=False))
    bars = bars.reset_index(drop=True).assign(open=opened, close=close, volume=1.0)
    quiet = rng.random(ROWS) < 0.05
    bars.loc[quiet, ["open", "volume"]] = np.column_stack((close[quiet], np.zeros(quiet.sum())))
    bars["high"], bars["low"] = bars[["open", "close"]].max(axis=1), bars[["open", "close"]].min(axis=1)
    up = (1 + lean) / 2 * 0.8
    probabilities = np.column_stack((0.8 - up, np.full(ROWS, 0.2), up))
    probabilities[rng.random(ROWS) < 0.1] = np.nan
    return {
        "probabilities": probabilities,
        "bars": bars,
        "tau": rng.uniform(0.004, 0.012, ROWS),
        "edge_scale": np.where(np.arange(ROWS) < ROWS // 2, 1.2, 1.5),
        "sigma": rng.uniform(0.002, 0.02, ROWS),
        "funding": pd.DataFrame({"funding_time": bars["open_time"].iloc[::8], "rate": 2e-4}),
        "horizon_bars": HORIZON,
        "timeframe": "1h",
    }


def reference(arguments: dict[str, object], config: BacktestConfig) -> tuple[list[tuple], tuple | None]:
    """Return (long, short, score, trades) of every pair and the chosen multiples, None without a choice."""
    bars, funding = arguments["bars"], arguments["funding"]
    cost = 2 * (config.costs.fee_bps + config.costs.slippage_bps) * 1e-4
    edge = implied_edge(arguments["probabilities"], arguments["tau"], arguments["edge_scale"])
    size = np.minimum(1.0, 0.20 / (arguments["sigma"] * np.sqrt(365 * 24)))
    expected = expected_funding(bars["open_time"], funding, horizon_bars=HORIZON, timeframe="1h")
    one = (Fraction(1),)
    longs = one if config.position_mode == "short_only" else MULTIPLES
    shorts = one if config.position_mode == "long_only" else MULTIPLES
    rows, returns = [], {}
    for pair in product(longs, shorts):
        rule = FixedRule(*(float(multiple) * cost for multiple in pair))
        target = target_positions(edge, rule, size=size, funding=expected, position_mode=config.position_mode)
        result = backtest.run(bars, target, config, funding=funding, timeframe="1h")
        returns[pair] = np.diff(np.log(result.equity))
        rows.append((*pair, returns[pair].mean(), int(result.metrics["n_trades"].value)))
    able = {row[:2]: row[2] for row in rows if row[3] >= 30}
    if not able:
        return rows, None
    best = max(able, key=lambda pair: (able[pair], sum(pair), min(pair)))
    close = [
        pair
        for pair in able
        if (behind := returns[best] - returns[pair]).mean() <= standard_error(behind, horizon_bars=HORIZON)
    ]
    return rows, max([best, *close], key=lambda pair: (sum(pair), min(pair)))


@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    mode=st.sampled_from(["long_short", "long_only", "short_only"]),
    fee_bps=st.sampled_from([0.5, 5.0, 20.0]),
)
def test_optimise_equals_the_plain_reference(seed: int, mode: str, fee_bps: float) -> None:
    config = BacktestConfig(position_mode=mode, costs={"fee_bps": fee_bps, "slippage_bps": fee_bps})
    arguments = random_market(seed)
    found = optimise(config=config, **arguments)
    rows, chosen = reference(arguments, config)
    cost = 4 * fee_bps * 1e-4
    assert len(found.curve) == len(rows)
    for point, (long, short, score, trades) in zip(found.curve, rows, strict=True):
        assert (point.long, point.short) == pytest.approx((float(long) * cost, float(short) * cost))
        assert point.score == pytest.approx(score, abs=1e-15)
        assert point.n_trades == trades
        assert point.low <= point.score <= point.high
    wanted = (1, 1) if chosen is None else chosen
    assert (found.long / cost, found.short / cost) == pytest.approx(tuple(map(float, wanted)))
    assert (found.reason is None) == (chosen is not None)


def test_cost_multiples_are_those_of_the_method() -> None:
    assert tuple(map(Fraction, COST_MULTIPLES)) == MULTIPLES


def tuned(**changes: object) -> Thresholds:
    return optimise(**(random_market(1) | {"config": BacktestConfig()} | changes))


def constant_prices() -> pd.DataFrame:
    return random_market(1)["bars"].assign(open=100.0, high=100.0, low=100.0, close=100.0, volume=1.0)


def test_optimise_constant_prices_earn_less_than_nothing_and_are_chosen_by_the_rule() -> None:
    arguments = random_market(1) | {"bars": constant_prices(), "funding": None}
    found, (_, chosen) = (
        optimise(config=BacktestConfig(), **arguments),
        reference(arguments, BacktestConfig()),
    )
    assert max(point.score for point in found.curve) < 0
    assert (found.long / 0.003, found.short / 0.003) == pytest.approx(tuple(map(float, chosen)))


def test_optimise_market_that_never_trades_stays_at_the_cost_and_says_so() -> None:
    found = tuned(bars=constant_prices().assign(volume=0.0), funding=None)
    assert {point.n_trades for point in found.curve} == {0}
    assert found.long == found.short == pytest.approx(0.003)
    assert "30 round trips" in found.reason


def test_optimise_ruined_pairs_have_no_score_and_are_never_chosen() -> None:
    bars = random_market(1)["bars"].copy()
    crash = bars.index > ROWS // 2
    bars.loc[crash, ["open", "high", "low", "close"]] *= 1e-6
    sure = np.tile([0.0, 0.02, 0.98], (ROWS, 1))
    found = tuned(
        bars=bars, probabilities=sure, tau=np.full(ROWS, 0.02), sigma=np.full(ROWS, 1e-4), funding=None
    )
    ruined = [point for point in found.curve if point.score is None]
    assert ruined
    assert all(point.low is None and point.high is None for point in ruined)
    assert found.reason is not None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([np.inf, 0.0, 0.0], "row 7"),
        ([0.5, 0.6, 0.5], "1 of 400 rows"),
        ([-0.2, 0.6, 0.6], "no probabilities"),
    ],
)
def test_optimise_row_that_is_no_probability_is_refused(row: list[float], message: str) -> None:
    probabilities = random_market(1)["probabilities"].copy()
    probabilities[7] = row
    with pytest.raises(InvalidProbabilityError, match=message):
        tuned(probabilities=probabilities)


def bars_with(change: str) -> pd.DataFrame:
    bars = random_market(1)["bars"]
    if change == "unsorted":
        return bars.iloc[::-1].reset_index(drop=True)
    if change == "duplicated":
        return bars.assign(open_time=bars["open_time"].where(bars.index != 9, bars["open_time"].iloc[8]))
    return bars.assign(close=bars["close"].where(bars.index != 9, -1.0))


@pytest.mark.parametrize("change", ["unsorted", "duplicated", "negative"])
def test_optimise_bars_that_are_wrong_are_refused(change: str) -> None:
    with pytest.raises(CorruptDataError):
        tuned(bars=bars_with(change))


def test_optimise_horizon_below_one_bar_and_edge_scale_without_a_number_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="horizon"):
        tuned(horizon_bars=0)
    with pytest.raises(TooFewRowsError, match="has an edge"):
        tuned(edge_scale=np.nan)
