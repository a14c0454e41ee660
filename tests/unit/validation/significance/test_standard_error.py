"""The closed form against the sum of the paper, written out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from truebar.errors import ConfigurationError
from truebar.validation.significance import bootstrap_standard_error


def by_the_lemma(values: np.ndarray, mean_block: float) -> float:
    n, keep = values.size, 1 - 1 / mean_block
    centred = values - values.mean()
    total = float(centred @ centred) / n
    for i in range(1, n):
        weight = (1 - i / n) * keep**i + i / n * keep ** (n - i)
        total += 2 * weight * float(centred[:-i] @ centred[i:]) / n
    return math.sqrt(total / n)


@pytest.mark.parametrize("rows", [1, 2, 7, 300, 2_000])
@pytest.mark.parametrize("mean_block", [1.0, 1.5, 8.0, 400.0])
def test_standard_error_is_the_sum_of_the_lemma(rows: int, mean_block: float) -> None:
    values = 5 + np.random.default_rng(rows).standard_t(4, rows).cumsum()
    found = bootstrap_standard_error(values, mean_block=mean_block)
    assert found == pytest.approx(by_the_lemma(values, mean_block), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_standard_error_of_a_value_that_is_not_finite_raises(bad: float) -> None:
    with pytest.raises(ConfigurationError, match="1 that are not finite"):
        bootstrap_standard_error([0.1, bad, 0.2], mean_block=1.0)


@pytest.mark.parametrize("series", [[], [[0.1, 0.2]]])
def test_standard_error_of_no_series_raises(series: list[object]) -> None:
    with pytest.raises(ConfigurationError):
        bootstrap_standard_error(series, mean_block=1.0)
