from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.special import stdtr
from sklearn.metrics import log_loss, roc_auc_score

from benchmarks.oracle import simulated_returns
from truebar.backtest import run
from truebar.config import BacktestConfig, CostsConfig, LabelConfig, SizingConfig
from truebar.decision import FixedRule, next_position
from truebar.errors import ConfigurationError, SchemaError, TooFewRowsError
from truebar.labels import vol_scaled
from truebar.market import Oracle, SyntheticMarket, oracle, synthetic
from truebar.market.simulated.oracle import MAX_HORIZON_BARS
from truebar.market.simulated.outlook import look_ahead, shock_distribution
from truebar.market.simulated.paths import LONG, SHORT, Lattice, _points, draw_paths
from truebar.volatility import estimate

Floats = npt.NDArray[np.float64]

ONE_YEAR = 35_040
LABEL = LabelConfig(estimator="realized", window=96, k=1.0, horizon_bars=4)
FREE = BacktestConfig(costs=CostsConfig(fee_bps=0, slippage_bps=0))
STRENGTH = 0.25


@pytest.fixture(scope="module")
def edge() -> SyntheticMarket:
    return synthetic("SYN-EDGE", seed=7, n_bars=ONE_YEAR)


@pytest.fixture(scope="module")
def null() -> SyntheticMarket:
    return synthetic("SYN-NULL", seed=7, n_bars=ONE_YEAR)


@pytest.fixture(scope="module")
def known(edge: SyntheticMarket) -> Oracle:
    return oracle(edge, LABEL)


@pytest.fixture(scope="module")
def small() -> SyntheticMarket:
    return synthetic("SYN-EDGE", seed=2, n_bars=1_200)


def labels_of(market: SyntheticMarket, config: LabelConfig = LABEL) -> pd.DataFrame:
    sigma = estimate(market.bars, config.estimator, window=config.window)
    return vol_scaled(
        market.bars,
        sigma,
        k=config.k,
        horizon_bars=config.horizon_bars,
        neutral_zone=config.neutral_zone,
        timeframe="15m",
    )


@pytest.mark.parametrize(("horizon", "drift", "heat"), [(4, 0.0, 1), (8, 0.0, 1), (3, 5.0, 1), (6, 0.0, 25)])
def test_oracle_agrees_with_plain_simulation(horizon: int, drift: float, heat: float) -> None:
    market = synthetic("SYN-EDGE", seed=horizon, n_bars=4_000, drift_per_year=drift)
    heated = (market.states["v"] * heat).clip(upper=25 / 35_040)  # the cap is rare by itself
    market = replace(market, states=market.states.assign(v=heated))
    config = LABEL.model_copy(update={"horizon_bars": horizon})
    found, tau = oracle(market, config), labels_of(market, config)["tau"].to_numpy()
    random, paths = np.random.default_rng(1), 20_000
    for row in random.choice(np.flatnonzero(found.probabilities["p_up"].notna()), 25, replace=False):
        returns = simulated_returns(market.states.iloc[row], horizon, paths, random, drift=drift)
        for name, share in (
            ("p_down", np.mean(returns < -tau[row])),
            ("p_flat", np.mean(np.abs(returns) <= tau[row])),
            ("p_up", np.mean(returns > tau[row])),
        ):
            p = found.probabilities[name].iloc[row]
            assert p == pytest.approx(share, abs=0.005 + 4 * math.sqrt(p * (1 - p) / paths))
        error = 4.5 * returns.std() / math.sqrt(paths)
        assert found.expected_return[row] == pytest.approx(returns.mean(), abs=error)


@pytest.mark.parametrize(("horizon", "heat"), [(2, 1), (5, 1), (6, 25)])
def test_look_ahead_agrees_with_its_plain_reference_on_the_same_paths(horizon: int, heat: float) -> None:
    market = synthetic("SYN-EDGE", seed=9, n_bars=300, drift_per_year=1.0)
    heated = (market.states["v"] * heat).clip(upper=25 / 35_040)
    market = replace(market, states=market.states.assign(v=heated))
    tau = np.linspace(0, 0.03, 300)
    found, paths = look_ahead(market, tau, horizon), draw_paths(horizon)
    season = np.exp(0.35 * np.sin(2 * np.pi * np.arange(96) / 96 - 1))
    season /= math.sqrt(np.mean(season**2))
    deviation = math.sqrt(1.64 - 1.6 * 0.6 * math.sqrt(1 - 0.97**2) / (1 - 0.8 * 0.97))
    for row in range(0, 300, 3):
        v, a, b, slot = market.states.iloc[row]
        variance, total, mean = (np.full(paths.push.shape[1], value) for value in (v, 0.0, 0.0))
        for step in range(horizon):
            sigma = season[int(slot + step) % 96] * np.sqrt(variance)
            known = STRENGTH * (0.8**step * a - 0.8 * 0.97**step * b) / deviation
            mean += sigma * known + 1 / 35_040
            total += sigma * (known + STRENGTH * paths.push[step]) + 1 / 35_040
            if step < horizon - 1:
                shock = paths.shock[step]
                total += sigma * shock
                heat_kept = (0.05 + 0.04 * (shock < 0)) * shock**2 + 0.92
                variance = np.minimum(0.01 / 35_040 + heat_kept * variance, 25 / 35_040)
        above = stdtr(5, (total - tau[row]) / sigma * math.sqrt(5 / 3)).mean()
        below = stdtr(5, (-tau[row] - total) / sigma * math.sqrt(5 / 3)).mean()
        assert found.up[row] == pytest.approx(above, abs=5e-6)
        assert found.down[row] == pytest.approx(below, abs=5e-6)
        assert found.expected_return[row] == pytest.approx(mean.mean(), rel=1e-9)


def test_oracle_of_one_bar_is_the_closed_form(edge: SyntheticMarket) -> None:
    config = LABEL.model_copy(update={"horizon_bars": 1})
    found, tau = oracle(edge, config), labels_of(edge, config)["tau"].to_numpy()
    season = np.exp(0.35 * np.sin(2 * np.pi * np.arange(96) / 96 - 1))
    season /= math.sqrt(np.mean(season**2))
    state = edge.states
    deviation = math.sqrt(1.64 - 1.6 * 0.6 * math.sqrt(1 - 0.97**2) / (1 - 0.8 * 0.97))
    push = STRENGTH * ((state["a"] - 0.8 * state["b"]) / deviation).to_numpy()
    sigma = season[state["slot"].to_numpy()] * np.sqrt(state["v"].to_numpy())
    scale = math.sqrt(5 / 3)
    rows = found.probabilities["p_up"].notna().to_numpy()
    above = stdtr(5, (push - tau / sigma) * scale)
    below = stdtr(5, (-tau / sigma - push) * scale)
    np.testing.assert_allclose(found.probabilities["p_up"][rows], above[rows], atol=1e-12)
    np.testing.assert_allclose(found.probabilities["p_down"][rows], below[rows], atol=1e-12)
    np.testing.assert_allclose(found.expected_return[rows], (sigma * push)[rows], atol=1e-15)


def test_oracle_direction_auc_of_the_edge_is_as_measured(known: Oracle) -> None:
    assert known.roc_auc == pytest.approx(0.79, abs=0.02)
    assert known.ev_bps > 0.5


def test_oracle_scores_are_those_of_the_labels(edge: SyntheticMarket, known: Oracle) -> None:
    label = labels_of(edge)["label"]
    scored = label.notna() & known.probabilities["p_up"].notna()
    assert (known.probabilities["p_up"].notna() | label.isna()).all()
    p, y = known.probabilities[scored], label[scored]
    moved = y != 0
    assert known.roc_auc == pytest.approx(
        roc_auc_score(y[moved] == 1, np.log(p["p_up"] / p["p_down"])[moved])
    )
    assert known.log_loss == pytest.approx(log_loss(y, p.to_numpy(), labels=[-1, 0, 1]))


def test_oracle_probabilities_come_true(edge: SyntheticMarket) -> None:
    """Every fourth row: their returns do not overlap, so each bin's count is nearly binomial."""
    config = LABEL.model_copy(update={"k": 0.5})
    markets = [edge, synthetic("SYN-EDGE", seed=21, n_bars=ONE_YEAR)]
    drawn = []
    for market in markets:
        found, label = oracle(market, config).probabilities, labels_of(market, config)["label"]
        scored = (found["p_up"].notna() & label.notna()).to_numpy()
        drawn.append(found[scored].assign(label=label[scored])[::4])
    rows = pd.concat(drawn)
    for name, value in (("p_down", -1), ("p_flat", 0), ("p_up", 1)):
        bins = pd.qcut(rows[name], 10, labels=False)
        expected = rows[name].groupby(bins).mean()
        came = (rows["label"] == value).groupby(bins).mean()
        deviation = np.sqrt(expected * (1 - expected) / (len(rows) / 10))
        assert (np.abs(came - expected) < 4 * deviation + 0.005).all()


def test_oracle_of_the_null_sees_no_direction(null: SyntheticMarket) -> None:
    found = oracle(null, LABEL, backtest_config=FREE)
    p = found.probabilities.dropna()
    assert found.roc_auc == pytest.approx(0.5, abs=0.04)
    assert np.abs(p["p_up"] - p["p_down"]).max() < 0.01  # what the leverage effect leaves
    assert np.nanmax(np.abs(found.expected_return)) == 0.0
    assert found.ev_bps == 0.0
    assert p["p_flat"].std() > 0.1  # activity is predictable all the same


def test_oracle_of_the_null_over_one_bar_is_symmetric(null: SyntheticMarket) -> None:
    p = oracle(null, LABEL.model_copy(update={"horizon_bars": 1})).probabilities.dropna()
    np.testing.assert_allclose(p["p_up"], p["p_down"], atol=1e-15)


def test_oracle_of_a_drifting_null_expects_the_drift() -> None:
    market = synthetic("SYN-NULL", seed=3, n_bars=600, drift_per_year=0.5)
    expected = oracle(market, LABEL).expected_return
    np.testing.assert_allclose(expected[~np.isnan(expected)], 4 * 0.5 / 35_040, rtol=1e-9)


@pytest.mark.parametrize("horizon", [1, 4, 7])
def test_oracle_has_no_row_whose_horizon_meets_a_halt_or_without_sigma(
    small: SyntheticMarket, horizon: int
) -> None:
    config = LABEL.model_copy(update={"horizon_bars": horizon})
    found = oracle(small, config)
    opens = set(small.bars["open_time"])
    sigma, end = labels_of(small, config)["sigma"], small.bars["open_time"].iloc[-1]
    step = pd.Timedelta("15min")
    for row, opened in enumerate(small.bars["open_time"]):
        ahead = [opened + place * step for place in range(1, horizon + 1)]
        whole = all(time in opens or time > end for time in ahead)
        has = not math.isnan(sigma[row]) and whole
        assert found.probabilities.iloc[row].notna().all() == has
        assert math.isnan(found.expected_return[row]) != has
    assert found.probabilities.iloc[-1].notna().all() == (not math.isnan(sigma.iloc[-1]))
    total = found.probabilities.dropna().sum(axis=1)
    np.testing.assert_allclose(total, 1, atol=1e-12)


def test_oracle_knows_nothing_of_later_bars(small: SyntheticMarket) -> None:
    cut = 900
    past = replace(small, bars=small.bars[:cut], states=small.states[:cut])
    before, full = oracle(past, LABEL), oracle(small, LABEL)
    both = before.probabilities.notna().all(axis=1) & full.probabilities[:cut].notna().all(axis=1)
    assert both.sum() > 500
    pd.testing.assert_frame_equal(
        before.probabilities[both], full.probabilities[:cut][both], check_exact=True
    )


def test_oracle_scores_the_rows_asked_for(small: SyntheticMarket) -> None:
    label = labels_of(small)["label"]
    places = np.arange(400, 1_000)
    mask = np.zeros(len(small.bars), dtype=bool)
    mask[places] = True
    by_place, by_mask, all_rows = (
        oracle(small, LABEL, places),
        oracle(small, LABEL, mask),
        oracle(small, LABEL),
    )
    pd.testing.assert_frame_equal(by_place.probabilities, all_rows.probabilities, check_exact=True)
    scores = [(found.roc_auc, found.log_loss, found.ev_bps) for found in (by_place, by_mask, all_rows)]
    assert scores[0] == scores[1] != scores[2]
    p = all_rows.probabilities
    rows = mask & label.notna().to_numpy() & p["p_up"].notna().to_numpy()
    assert by_place.log_loss == pytest.approx(log_loss(label[rows], p[rows].to_numpy(), labels=[-1, 0, 1]))


def test_oracle_ev_is_the_account_that_trades_the_true_edge(small: SyntheticMarket) -> None:
    config = BacktestConfig(costs=CostsConfig(fee_bps=1, slippage_bps=2))
    rows = np.arange(300, 1_100)
    found = oracle(small, LABEL, rows, backtest_config=config)
    sigma = labels_of(small)["sigma"].to_numpy()
    held, target = 0.0, []
    for row in rows:
        size = min(1.0, 0.20 / (sigma[row] * math.sqrt(35_040)))
        held = next_position(held, found.expected_return[row], FixedRule(0.0006, 0.0006), size=size)
        target.append(held)
    account = run(small.bars.iloc[rows].reset_index(drop=True), target, config)
    assert np.count_nonzero(target) > 100
    assert found.ev_bps == pytest.approx(1e4 * math.log(account.equity[-1] / 100_000) / (len(rows) - 1))


def test_oracle_ev_falls_with_costs_and_is_flat_on_rows_not_asked_for(small: SyntheticMarket) -> None:
    rows, gains = np.arange(200, 1_200), []
    for fee in (0, 5, 20, 1_000):
        config = BacktestConfig(costs=CostsConfig(fee_bps=fee, slippage_bps=0))
        gains.append(oracle(small, LABEL, rows, backtest_config=config).ev_bps)
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 1
    assert gains[-1] == 0.0
    ends = oracle(small, LABEL, [200, 1_199], backtest_config=FREE)
    assert abs(ends.ev_bps) < gains[0] / 50


def test_oracle_kelly_sizes_are_taken_from_the_configuration(small: SyntheticMarket) -> None:
    config = BacktestConfig(
        costs=CostsConfig(fee_bps=0, slippage_bps=0), sizing=SizingConfig(kelly=True, kelly_fraction=0.05)
    )
    smaller, full = (oracle(small, LABEL, backtest_config=choice).ev_bps for choice in (config, FREE))
    assert 0 < smaller < full


def test_oracle_without_neutral_zone_is_never_flat(small: SyntheticMarket) -> None:
    found = oracle(small, LABEL.model_copy(update={"neutral_zone": False}))
    p = found.probabilities.dropna()
    assert np.abs(p["p_flat"]).max() < 1e-5
    assert found.log_loss < math.log(2)


def test_shock_distribution_is_that_of_student() -> None:
    shock = np.array([-40.0, -3.0, -0.5, 0.0, 0.1, 2.0, 9.0])
    np.testing.assert_allclose(shock_distribution(shock), stdtr(5, shock * math.sqrt(5 / 3)), atol=1e-13)


@pytest.mark.parametrize("horizon", [2, 4, 32])
def test_paths_are_antithetic_with_the_moments_of_the_shocks(horizon: int) -> None:
    paths = draw_paths(horizon)
    half = paths.shock.shape[1] // 2
    np.testing.assert_allclose(paths.shock[:, :half], -paths.shock[:, half:], atol=1e-9)
    np.testing.assert_allclose(paths.push[:, :half], -paths.push[:, half:], atol=1e-9)
    np.testing.assert_allclose((paths.shock**2).mean(axis=1), 1, atol=0.03)
    deviation = math.sqrt(1.64 - 1.6 * 0.6 * math.sqrt(1 - 0.97**2) / (1 - 0.8 * 0.97))
    ages = np.arange(horizon - 1)
    weights = (0.6 * 0.8**ages - 0.8 * math.sqrt(1 - 0.97**2) * 0.97**ages) / deviation
    np.testing.assert_allclose(paths.push[0], 0)
    np.testing.assert_allclose(paths.push[1:].var(axis=1), np.cumsum(weights**2), rtol=0.03)
    assert np.abs([np.corrcoef(paths.push[1], shock)[0, 1] for shock in paths.shock]).max() < 0.1
    together = np.atleast_2d(np.corrcoef(paths.shock))
    assert np.abs(together - np.eye(horizon - 1)).max() < 0.1


@pytest.mark.parametrize("lattice", [SHORT, LONG])
def test_paths_of_the_longest_horizon_are_finite_and_no_two_bars_share_a_draw(lattice: Lattice) -> None:
    points = _points(lattice, 2 * (MAX_HORIZON_BARS - 1))
    assert 0 < points.min() < points.max() < 1
    # Shifted copies of one coordinate, or of its mirror image, would have equal steps from path to path.
    steps = {frozenset({round(step, 9), round(1 - step, 9)}) for step in (points[:, 1] - points[:, 0]) % 1}
    assert len(steps) == len(points)


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([], TooFewRowsError),
        (np.zeros(1_200, dtype=bool), TooFewRowsError),
        (np.ones(7, dtype=bool), SchemaError),
        ([1_200], SchemaError),
        ([-1], SchemaError),
        ([0.5], SchemaError),
    ],
)
def test_oracle_rows_that_are_none_are_refused(
    small: SyntheticMarket, rows: npt.ArrayLike, error: type[Exception]
) -> None:
    with pytest.raises(error):
        oracle(small, LABEL, rows)


def test_oracle_horizon_beyond_its_lattice_is_refused(small: SyntheticMarket) -> None:
    with pytest.raises(ConfigurationError, match="at most 500 bars"):
        oracle(small, LABEL.model_copy(update={"horizon_bars": 501}))


def test_oracle_scores_of_rows_without_labels_are_undefined(small: SyntheticMarket) -> None:
    found = oracle(small, LABEL, [5])
    assert math.isnan(found.roc_auc)
    assert math.isnan(found.log_loss)
    assert math.isnan(found.ev_bps)


def test_oracle_account_of_two_bars_beside_a_halt_is_of_the_markets_timeframe(small: SyntheticMarket) -> None:
    steps = small.bars["open_time"].diff() / pd.Timedelta("15min")
    for after_halt in np.flatnonzero(steps > 1):
        found = oracle(small, LABEL, [after_halt - 1, after_halt])
        assert math.isfinite(found.ev_bps)
    assert sorted(steps[steps > 1]) == [7, 21]
