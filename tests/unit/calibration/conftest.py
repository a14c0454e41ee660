"""A simulated market of probabilities: the model is overconfident and leans to one side."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import softmax


@dataclass(frozen=True)
class Simulated:
    """Raw and true probabilities float64[n, 3], the labels drawn from the true ones, and five folds."""

    raw: np.ndarray
    true: np.ndarray
    labels: np.ndarray
    fold: np.ndarray


def simulate(n: int, *, seed: int, temperature: float, bias: tuple[float, float, float]) -> Simulated:
    rng = np.random.default_rng(seed)
    true = softmax(rng.normal(0.0, 0.6, size=(n, 3)) + np.array([0.0, 0.5, 0.0]), axis=1)
    labels = (rng.random((n, 1)) > np.cumsum(true, axis=1)).sum(axis=1) - 1
    raw = softmax(np.log(true) * temperature + np.array(bias), axis=1)
    return Simulated(raw, true, labels, np.arange(n) * 5 // n)


@pytest.fixture(scope="session")
def market() -> Simulated:
    return simulate(15_000, seed=11, temperature=2.0, bias=(0.4, 0.0, -0.4))


@pytest.fixture(scope="session")
def overconfident() -> Simulated:
    return simulate(15_000, seed=12, temperature=2.5, bias=(0.0, 0.0, 0.0))


@pytest.fixture(scope="session")
def log_loss():
    def mean_log_loss(probabilities, labels):
        chosen = probabilities[np.arange(len(labels)), np.asarray(labels) + 1]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    return mean_log_loss
