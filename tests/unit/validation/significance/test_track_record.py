"""The record that proves a Sharpe ratio: the paper's numbers, and the ratio it makes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truebar.errors import ConfigurationError
from truebar.validation.significance import (
    deflated_sharpe_ratio,
    min_track_record_bars,
    probabilistic_sharpe_ratio,
)


@pytest.mark.parametrize(
    ("per_year", "skew", "kurtosis", "years"),
    [(250, 0, 3, 2.73), (52, 0, 3, 2.83), (12, 0, 3, 3.24), (12, -0.72, 5.78, 4.99)],
)
def test_min_track_record_bars_of_the_paper(
    per_year: int, skew: float, kurtosis: float, years: float
) -> None:
    # Bailey & López de Prado (2012): yearly Sharpe 2 above 1, seen daily, weekly, monthly, and monthly with
    # the skew and kurtosis of hedge funds.
    observed, benchmark = 2 / math.sqrt(per_year), 1 / math.sqrt(per_year)
    bars = min_track_record_bars(observed, skew=skew, kurtosis=kurtosis, benchmark=benchmark)
    assert bars / per_year == pytest.approx(years, abs=0.005)


@given(
    sharpe=st.floats(0.005, 0.5),
    skew=st.floats(-1.5, 1.5),
    kurtosis=st.floats(4, 30),
    confidence=st.sampled_from([0.9, 0.95, 0.99]),
)
@settings(max_examples=60, deadline=None)
def test_min_track_record_bars_is_where_the_probability_reaches_the_confidence(
    sharpe: float, skew: float, kurtosis: float, confidence: float
) -> None:
    moments = {"skew": skew, "kurtosis": kurtosis}
    bars = math.ceil(min_track_record_bars(sharpe, confidence=confidence, **moments))
    assert probabilistic_sharpe_ratio(sharpe, n=bars, **moments) >= confidence - 1e-9
    if bars > 2:
        assert probabilistic_sharpe_ratio(sharpe, n=bars - 1, **moments) < confidence + 1e-9


@given(sharpe=st.floats(0.005, 0.3), looks=st.integers(2, 200))
@settings(max_examples=60, deadline=None)
def test_min_track_record_bars_under_looks_is_where_the_deflated_ratio_is_proven(
    sharpe: float, looks: int
) -> None:
    moments = {"skew": -0.4, "kurtosis": 9.0}
    bars = math.ceil(min_track_record_bars(sharpe, n_trials=looks, **moments))
    assert deflated_sharpe_ratio(sharpe, n=bars, n_trials=looks, **moments) >= 0.95
    assert deflated_sharpe_ratio(sharpe, n=bars - 3, n_trials=looks, **moments) < 0.95
    assert bars > min_track_record_bars(sharpe, **moments)


@pytest.mark.parametrize("sharpe", [-0.1, 0.0, 0.05])
def test_min_track_record_bars_never_proves_a_ratio_that_is_not_above_the_benchmark(sharpe: float) -> None:
    assert min_track_record_bars(sharpe, skew=0, kurtosis=3, benchmark=0.05) == math.inf


@pytest.mark.parametrize(
    "bad",
    [
        {"confidence": 0.5},
        {"confidence": 1.0},
        {"skew": 9.0, "kurtosis": 1.0},
        {"n_trials": 0},
        {"benchmark": math.nan},
        {"kurtosis": math.inf},
    ],
)
def test_min_track_record_bars_bad_arguments_raise(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        min_track_record_bars(0.3, **({"skew": 0.0, "kurtosis": 3.0} | bad))
