"""The verdict: four conditions, each able to fail alone, and its JSON."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.bars import bars_of
from truebar import backtest
from truebar.backtest import BacktestResult
from truebar.config import BacktestConfig
from truebar.decision import target_positions
from truebar.edge import edge_scale, implied_edge
from truebar.errors import ConfigurationError
from truebar.partitions import Partition
from truebar.scores.metric import Metric
from truebar.scores.rows import class_shares
from truebar.thresholds import at_cost
from truebar.validation.significance import LEAST_ROUND_TRIPS
from truebar.verdict import Verdict, bootstrap_generator, conditions, judge

ROWS = 3_000
TAU = 0.005
NAMES = {
    "roc_auc", "pr_auc", "f1", "log_skill", "brier", "log_loss", "ece", "sharpe", "deflated_sharpe",
    "max_drawdown", "net_return", "n_trades", "min_detectable_sharpe",
}  # fmt: skip
PASSED: Mapping[str, bool | None] = {"features": True, "splits": True}


def market(strength: float, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Hourly bars whose next return leans on a known signal; probabilities that know it; labels at h = 1."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=ROWS)
    returns = np.zeros(ROWS)
    returns[1:] = 0.01 * (strength * signal[:-1] + rng.normal(size=ROWS - 1))
    bars = bars_of(100 * np.exp(returns.cumsum()))
    odds = np.exp(np.column_stack((-1.5 * strength * signal, np.full(ROWS, 0.3), 1.5 * strength * signal)))
    future = np.append(returns[1:], np.nan)
    labels = np.where(np.isnan(future), np.nan, np.where(np.abs(future) > TAU, np.sign(future), 0))
    return bars, odds / odds.sum(axis=1, keepdims=True), labels


def account(bars: pd.DataFrame, probabilities: np.ndarray, labels: np.ndarray) -> BacktestResult:
    future = np.append(np.diff(np.log(bars["close"])), np.nan)
    config = BacktestConfig()
    edge = implied_edge(probabilities, np.full(ROWS, TAU), edge_scale(future, np.full(ROWS, TAU), labels))
    return backtest.run(bars, target_positions(edge, at_cost(config), size=0.5), config)


def judged(strength: float, *, seed: int = 0, **changes: Any) -> Verdict:
    bars, probabilities, labels = market(strength, seed)
    arguments: dict[str, Any] = {
        "probabilities": probabilities,
        "labels": labels,
        "backtest": account(bars, probabilities, labels),
        "dev_shares": class_shares(labels),
        "horizon_bars": 1,
        "generator": bootstrap_generator("recipe", "data"),
        "leakage_checks": PASSED,
        "vault_looks": 1,
        "n_trials": 1,
        "bundle": "b" * 64,
        "data_digest": "d" * 64,
        "funding_counted": True,
        "n_resamples": 200,
    }
    return judge(**(arguments | changes))


def metrics(**changes: Metric) -> dict[str, Metric]:
    """Metrics under which every condition holds."""
    good = {
        "roc_auc": Metric(0.6, low=0.55, high=0.65),
        "deflated_sharpe": Metric(0.95),
        "n_trades": Metric(LEAST_ROUND_TRIPS),
        "log_skill": Metric(0.001),
    }
    return good | changes


def test_judge_strong_signal_is_an_edge() -> None:
    verdict = judged(0.6)
    assert verdict.verdict == "edge"
    assert verdict.failed == verdict.missing == ()
    assert verdict.metrics["roc_auc"].low > 0.6


@pytest.mark.parametrize("seed", range(4))
def test_judge_no_signal_is_no_edge(seed: int) -> None:
    verdict = judged(0.0, seed=seed)
    assert verdict.verdict == "no edge proven"
    assert "sharpe_p" in verdict.failed


def test_judge_without_leakage_checks_names_them_missing() -> None:
    verdict = judged(0.6, leakage_checks=None)
    assert verdict.verdict == "no edge proven"
    assert verdict.failed == verdict.missing == ("leakage",)


def test_judge_account_that_never_traded_fails_on_money_alone() -> None:
    bars, _, _ = market(0.6, 0)
    flat = backtest.run(bars, np.zeros(ROWS), BacktestConfig())
    verdict = judged(0.6, backtest=flat)
    assert verdict.failed == ("sharpe_p", "n_trades")
    assert verdict.missing == ("sharpe_p",)
    assert verdict.metrics["deflated_sharpe"].value is None
    assert "standard deviation 0" in verdict.metrics["deflated_sharpe"].reason


def test_judge_more_looks_make_luck_likelier() -> None:
    once, often = (judged(0.25, vault_looks=looks).metrics["deflated_sharpe"].value for looks in (1, 50))
    assert often < once


def test_judge_undefined_scores_are_null_with_reason() -> None:
    verdict = judged(0.6, labels=np.zeros(ROWS), dev_shares=(0.2, 0.6, 0.2))
    assert verdict.metrics["roc_auc"].reason == f"none of {ROWS} rows is labelled up"
    assert "roc_auc" in verdict.missing


def test_judge_same_recipe_and_data_give_the_same_verdict() -> None:
    assert judged(0.3) == judged(0.3)


def test_judge_no_look_raises() -> None:
    with pytest.raises(ConfigurationError, match="vault_looks"):
        judged(0.6, vault_looks=0)


@pytest.mark.parametrize("labels", [None, np.zeros(ROWS), np.full(ROWS, np.nan)])
def test_to_json_has_every_name_and_no_nan(labels: np.ndarray | None) -> None:
    changes = {} if labels is None else {"labels": labels, "dev_shares": (0.2, 0.6, 0.2)}
    found = judged(0.6, **changes).to_json(Partition("SYN-EDGE", "1h"), "xgboost", oracle={"roc_auc": 0.7})
    text = json.loads(json.dumps(found, allow_nan=False))
    assert set(text["metrics"]) >= NAMES
    assert set(text) >= {"symbol", "timeframe", "kind", "verdict", "failed", "oracle", "n_trials"}
    assert set(text) >= {"vault_looks", "bundle", "data_digest", "missing"}
    assert text["leakage"] == PASSED
    for metric in text["metrics"].values():
        assert set(metric) == {"value", "no_skill", "low", "high", "n", "reason"}
        assert (metric["value"] is None) == (metric["reason"] is not None)


def test_conditions_at_their_bounds_hold() -> None:
    assert all(conditions(metrics(), PASSED, funding_counted=True).values())


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("roc_auc", {"roc_auc": Metric(0.6, low=0.5, high=0.7)}),
        ("sharpe_p", {"deflated_sharpe": Metric(0.9499)}),
        ("n_trades", {"n_trades": Metric(LEAST_ROUND_TRIPS - 1)}),
        ("log_skill", {"log_skill": Metric(0.0)}),
    ],
)
def test_conditions_fail_one_by_one(name: str, bad: dict[str, Metric]) -> None:
    held = conditions(metrics(**bad), PASSED, funding_counted=True)
    assert [key for key, holds in held.items() if not holds] == [name]
    assert held[name] is False


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        (None, None),
        ({}, None),
        ({"a": True, "b": None}, None),
        ({"a": False, "b": None}, False),
        ({"a": True, "b": np.False_}, False),
        ({"a": True}, True),
    ],
)
def test_conditions_leakage_needs_every_check(
    checks: dict[str, bool | None] | None, expected: bool | None
) -> None:
    assert conditions(metrics(), checks, funding_counted=True)["leakage"] is expected


@pytest.mark.parametrize(
    ("counted", "failed", "missing"),
    [(True, (), ()), (False, ("funding",), ()), (None, ("funding",), ("funding",))],
)
def test_judge_account_must_have_paid_its_funding(
    counted: bool | None, failed: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    verdict = judged(0.6, funding_counted=counted)
    assert verdict.verdict == ("no edge proven" if failed else "edge")
    assert (verdict.failed, verdict.missing) == (failed, missing)


def test_judge_is_never_told_by_default_that_funding_was_paid() -> None:
    assert inspect.signature(judge).parameters["funding_counted"].default is inspect.Parameter.empty
    assert inspect.signature(conditions).parameters["funding_counted"].default is inspect.Parameter.empty


def test_bootstrap_generator_depends_on_recipe_and_data() -> None:
    draws = {bootstrap_generator(*names).random() for names in (("a", "b"), ("a", "c"), ("c", "b"))}
    assert len(draws) == 3
    assert bootstrap_generator("a", "b").random() == bootstrap_generator("a", "b").random()
