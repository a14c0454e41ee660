"""Rows with a known, weak signal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from truebar.scores.intervals import Resampling

Rows = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def signal() -> Callable[..., Rows]:
    """Probabilities and labels; `skill` moves ups from downs, `coarse` makes equal scores."""

    def build(rows: int, *, skill: float = 0.3, seed: int = 0, coarse: bool = False) -> Rows:
        rng = np.random.default_rng(seed)
        labels = rng.choice([-1, 0, 1], rows, p=[0.2, 0.6, 0.2])
        tilt = rng.normal(size=rows) + skill * labels
        quiet = 1 + 0.4 * rng.normal(size=rows) + 0.3 * (labels == 0)
        if coarse:
            tilt, quiet = np.round(tilt), np.ones(rows)
        odds = np.exp(np.column_stack((-0.4 * tilt, quiet, 0.4 * tilt)))
        return odds / odds.sum(axis=1, keepdims=True), labels

    return build


@pytest.fixture
def how() -> Resampling:
    """Few resamples: enough to see an interval."""
    return Resampling(horizon_bars=4, generator=np.random.default_rng(0), n_resamples=200)
