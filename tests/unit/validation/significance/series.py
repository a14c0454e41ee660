"""Series with memory, for tests of blocks."""

from __future__ import annotations

import numpy as np


def autoregression(phi: float, rows: int, seed: int = 7) -> np.ndarray:
    """Return an AR(1) of coefficient `phi` with standard normal shocks."""
    noise = np.random.default_rng(seed).standard_normal(rows)
    values = np.empty(rows)
    values[0] = noise[0]
    for row in range(1, rows):
        values[row] = phi * values[row - 1] + noise[row]
    return values
