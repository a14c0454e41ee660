"""Sizes at entry."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from truebar.config import SizingConfig
from truebar.errors import ConfigurationError, SchemaError
from truebar.risk.sizing import position_sizes, predicted_variance


def test_position_sizes_hourly_volatility_hits_the_yearly_target() -> None:
    sigma = 0.40 / np.sqrt(24 * 365)
    assert position_sizes([sigma], timeframe="1h", config=SizingConfig()) == pytest.approx([0.5])


def test_position_sizes_calm_market_stops_at_the_largest() -> None:
    assert position_sizes([1e-6], timeframe="1h", config=SizingConfig(q_max=0.8)).tolist() == [0.8]


def test_position_sizes_unknown_volatility_is_nan() -> None:
    assert np.isnan(position_sizes([np.nan, 0.0, -1.0, np.inf], timeframe="1h", config=SizingConfig())).all()


def test_position_sizes_kelly_takes_the_smallest_of_three() -> None:
    config = SizingConfig(kelly=True, kelly_fraction=0.25)
    rows = [[0.2, 0.5, 0.3]] * 3
    sizes = position_sizes(
        [1e-4, 1e-4, 1e-4],
        timeframe="1h",
        config=config,
        probabilities=rows,
        edge=[0.0032, 0.001, 0.1],
        tau=[0.01, 0.01, 0.01],
        class_moments=(4.0, 0.3, 4.0),
        round_trip_cost=0.003,
    )
    variance = 0.01**2 * (0.2 * 4 + 0.5 * 0.3 + 0.3 * 4)
    assert sizes == pytest.approx([0.25 * 0.0002 / variance, 0.0, 1.0])


def test_position_sizes_kelly_invalid_row_is_nan() -> None:
    sizes = position_sizes(
        [1e-4],
        timeframe="1h",
        config=SizingConfig(kelly=True),
        probabilities=[[0.9, 0.9, 0.9]],
        edge=[0.1],
        tau=[0.01],
        class_moments=(1.0, 1.0, 1.0),
        round_trip_cost=0.003,
    )
    assert np.isnan(sizes[0])


def test_position_sizes_kelly_without_its_inputs_raises() -> None:
    with pytest.raises(ConfigurationError, match="Kelly"):
        position_sizes([0.01], timeframe="1h", config=SizingConfig(kelly=True))


def test_predicted_variance_other_length_raises() -> None:
    with pytest.raises(SchemaError):
        predicted_variance([[0.2, 0.5, 0.3]], [0.01, 0.01], (1.0, 1.0, 1.0))


def test_predicted_variance_moments_per_row_equal_each_row_alone() -> None:
    rng = np.random.default_rng(0)
    for count in (1, 3, 4):
        rows, tau = rng.dirichlet([1, 1, 1], count), rng.uniform(0.001, 0.02, count)
        moments = rng.uniform(0.1, 9, (count, 3))
        alone = [predicted_variance(rows[[row]], tau[[row]], tuple(moments[row]))[0] for row in range(count)]
        assert predicted_variance(rows, tau, moments).tolist() == pytest.approx(alone)


@pytest.mark.parametrize(
    "moments", [4.0, (4.0, 0.3), [[4.0, 0.3, 4.0]], np.ones((3, 4)), np.ones((2, 3, 3)), [[1, 1, 1], [1]]]
)
def test_predicted_variance_moments_of_another_shape_raise(moments: object) -> None:
    with pytest.raises(SchemaError, match="class_moments"):
        predicted_variance([[0.2, 0.5, 0.3]] * 3, [0.01] * 3, moments)


def test_predicted_variance_frame_is_read_by_name() -> None:
    frame = pd.DataFrame({"p_up": [0.6], "p_flat": [0.3], "p_down": [0.1]})
    expected = predicted_variance([[0.1, 0.3, 0.6]], [0.01], (9.0, 0.3, 4.0))
    assert predicted_variance(frame, [0.01], (9.0, 0.3, 4.0)).tolist() == expected.tolist()
