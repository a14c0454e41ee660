"""One realistic verdict and the report inputs around it; tests change what they are about."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from truebar.config import CostsConfig
from truebar.reports import Calibration, DataQuality, Lineage, ReliabilityBin, ReportInputs, Slices

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


@pytest.fixture
def slices() -> Slices:
    """158 days of vault after two years of dev."""
    return Slices(
        dev_start=pd.Timestamp("2017-07-05", tz="UTC"),
        dev_end=pd.Timestamp("2019-04-26 16:00", tz="UTC"),
        dev_rows=15_152,
        purged_rows=8,
        vault_start=pd.Timestamp("2019-04-27", tz="UTC"),
        vault_end=pd.Timestamp("2019-10-02", tz="UTC"),
        vault_rows=BARS,
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
def calibration() -> Calibration:
    """Two bins before and two after."""
    bins = tuple(
        ReliabilityBin(stage, predicted, observed, 400)
        for stage in ("before", "after")
        for predicted, observed in ((0.2, 0.22), (0.4, 0.37))
    )
    return Calibration("platt", {"brier": (0.6239, 0.6191), "ece": (0.0291, None)}, bins)


@pytest.fixture
def inputs(
    verdict: dict[str, Any], slices: Slices, equity: pd.DataFrame, calibration: Calibration
) -> ReportInputs:
    """A whole report without an edge."""
    return ReportInputs(
        verdict=verdict,
        market_description="Bitcoin against US dollar, spot.",
        is_synthetic=False,
        costs=CostsConfig(),
        horizon_text="8 bars (8 hours)",
        slices=slices,
        quality=DataQuality(bars=18_949, missing=11, halted=28, quarantined={"high below low": 2}),
        lineage=Lineage(data="d" * 64, code="c" * 64, configuration=None, recipe="r" * 64, bundle="b" * 64),
        initial_capital=100_000.0,
        equity=equity,
        break_even_correlation=0.1312,
        calibration=calibration,
    )
