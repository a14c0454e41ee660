"""Tuning: the rule of choice, and thresholds found on markets whose best is known."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

from tests.bars import bars_of
from truebar import backtest
from truebar.config import BacktestConfig
from truebar.decision import FixedRule, target_positions
from truebar.edge import implied_edge
from truebar.errors import ConfigurationError, SchemaError, TooFewRowsError, WrongTimeframeError
from truebar.thresholds import optimise
from truebar.thresholds.choice import Tried, most_cautious, standard_error
from truebar.thresholds.signals import display_score
from truebar.thresholds.tuning import COST_MULTIPLES

ROWS = 3_000
CONFIG = BacktestConfig()
COST = 0.003


def market(strength: float, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Hourly bars, probabilities whose edge at tau 0.01 and m = 1 is the true one, and labels."""
    rng = np.random.default_rng(seed)
    lean = np.clip(rng.normal(0, 0.3, ROWS), -0.9, 0.9) * strength
    returns = np.zeros(ROWS)
    returns[1:] = 0.01 * lean[:-1] + rng.normal(0, 0.005, ROWS - 1)
    bars = bars_of(100 * np.exp(returns.cumsum()))
    side = np.abs(lean)
    flat = (1 - side) / 2
    probabilities = np.column_stack(
        (np.where(lean < 0, side, 0) + flat / 2, flat, np.where(lean > 0, side, 0) + flat / 2)
    )
    labels = np.append(np.where(np.abs(returns[1:]) > 0.005, np.sign(returns[1:]), 0), np.nan)
    return bars, probabilities, labels


def tuned(strength: float, **changes: object) -> object:
    bars, probabilities, labels = market(strength)
    arguments = {
        "bars": bars,
        "tau": np.full(ROWS, 0.01),
        "edge_scale": 1.0,
        "config": CONFIG,
        "labels": labels,
    }
    return optimise(probabilities, **(arguments | changes))


def tried(long: float, short: float, gain: float, *, n_trades: int = 30, noise: float = 0.0) -> Tried:
    rng = np.random.default_rng(int(1000 * (long + 10 * short)))
    draws = rng.standard_normal(500)
    return Tried(long, short, gain + noise * (draws - draws.mean()), n_trades)


def test_most_cautious_clear_winner_is_taken() -> None:
    every = [tried(1, 1, 0.01), tried(3, 3, 0.0)]
    assert most_cautious(every, horizon_bars=1) is every[0]


def test_most_cautious_within_one_error_takes_the_largest_sum_then_the_larger_minimum() -> None:
    every = [
        tried(1, 1, 0.010, noise=0.2),
        tried(3, 1, 0.009, noise=0.2),
        tried(2, 2, 0.009, noise=0.2),
        tried(3, 3, -5.0),
    ]
    assert most_cautious(every, horizon_bars=1) is every[2]


def test_most_cautious_equals_on_the_real_grid_follow_exact_sums() -> None:
    pairs = list(product(COST_MULTIPLES, repeat=2))

    def exactly(pair: tuple[float, float]) -> tuple[Fraction, Fraction]:
        long, short = (Fraction(multiple) for multiple in pair)
        return long + short, min(long, short)

    flat = np.zeros(60)
    for one, other in combinations(pairs, 2):
        every = [Tried(pair[0] * COST, pair[1] * COST, flat, 30) for pair in (one, other)]
        chosen = most_cautious(every, horizon_bars=1)
        position = next(index for index, pair in enumerate(every) if pair is chosen)
        assert exactly((one, other)[position]) == max(exactly(one), exactly(other))


def test_most_cautious_pairs_with_few_round_trips_do_not_count() -> None:
    every = [tried(1, 1, 0.5, n_trades=29), tried(2, 2, 0.1)]
    assert most_cautious(every, horizon_bars=1) is every[1]
    assert most_cautious(every[:1], horizon_bars=1) is None


def test_most_cautious_ruined_account_does_not_count() -> None:
    every = [Tried(1, 1, np.empty(0), 99), tried(2, 2, -0.1)]
    assert most_cautious(every, horizon_bars=1) is every[1]


def test_optimise_curve_equals_the_real_decision_and_engine() -> None:
    bars, probabilities, _ = market(1.0)
    found = tuned(1.0)
    assert len(found.curve) == len(COST_MULTIPLES) ** 2
    point = found.curve[10]
    edge = implied_edge(probabilities, np.full(ROWS, 0.01), 1.0)
    result = backtest.run(bars, target_positions(edge, FixedRule(point.long, point.short)), CONFIG)
    assert point.score == pytest.approx(np.log(result.equity[-1] / result.equity[0]) / (ROWS - 1))
    assert point.n_trades == result.metrics["n_trades"].value
    assert point.low < point.score < point.high


def log_returns(point: object) -> np.ndarray:
    """Per bar, of the account of one pair of thresholds on `market(1.0)`."""
    bars, probabilities, _ = market(1.0)
    edge = implied_edge(probabilities, np.full(ROWS, 0.01), 1.0)
    result = backtest.run(bars, target_positions(edge, FixedRule(point.long, point.short)), CONFIG)
    return np.diff(np.log(result.equity))


def test_optimise_choice_is_the_most_cautious_within_one_paired_error_of_the_best() -> None:
    found = tuned(1.0)
    able = [point for point in found.curve if point.n_trades >= 30]
    best = log_returns(max(able, key=lambda point: point.score))
    close = []
    for point in able:
        behind = best - log_returns(point)
        if behind.mean() <= standard_error(behind, horizon_bars=1):
            close.append((round((point.long + point.short) / COST, 6), min(point.long, point.short)))
    assert 1 <= len(close) < len(able)
    assert (round((found.long + found.short) / COST, 6), min(found.long, found.short)) == max(close)
    assert found.reason is None


def test_optimise_nothing_to_trade_stays_at_the_cost_and_says_so() -> None:
    found = tuned(0.05)
    assert (found.long, found.short) == pytest.approx((COST, COST))
    assert "30 round trips" in found.reason


def test_optimise_one_sided_mode_leaves_the_other_side_at_the_cost() -> None:
    config = BacktestConfig(position_mode="long_only")
    found = tuned(1.0, config=config)
    assert len(found.curve) == len(COST_MULTIPLES)
    assert [point.short for point in found.curve] == pytest.approx([COST] * len(COST_MULTIPLES))


def test_optimise_rows_without_a_prediction_are_flat() -> None:
    bars, probabilities, _ = market(1.0)
    gappy = probabilities.copy()
    gappy[: ROWS // 2] = np.nan
    late = optimise(gappy, bars=bars, tau=np.full(ROWS, 0.01), edge_scale=1.0, config=CONFIG)
    whole = tuned(1.0)
    assert late.curve[0].n_trades < whole.curve[0].n_trades


def test_optimise_funding_is_paid() -> None:
    bars, _, _ = market(1.0)
    funding = pd.DataFrame({"funding_time": bars["open_time"].iloc[::8], "rate": 0.001})
    config = BacktestConfig(position_mode="long_only")
    plain, paid = (tuned(1.0, config=config, funding=f, horizon_bars=8) for f in (None, funding))
    assert paid.curve[0].n_trades < plain.curve[0].n_trades


def test_optimise_sigma_sets_the_size() -> None:
    calm, wild = (tuned(1.0, sigma=np.full(ROWS, sigma)) for sigma in (0.001, 0.01))
    assert abs(wild.curve[0].score) < abs(calm.curve[0].score)


def test_optimise_kelly_takes_each_rows_own_moments() -> None:
    config = BacktestConfig(sizing={"kelly": True, "kelly_fraction": 0.01})
    sigma = np.full(ROWS, 0.001)
    one, each, other = (
        tuned(1.0, config=config, sigma=sigma, class_moments=moments).curve[0].score
        for moments in ((4.0, 0.3, 4.0), np.tile((4.0, 0.3, 4.0), (ROWS, 1)), (8.0, 0.6, 8.0))
    )
    assert each == one
    assert abs(other) < abs(one)


def test_optimise_timeframe_given_replaces_the_smallest_step() -> None:
    bars = market(1.0)[0].iloc[:4]
    hourly, quarters = (
        optimise(
            [[0.0, 0.1, 0.9]] * 4,
            bars=bars,
            tau=[0.1] * 4,
            edge_scale=1.0,
            config=BacktestConfig(costs={"fee_bps": 0, "slippage_bps": 0}),
            sigma=[0.01] * 4,
            timeframe=timeframe,
        )
        for timeframe in ("1h", "15m")
    )
    # Four times as many bars a year halve the size.
    assert quarters.curve[0].score == pytest.approx(hourly.curve[0].score / 2, rel=0.02)


@pytest.mark.parametrize("method", ["f1", "pr_auc"])
def test_optimise_display_methods_take_the_best_score(method: str) -> None:
    found = tuned(1.0, method=method)
    assert found.method == method
    chosen = next(p for p in found.curve if (p.long, p.short) == (found.long, found.short))
    assert chosen.score == max(p.score for p in found.curve)


def test_display_score_by_hand() -> None:
    edge = np.array([0.02, 0.02, -0.02, 0.0, np.nan, 0.02])
    labels = np.array([1.0, 0.0, -1.0, 1.0, 1.0, np.nan])
    # Long: 2 calls, 1 right, 2 ups of 4 rows. Short: 1 call, right.
    assert display_score(edge, labels, long=0.01, short=0.01, method="f1") == pytest.approx((0.5 + 1) / 2)
    by_lift = (0.5 * (0.5 - 0.5) + 1 * (1 - 0.25)) / 2
    assert display_score(edge, labels, long=0.01, short=0.01, method="pr_auc") == pytest.approx(by_lift)
    assert display_score(edge, labels, long=1.0, short=1.0, method="pr_auc") == 0


def test_standard_error_of_a_constant_difference_is_zero() -> None:
    assert standard_error(np.full(50, 0.1), horizon_bars=4) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"method": "best"}, ConfigurationError),
        ({"method": "f1", "labels": None}, ConfigurationError),
        ({"labels": [1, 0]}, SchemaError),
        ({"tau": [0.01]}, SchemaError),
        ({"tau": np.full(ROWS, np.nan)}, TooFewRowsError),
        ({"bars": market(1.0)[0].iloc[:-1]}, SchemaError),
        ({"config": BacktestConfig(sizing={"kelly": True})}, ConfigurationError),
        ({"timeframe": "15m"}, WrongTimeframeError),
    ],
)
def test_optimise_bad_arguments_raise(changes: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        tuned(1.0, **changes)
