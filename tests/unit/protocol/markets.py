"""A small synthetic market with a history of simple columns, for tests of protocol and study."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from truebar.config import BacktestConfig, LabelConfig, OptunaConfig, XgbConfig
from truebar.history import History
from truebar.labels import vol_scaled
from truebar.market import synthetic
from truebar.models.recipe import Request, xgboost_request
from truebar.volatility import estimate

TIMEFRAME = "15m"
LABEL = LabelConfig(estimator="realized", window=48, k=0.75, horizon_bars=4)
COLUMNS = ("share_1", "share_4", "share_16", "return_1")


@cache
def small_market(n_bars: int = 3_000, strength: float = 0.4) -> pd.DataFrame:
    """Return bars in which flow predicts returns strongly."""
    return synthetic("SYN-EDGE", seed=11, n_bars=n_bars, A=strength).bars


def history_of(bars: pd.DataFrame, label: LabelConfig = LABEL) -> History:
    """Return four columns and the labels of the bars."""
    share = bars["taker_buy_volume"] / bars["volume"] - 0.5
    matrix = pd.DataFrame(
        {
            "open_time": bars["open_time"],
            "available_at": bars["close_time"],
            **{f"share_{span}": share.ewm(span=span).mean() for span in (1, 4, 16)},
            "return_1": np.log(bars["close"]).diff(),
        }
    )
    sigma = estimate(bars, label.estimator, window=label.window, timeframe=TIMEFRAME)
    labels = vol_scaled(bars, sigma, k=label.k, horizon_bars=label.horizon_bars, timeframe=TIMEFRAME)
    return History.align(matrix, labels.assign(open_time=bars["open_time"].to_numpy()))


def request_of(n_trials: int = 4, **model: object) -> Request:
    """Return a request of small models with cheap trading."""
    settings = XgbConfig.model_validate(
        {
            "xgb": {"rounds": 20, "max_depth": 2, "learning_rate": 0.2, "min_child_weight": 5},
            "validation": {"folds": 3},
            "optuna": OptunaConfig(
                n_trials=n_trials,
                space={"rounds": {"low": 10, "high": 30}, "max_depth": {"low": 1, "high": 3}},
            ).model_dump(),
            **model,
        }
    )
    costs = BacktestConfig(costs={"fee_bps": 1, "slippage_bps": 1})
    return xgboost_request(
        COLUMNS, LABEL, settings, costs, k_grid=(0.5, 0.75), estimators=("realized", "parkinson")
    )
