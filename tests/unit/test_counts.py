"""A count is a whole number within bounds, or an error with its name: no raw error, no silent number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from truebar.counts import LARGEST, whole_number
from truebar.errors import ConfigurationError
from truebar.funding import expected_funding
from truebar.labels import vol_scaled
from truebar.market import synthetic
from truebar.scores.intervals import Resampling
from truebar.validation import (
    CombinatorialPurgedKFold,
    PurgedKFold,
    PurgedWalkForward,
    default_embargo_bars,
)
from truebar.validation.significance import (
    luckiest_sharpe,
    mean_block_length,
    probability_of_backtest_overfitting,
    stationary_bootstrap,
)
from truebar.volatility import estimate

NAN, INFINITY = float("nan"), float("inf")
TIMES = pd.date_range("2025-01-01", periods=40, freq="1h", tz="UTC")
PRICES = dict.fromkeys(("open", "high", "low", "close"), 100.0)
BARS = pd.DataFrame({"open_time": TIMES, **PRICES, "volume": 1.0})
RETURNS = np.random.default_rng(0).normal(size=(40, 3))


@pytest.mark.parametrize("value", [3, 3.0, np.int32(3), np.uint8(3), np.float32(3), np.float64(3)])
def test_whole_number_of_any_type_is_an_int(value: Any) -> None:
    found = whole_number("window", value, 3, 3)
    assert (found, type(found)) == (3, int)


@pytest.mark.parametrize(
    "value",
    [
        2,
        2.5,
        -3,
        NAN,
        INFINITY,
        -INFINITY,
        True,
        np.True_,
        "3",
        None,
        3 + 0j,
        10**400,
        np.float64(2**63),
        [3],
    ],
)
def test_whole_number_of_anything_else_raises_with_the_name(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^window is .*; expected a whole number of at least 3\."):
        whole_number("window", value, 3)


@pytest.mark.parametrize("value", [9, 5_001, NAN])
def test_whole_number_out_of_two_bounds_is_told_both(value: float) -> None:
    with pytest.raises(ConfigurationError, match="a whole number from 10 to 5,000"):
        whole_number("n_bars", value, 10, 5_000)
    assert whole_number("seed", LARGEST, 0) == LARGEST


def drawn(**changes: Any) -> Any:
    given = {"n_rows": 5, "n_resamples": 3} | changes
    return stationary_bootstrap(
        given.pop("n_rows"), mean_block=2, generator=np.random.default_rng(0), **given
    )


COUNTS: list[tuple[str, Callable[[Any], Any]]] = [
    ("window", lambda count: estimate(BARS, "atr", window=count)),
    ("horizon_bars", lambda count: vol_scaled(BARS, [0.01] * 40, k=1.0, horizon_bars=count, timeframe="1h")),
    ("horizon_bars", lambda count: expected_funding(TIMES, None, horizon_bars=count)),
    ("horizon_bars", lambda count: default_embargo_bars(count, "1h", 100)),
    ("n_dev", lambda count: default_embargo_bars(1, "1h", count)),
    ("horizon_bars", lambda count: mean_block_length(RETURNS[:, 0], horizon_bars=count)),
    ("horizon_bars", lambda count: Resampling(count, np.random.default_rng(0))),
    ("n_resamples", lambda count: Resampling(1, np.random.default_rng(0), count)),
    ("n_splits", lambda count: PurgedKFold(count, embargo_bars=0)),
    ("embargo_bars", lambda count: PurgedKFold(2, embargo_bars=count)),
    ("n_test_splits", lambda count: CombinatorialPurgedKFold(4, count, embargo_bars=0)),
    ("n_splits", PurgedWalkForward),
    ("max_train_rows", lambda count: PurgedWalkForward(2, max_train_rows=count)),
    ("seed", lambda count: synthetic("SYN-NULL", seed=count, n_bars=100)),
    ("n_bars", lambda count: synthetic("SYN-NULL", seed=1, n_bars=count)),
    ("n_rows", lambda count: drawn(n_rows=count)),
    ("n_resamples", lambda count: drawn(n_resamples=count)),
    ("blocks", lambda count: probability_of_backtest_overfitting(RETURNS, blocks=count)),
    (
        "n_resamples",
        lambda count: luckiest_sharpe(
            RETURNS, horizon_bars=1, generator=np.random.default_rng(0), n_resamples=count
        ),
    ),
]


@pytest.mark.parametrize("count", [NAN, INFINITY, 1.5, -1, np.float64("nan"), "2", True])
@pytest.mark.parametrize(("name", "call"), COUNTS)
def test_a_count_that_is_none_is_refused_by_name_everywhere(
    name: str, call: Callable[[Any], Any], count: Any
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} is .*; expected a whole number"):
        call(count)


def test_a_count_as_a_float_without_a_fraction_is_that_count() -> None:
    pd.testing.assert_frame_equal(
        synthetic("SYN-NULL", seed=3.0, n_bars=np.int64(50)).bars,
        synthetic("SYN-NULL", seed=3, n_bars=50).bars,
    )
    np.testing.assert_array_equal(estimate(BARS, "atr", window=4.0), estimate(BARS, "atr", window=4))
    assert PurgedKFold(2.0, embargo_bars=0).n_splits == 2
