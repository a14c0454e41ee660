"""A volatility knows nothing after its bar; a label nothing after its end."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.causality.bars import causality_bars
from truebar.labels import vol_scaled
from truebar.validation.causality import find_leaks
from truebar.volatility import ESTIMATORS, estimate

BARS = causality_bars(seed=9)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_volatility_with_another_future_says_the_same(estimator):
    def compute(bars: pd.DataFrame) -> np.ndarray:
        return estimate(bars, estimator, window=24, timeframe="1h", tick_size=0.01)

    assert find_leaks(compute, BARS, generator=np.random.default_rng(1)) == []
    assert np.isfinite(compute(BARS)).sum() > 400


@pytest.mark.parametrize("horizon_bars", [1, 7])
def test_labels_with_another_future_say_the_same_of_what_has_ended(horizon_bars):
    def compute(bars: pd.DataFrame) -> pd.DataFrame:
        sigma = estimate(bars, "realized", window=24, timeframe="1h")
        return vol_scaled(bars, sigma, k=0.7, horizon_bars=horizon_bars, timeframe="1h")

    def thresholds(bars: pd.DataFrame) -> pd.DataFrame:
        return compute(bars)[["sigma", "tau"]]

    generator = np.random.default_rng(2)
    assert find_leaks(compute, BARS, generator=generator, known_at="label_end") == []
    assert find_leaks(thresholds, BARS, generator=generator) == []
    assert {leak.column for leak in find_leaks(compute, BARS, generator=generator)} >= {
        "future_return",
        "label",
    }
