"""One realistic verdict and the report inputs around it; tests change what they are about."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from truebar.config import CostsConfig
from truebar.cost_sensitivity import CostPoint
from truebar.market.quality import Gap, GapCount, KlinesQuality
from truebar.quality import judge_continuity, judge_rejections
from truebar.reports import Calibration, DataQuality, Lineage, ReportInputs, Search, Slices, Span
from truebar.scores.curves import DirectionCurves, direction_curves
from truebar.scores.metric import Metric
from truebar.scores.reliability import ReliabilityBin
from truebar.scores.rows import scored_rows
from truebar.thresholds.values import CurvePoint, Thresholds

BARS = 3_789


def metric(value: float | None, no_skill: float | None = None, **more: Any) -> dict[str, Any]:
    return {"value": value, "no_skill": no_skill, "low": None, "high": None, "n": 100, "reason": None} | more


@pytest.fixture
def verdict() -> dict[str, Any]:
    """No edge: three conditions failed, one is not computed."""
    return {
        "symbol": "BTC-USD",
        "timeframe": "1h",
        "kind": "xgboost",
        "verdict": "no edge proven",
        "failed": ["roc_auc", "sharpe_p", "log_skill", "leakage"],
        "missing": ["leakage"],
        "metrics": {
            "roc_auc": metric(0.5127, 0.5, low=0.4871, high=0.5386, n=2104),
            "pr_auc": metric(0.5212, 0.5085, low=0.4911, high=0.5502),
            "f1": metric(0.4873, 0.6742, low=0.4521, high=0.5209),
            "log_skill": metric(-0.00123, 0.0, low=-0.0047, high=0.0019),
            "brier": metric(0.6191, 0.6402),
            "log_loss": metric(1.0312, 1.0591),
            "ece": metric(0.0174, 0.0),
            "sharpe": metric(-0.83, 0.0, low=-3.61, high=1.92),
            "deflated_sharpe": metric(0.293, 0.5),
            "max_drawdown": metric(0.0712, 0.0),
            "net_return": metric(-0.0312, 0.0),
            "n_trades": metric(84, 0.0),
            "min_detectable_sharpe": metric(3.786),
            "min_track_record_bars": metric(None, n=BARS, reason="the Sharpe ratio is not above 0"),
            "min_track_record_years": metric(None, n=BARS, reason="the Sharpe ratio is not above 0"),
        },
        "n_trials": 1,
        "vault_looks": 1,
        "bundle": "b" * 64,
        "data_digest": "d" * 64,
    }


@pytest.fixture
def edge_verdict(verdict: dict[str, Any]) -> dict[str, Any]:
    """Every condition holds."""
    good = {
        "roc_auc": metric(0.774, 0.5, low=0.751, high=0.797),
        "log_skill": metric(0.098, 0.0, low=0.081, high=0.115),
        "deflated_sharpe": metric(0.999, 0.5),
    }
    metrics = verdict["metrics"] | good
    return verdict | {"verdict": "edge", "failed": [], "missing": [], "metrics": metrics}


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


@pytest.fixture
def slices() -> Slices:
    """158 days of vault after two years of dev, two folds."""
    spans = (
        Span("Fold 1", "left out", day("2017-07-05"), day("2018-05-31"), 7_576),
        Span("Fold 1", "fitted", day("2018-06-08"), day("2019-04-26"), 7_376),
        Span("Fold 2", "fitted", day("2017-07-05"), day("2018-05-30"), 7_568),
        Span("Fold 2", "left out", day("2018-05-31"), day("2019-04-26"), 7_576),
        Span("Judged", "fitted", day("2017-07-05"), day("2019-04-26"), 15_152),
        Span("Judged", "vault", day("2019-04-27"), day("2019-10-02"), BARS),
    )
    return Slices(
        dev_start=day("2017-07-05"),
        dev_end=day("2019-04-26 16:00"),
        dev_rows=15_152,
        purged_rows=8,
        vault_start=day("2019-04-27"),
        vault_end=day("2019-10-02"),
        vault_rows=BARS,
        folds=2,
        embargo_bars=200,
        spans=spans,
    )


@pytest.fixture
def equity() -> pd.DataFrame:
    """A random walk beside a price with one missing bar."""
    generator = np.random.default_rng(3)
    close = 5_200 * np.exp(np.cumsum(generator.normal(0, 0.007, BARS)))
    close[100] = np.nan
    return pd.DataFrame(
        {
            "open_time": pd.date_range("2019-04-27", periods=BARS, freq="h", tz="UTC"),
            "equity": 100_000 * np.exp(np.cumsum(generator.normal(0, 0.001, BARS))),
            "close": close,
        }
    )


@pytest.fixture
def labels(equity: pd.DataFrame) -> pd.DataFrame:
    """Labels on the same bars, none on the last eight."""
    label = np.random.default_rng(4).choice([-1.0, 0.0, 1.0], BARS, p=[0.3, 0.45, 0.25])
    label[-8:] = np.nan
    return equity[["open_time", "close"]].assign(tau=0.02, label=label)


@pytest.fixture
def trades(equity: pd.DataFrame) -> pd.DataFrame:
    """84 round trips of ten bars each, every second one short, every third one lost."""
    entry = np.arange(84) * 45
    price = equity["close"].ffill().to_numpy()
    return pd.DataFrame(
        {
            "entry_time": equity["open_time"].to_numpy()[entry],
            "exit_time": equity["open_time"].to_numpy()[entry + 10],
            "entry_price": price[entry],
            "exit_price": price[entry + 10],
            "side": np.where(np.arange(84) % 2 == 0, "long", "short"),
            "net_pnl": np.where(np.arange(84) % 3 == 0, -50.0, 40.0),
        }
    ).assign(
        entry_time=lambda frame: pd.to_datetime(frame["entry_time"], utc=True),
        exit_time=lambda frame: pd.to_datetime(frame["exit_time"], utc=True),
    )


@pytest.fixture
def calibration() -> Calibration:
    """Two bins of each class before and two after."""
    pairs = ((0.2, 0.22), (0.4, 0.37))
    bins = {name: tuple(ReliabilityBin(*pair, 400) for pair in pairs) for name in ("down", "flat", "up")}
    return Calibration("platt", {"brier": (0.6239, 0.6191), "ece": (0.0291, None)}, bins, bins)


@pytest.fixture
def thresholds() -> Thresholds:
    """Three thresholds a side at a cost of 30 bps; the long side chose twice the cost."""
    tried = (0.003, 0.006, 0.009)
    curve = tuple(
        CurvePoint(long=long, short=short, score=1e-6 * place, low=-2e-6, high=4e-6, n_trades=90 - place)
        for place, (long, short) in enumerate((long, short) for long in tried for short in tried)
    )
    return Thresholds(long=0.006, short=0.003, method="ev_net", curve=curve)


@pytest.fixture
def quality() -> DataQuality:
    """Eleven bars missing in one hole, a halt, and two rejected rows that were replaced."""
    hole = Gap(day("2018-02-01"), day("2018-02-01 11:00"), 11, "missing")
    klines = KlinesQuality(
        bars=18_949,
        first_open_time=day("2017-07-05"),
        last_close_time=day("2019-10-02"),
        rejected={"high below low": 2},
        holes=0,
        gaps={"missing": GapCount(1, 11), "halted": GapCount(3, 28)},
        longest_gaps=(hole,),
        zero_volume_bars=31,
        moves=18_000,
    )
    return DataQuality(
        klines,
        {"rejections": judge_rejections(klines), "continuity": judge_continuity(klines)},
        frozenset({"rejections", "continuity"}),
    )


@pytest.fixture
def search() -> Search:
    """Four trials: one given up, one without a score."""
    trials = pd.DataFrame(
        {
            "number": [0, 1, 2, 3],
            "state": ["complete", "pruned", "complete", "fail"],
            "score": [-0.01, -0.2, 0.004, np.nan],
        }
    )
    luck = {"dev_sharpe": Metric(1.1), "overfitting": Metric(0.41, no_skill=0.5, n=2)}
    return Search(trials, {"Label": "realized over 96 bars, k 1, 8 ahead"}, luck)


@pytest.fixture
def sensitivity() -> tuple[CostPoint, ...]:
    """Three costs; the account earns only where trading is free."""
    return tuple(
        CostPoint(multiple, 30 * multiple, Metric(earned), Metric(sharpe), Metric(84))
        for multiple, earned, sharpe in ((0.0, 0.04, 0.9), (1.0, -0.0312, -0.83), (2.0, -0.1, -2.1))
    )


@pytest.fixture
def direction() -> DirectionCurves:
    """Curves of a forecast without skill."""
    generator = np.random.default_rng(5)
    found = direction_curves(
        scored_rows(generator.dirichlet((2, 3, 2), 900), generator.integers(-1, 2, 900).astype(float))
    )
    assert found is not None
    return found


@pytest.fixture
def importance() -> pd.DataFrame:
    """Two columns, one of them permuted, and their family."""
    return pd.DataFrame(
        {
            "feature": ["return_4", "<taker>", "price"],
            "level": ["column", "column", "family"],
            "shap_direction": [0.05, 0.11, 0.13],
            "auc_drop": [np.nan, 0.004, 0.02],
            "auc_drop_error": [np.nan, 0.002, 0.005],
        }
    )


@pytest.fixture
def inputs(
    verdict: dict[str, Any],
    slices: Slices,
    equity: pd.DataFrame,
    trades: pd.DataFrame,
    labels: pd.DataFrame,
    direction: DirectionCurves,
    thresholds: Thresholds,
    sensitivity: tuple[CostPoint, ...],
    calibration: Calibration,
    quality: DataQuality,
    search: Search,
    importance: pd.DataFrame,
) -> ReportInputs:
    """A whole report without an edge."""
    return ReportInputs(
        verdict=verdict,
        market_description="Bitcoin against US dollar, spot.",
        is_synthetic=False,
        costs=CostsConfig(),
        horizon_text="8 bars (8 hours)",
        slices=slices,
        quality=quality,
        lineage=Lineage(
            data="d" * 64,
            code="c" * 64,
            configuration=None,
            recipe="r" * 64,
            bundle="b" * 64,
            deploy_reason="no edge proven: stay flat",
        ),
        initial_capital=100_000.0,
        equity=equity,
        trades=trades,
        labels=labels,
        direction=direction,
        thresholds=thresholds,
        sensitivity=sensitivity,
        break_even_correlation=Metric(0.1312),
        calibration=calibration,
        search=search,
        importance=importance,
    )
