"""Calibration on a planted market, judged by the true probabilities, which have no noise of labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xgboost

from truebar.calibration import choose, cross_fit
from truebar.calibration.methods import METHODS
from truebar.config import LabelConfig
from truebar.labels import vol_scaled
from truebar.market import oracle, synthetic
from truebar.scores.activity import equal_mass_bins
from truebar.volatility import estimate

HORIZON, FOLDS, GAP = 4, 5, 100
LABEL = LabelConfig(estimator="realized", window=96, k=1.0, horizon_bars=HORIZON)
HARM = 0.003
"""What a method may add to the mean error. Temperature adds: one number cannot mend three classes at once."""
MOST_ERROR = 0.015
"""Of calibrated boosters on planted markets."""


def true_error(said: np.ndarray, true: np.ndarray) -> float:
    """Return the mean over classes and bins of equal mass of |mean p - mean true p|."""
    errors = []
    for column in range(3):
        place = equal_mass_bins(np.ascontiguousarray(said[:, column]))
        gap = pd.Series(said[:, column] - true[:, column]).groupby(place).mean()
        errors.append(gap.abs().mean())
    return float(np.mean(errors))


def columns_of(bars: pd.DataFrame, sigma: np.ndarray) -> np.ndarray:
    share = bars["taker_buy_volume"] / bars["volume"] - 0.5
    made = [share.ewm(span=span).mean() for span in (1, 2, 4, 8, 16, 32, 64)]
    size = np.log(bars["close"]).diff().abs()
    made += [size.rolling(8).mean() / sigma, bars["open_time"].dt.hour]
    return np.column_stack(made)


@pytest.fixture(scope="module")
def left_out() -> dict[str, np.ndarray]:
    """Return out-of-fold probabilities of a booster, with true probabilities, labels and folds."""
    market = synthetic("SYN-EDGE", seed=5, n_bars=14_000, A=0.12)
    sigma = estimate(market.bars, "realized", window=96, timeframe="15m")
    label = vol_scaled(market.bars, sigma, k=1.0, horizon_bars=HORIZON, timeframe="15m")["label"]
    true = oracle(market, LABEL).probabilities
    matrix = columns_of(market.bars, sigma)
    rows = np.flatnonzero(label.notna() & true["p_up"].notna() & np.isfinite(matrix).all(axis=1))
    matrix, classes = matrix[rows], label.to_numpy(dtype=float)[rows].astype(int) + 1
    fold = np.arange(rows.size) * FOLDS // rows.size
    said = np.empty((rows.size, 3))
    settings = {"objective": "multi:softprob", "num_class": 3, "max_depth": 4, "eta": 0.15, "nthread": 1}
    for number in range(FOLDS):
        own = fold == number
        near = np.convolve(own, np.ones(2 * GAP + 1), "same") > 0.5
        train = xgboost.DMatrix(matrix[~near], classes[~near])
        said[own] = xgboost.train(settings, train, 60).predict(xgboost.DMatrix(matrix[own]))
    return {"said": said, "true": true.to_numpy()[rows], "labels": classes - 1, "fold": fold}


@pytest.mark.parametrize("method", METHODS)
def test_cross_fit_on_a_planted_market_does_no_harm(left_out: dict[str, np.ndarray], method: str) -> None:
    said, true = left_out["said"], left_out["true"]
    calibrated = cross_fit(method, said, left_out["labels"], left_out["fold"])
    before, after = true_error(said, true), true_error(calibrated, true)
    assert 0.01 < before < 0.05  # this booster is too bold, so that there is something to mend
    assert after <= before + HARM


def test_choose_on_a_planted_market_mends_a_bold_booster(left_out: dict[str, np.ndarray]) -> None:
    rows = (left_out["said"], left_out["labels"], left_out["fold"])
    chosen = choose(METHODS, *rows, mean_block_bars=8 * HORIZON)
    after = true_error(cross_fit(chosen, *rows), left_out["true"])
    assert chosen != "none"
    assert after < min(true_error(left_out["said"], left_out["true"]) / 1.5, MOST_ERROR)


def test_fit_on_a_fold_alone_is_worse_than_cross_fitted(left_out: dict[str, np.ndarray]) -> None:
    """Why METHOD §5 left the calibrator of a tenth of history: few rows calibrate worse than four folds."""
    said, true, labels = (left_out[name] for name in ("said", "true", "labels"))
    first = left_out["fold"] == 0
    few = np.full(first.sum(), 1)
    few[: first.sum() // 2] = 0
    small = cross_fit("platt", said[first], labels[first], few)
    large = cross_fit("platt", said, labels, left_out["fold"])[first]
    assert true_error(small, true[first]) > true_error(large, true[first])
