"""No column alone may give SYN-EDGE away: what is planted has to be put together from several."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from truebar.config import LabelConfig
from truebar.features import batch
from truebar.labels import vol_scaled
from truebar.market import oracle, synthetic
from truebar.volatility import estimate

BARS_PER_YEAR_15M = 35_040
STRENGTH = 0.25


@pytest.fixture(scope="module")
def edge():
    return synthetic("SYN-EDGE", seed=5, n_bars=BARS_PER_YEAR_15M, A=STRENGTH)


@pytest.mark.parametrize("k", [0.5, 1.0])
def test_no_registered_column_alone_finds_60_percent_of_the_planted_direction(edge, k):
    label = LabelConfig(estimator="realized", k=k, horizon_bars=4)
    known = oracle(edge, label)
    sigma = estimate(edge.bars, "realized", window=label.window, timeframe="15m")
    labels = vol_scaled(edge.bars, sigma, k=k, horizon_bars=4, timeframe="15m")["label"].to_numpy(np.float64)
    rows = np.isfinite(labels) & (labels != 0) & known.probabilities["p_up"].notna().to_numpy()
    features = batch(edge.bars, timeframe="15m").drop(columns=["open_time", "available_at"])
    shares = {}
    for name in features.columns:
        given = rows & features[name].notna().to_numpy()
        area = roc_auc_score(labels[given] > 0, features[name][given])
        shares[name] = abs(area - 0.5) / (known.roc_auc - 0.5)
    assert max(shares.values()) < 0.60, max(shares, key=shares.get)
    assert max(shares.values()) > 0.30, "the columns have lost the planted signal"
