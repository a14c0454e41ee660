"""No registered family may know its future, or the labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.causality.bars import causality_bars
from truebar.features import FAMILIES, FEATURE_SETS, batch
from truebar.labels import vol_scaled
from truebar.validation.causality import find_leaks
from truebar.volatility import estimate

BARS = causality_bars(seed=7)


@pytest.mark.parametrize("name", FAMILIES)
def test_family_with_another_future_says_the_same(name):
    def compute(bars: pd.DataFrame) -> pd.DataFrame:
        return batch(bars, name, timeframe="1h")

    assert find_leaks(compute, BARS, generator=np.random.default_rng(1)) == []
    assert compute(BARS)[list(FAMILIES[name].columns)].notna().any().all()


@pytest.mark.parametrize("feature_set", FEATURE_SETS)
def test_batch_with_another_future_says_the_same(feature_set):
    assert (
        find_leaks(
            lambda bars: batch(bars, feature_set, timeframe="1h"), BARS, generator=np.random.default_rng(2)
        )
        == []
    )


@pytest.mark.parametrize("feature_set", FEATURE_SETS)
def test_batch_of_bars_that_carry_labels_ignores_them(feature_set):
    sigma = estimate(BARS, "realized", window=24)
    labels = vol_scaled(BARS, sigma, k=1.0, horizon_bars=4, timeframe="1h")
    with_labels = pd.concat([BARS, labels], axis=1)
    pd.testing.assert_frame_equal(batch(with_labels, feature_set), batch(BARS, feature_set), check_exact=True)
