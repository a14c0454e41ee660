"""A history in which one column decides the direction, one the size of the move, and the rest are noise."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from tests.unit.protocol.markets import LABEL, request_of
from truebar.config import XgbConfig
from truebar.history import History
from truebar.models.out_of_fold import OutOfFold
from truebar.models.recipe import Recipe
from truebar.models.xgboost import out_of_fold

TIMEFRAME = "15m"
ROWS = 4_000
FAMILY_OF = {"decides": "flow", "twin": "flow", "size": "volatility", "noise_1": "price", "noise_2": "price"}
COLUMNS = tuple(FAMILY_OF)
SIGMA = 0.002


@cache
def planted() -> History:
    """Return rows whose return is the sign of `decides` half of the time; `twin` is it with some noise."""
    rng = np.random.default_rng(5)
    decides, size, noise_1, noise_2 = rng.normal(size=(4, ROWS))
    twin = decides + 0.3 * rng.normal(size=ROWS)
    spread = np.where(size > 0, 2.0, 1.0) * SIGMA
    future_return = spread * (1.0 * np.tanh(2 * decides) + rng.normal(size=ROWS))
    times = pd.date_range("2025-01-01", periods=ROWS, freq="15min", tz="UTC")
    tau = np.full(ROWS, 1.5 * SIGMA)
    labels = pd.DataFrame(
        {
            "sigma": SIGMA,
            "tau": tau,
            "future_return": future_return,
            "label": np.where(np.abs(future_return) > tau, np.sign(future_return), 0.0),
            "label_end": times + pd.Timedelta("75min"),
        }
    )
    features = np.column_stack([decides, twin, size, noise_1, noise_2]).astype(np.float32)
    features[::37, 2] = np.nan  # a missing value is a value too
    return History(times, features, COLUMNS, labels)


def recipe() -> Recipe:
    """Return a small recipe over these columns."""
    request = request_of().model_copy(update={"feature_columns": COLUMNS})
    return request.freeze(LABEL, XgbConfig.model_validate(PARAMETERS).xgb, "none")


PARAMETERS = {"xgb": {"rounds": 40, "max_depth": 3, "learning_rate": 0.15, "min_child_weight": 5}}


@cache
def made() -> OutOfFold:
    """Return the out-of-fold rows of the recipe, with the models of the folds."""
    return out_of_fold(planted(), np.arange(ROWS - 10), recipe(), timeframe=TIMEFRAME)
