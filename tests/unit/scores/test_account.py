"""Intervals of an account's returns and the deflated Sharpe ratio."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from truebar.backtest.metrics import sharpe_ratio
from truebar.errors import ConfigurationError
from truebar.scores.account import (
    deflated_sharpe,
    dev_deflated_sharpe,
    net_return_interval,
    sharpe_interval,
    track_record,
)
from truebar.scores.intervals import Resampling
from truebar.scores.metric import Metric
from truebar.validation.significance import (
    deflated_sharpe_ratio,
    luckiest_sharpe,
    probabilistic_sharpe_ratio,
)

YEAR = 8_760.0


def returns(drift: float = 0.0, rows: int = 4_000) -> np.ndarray:
    return drift + 0.01 * np.random.default_rng(0).standard_normal(rows)


def test_sharpe_interval_of_noise_has_the_width_of_theory() -> None:
    values = returns()
    metric = sharpe_interval(
        sharpe_ratio(values, YEAR), values, bars_per_year=YEAR, how=Resampling(1, np.random.default_rng(0))
    )
    assert metric.low < metric.value < metric.high
    assert metric.high - metric.low == pytest.approx(2 * 1.96 * math.sqrt(YEAR / 4_000), rel=0.12)


def test_sharpe_interval_undefined_stays_so(how: Resampling) -> None:
    flat = np.zeros(100)
    metric = sharpe_interval(sharpe_ratio(flat, YEAR), flat, bars_per_year=YEAR, how=how)
    assert metric.value is None
    assert metric.low is None


def test_net_return_interval_holds_the_compounded_return(how: Resampling) -> None:
    values = returns(0.0005)
    total = float(np.prod(1 + values) - 1)
    metric = net_return_interval(Metric(total), values, how)
    assert metric.low < total < metric.high


@pytest.mark.parametrize("values", [np.zeros(50), np.array([0.1, -1.2, 0.0])])
def test_net_return_interval_flat_or_ruined_account_has_none(values: np.ndarray, how: Resampling) -> None:
    assert net_return_interval(Metric(0.0), values, how).low is None


def test_deflated_sharpe_of_normal_returns_equals_the_normal_formula() -> None:
    values = returns(0.0003)
    metric = deflated_sharpe(sharpe_ratio(values, YEAR), values, n_trials=1)
    per_bar = values.mean() / values.std(ddof=1)
    assert metric.value == pytest.approx(
        probabilistic_sharpe_ratio(per_bar, n=4_000, skew=0, kurtosis=3), abs=0.002
    )


def test_deflated_sharpe_flat_account_is_null_with_reason() -> None:
    metric = deflated_sharpe(sharpe_ratio(np.zeros(10), YEAR), np.zeros(10), n_trials=1)
    assert metric.value is None
    assert metric.reason.startswith("no Sharpe ratio")


def test_deflated_sharpe_uses_skew_and_kurtosis_of_the_returns() -> None:
    values = np.where(np.random.default_rng(1).random(3_000) < 0.01, -0.08, 0.001)
    metric = deflated_sharpe(sharpe_ratio(values, YEAR), values, n_trials=3)
    expected = deflated_sharpe_ratio(
        values.mean() / values.std(ddof=1),
        n=3_000,
        skew=stats.skew(values),
        kurtosis=stats.kurtosis(values, fisher=False),
        n_trials=3,
    )
    assert metric.value == pytest.approx(expected)


def tried(count: int, skill: float, rows: int = 2_000) -> np.ndarray:
    """Returns of trials without skill, and of a last one that has some."""
    values = 0.01 * np.random.default_rng(3).standard_normal((rows, count))
    values[:, -1] += 0.01 * skill
    return values


def test_dev_deflated_sharpe_is_the_probability_against_the_bootstrapped_maximum() -> None:
    values = tried(20, 0.1)
    selection = luckiest_sharpe(values, horizon_bars=1, generator=np.random.default_rng(0), n_resamples=200)
    metric = dev_deflated_sharpe(values, chosen=19, selection=selection)
    own = values[:, 19]
    expected = probabilistic_sharpe_ratio(
        own.mean() / own.std(ddof=1),
        n=2_000,
        skew=stats.skew(own),
        kurtosis=stats.kurtosis(own, fisher=False),
        benchmark=selection.benchmark,
    )
    assert metric.value == pytest.approx(expected)
    assert selection.benchmark > 0.03
    lucky = int(values[:, :19].mean(axis=0).argmax())
    assert dev_deflated_sharpe(values, chosen=lucky, selection=selection).value < 0.8 < metric.value


def test_dev_deflated_sharpe_trial_that_never_traded_is_null_with_reason() -> None:
    values = tried(3, 0.0)
    values[:, 1] = 0
    selection = luckiest_sharpe(values, horizon_bars=1, generator=np.random.default_rng(0), n_resamples=20)
    assert dev_deflated_sharpe(values, chosen=1, selection=selection).reason == "all 2000 returns are equal"
    with pytest.raises(ConfigurationError, match="trial 3"):
        dev_deflated_sharpe(values, chosen=3, selection=selection)


@pytest.mark.parametrize("looks", [1, 5])
def test_track_record_is_where_the_deflated_sharpe_of_more_such_returns_is_proven(looks: int) -> None:
    values = returns(0.0002)
    sharpe = sharpe_ratio(values, YEAR)
    found = track_record(sharpe, values, n_trials=looks, bars_per_year=YEAR)
    bars = int(found["min_track_record_bars"].value)
    assert found["min_track_record_years"].value == pytest.approx(bars / YEAR)
    ratio = values.mean() / values.std(ddof=1)
    moments = {"skew": stats.skew(values), "kurtosis": stats.kurtosis(values, fisher=False)}
    assert deflated_sharpe_ratio(ratio, n=bars, n_trials=looks, **moments) >= 0.95
    assert deflated_sharpe_ratio(ratio, n=bars - 3, n_trials=looks, **moments) < 0.95
    assert (bars < 4_000) == (deflated_sharpe(sharpe, values, n_trials=looks).value > 0.95)


@pytest.mark.parametrize(
    ("values", "reason"),
    [(returns(-0.002), "is not above 0"), (np.zeros(50), "no Sharpe ratio"), (np.ones(1), "no Sharpe ratio")],
)
def test_track_record_that_proves_nothing_is_null_with_reason(values: np.ndarray, reason: str) -> None:
    found = track_record(sharpe_ratio(values, YEAR), values, n_trials=1, bars_per_year=YEAR)
    for metric in found.values():
        assert metric.value is None
        assert reason in metric.reason
