"""The three probabilities of a row by name and place, and one floor before every logarithm."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from truebar.calibration.platt import PlattCalibration
from truebar.calibration.temperature import TemperatureCalibration
from truebar.errors import SchemaError
from truebar.probabilities import PROBABILITY_FLOOR, probability_columns
from truebar.scores.activity import log_loss_rows
from truebar.scores.direction import direction_score

CERTAIN = np.array([[0.0, 0.0, 1.0]])


def test_probability_columns_of_a_frame_are_read_by_name_and_of_an_array_by_place() -> None:
    frame = pd.DataFrame({"p_up": [0.5], "other": ["x"], "p_flat": [None], "p_down": [0.2]})
    np.testing.assert_array_equal(probability_columns(frame), [[0.2, np.nan, 0.5]])
    np.testing.assert_array_equal(probability_columns([[0.2, 0.3, 0.5]]), [[0.2, 0.3, 0.5]])


@pytest.mark.parametrize(
    "rows", [[0.2, 0.3, 0.5], [[0.5, 0.5]], [["a", "b", "c"]], pd.DataFrame({"p_up": [0.5], "p_flat": [0.5]})]
)
def test_probability_columns_of_anything_else_raise(rows: npt.ArrayLike) -> None:
    with pytest.raises(SchemaError):
        probability_columns(rows)


def test_an_impossible_row_is_held_at_the_same_floor_in_every_logarithm() -> None:
    deepest = -math.log(PROBABILITY_FLOOR)
    came = np.array([[1.0, 0.0, 0.0]])
    assert log_loss_rows(CERTAIN, came)[0] == pytest.approx(deepest)
    assert direction_score(CERTAIN)[0] == pytest.approx(deepest)
    half = TemperatureCalibration(2.0).predict(CERTAIN)[0]
    assert math.log(half[2] / half[0]) == pytest.approx(deepest / 2)
    line = PlattCalibration((0.0, 0.0, 0.0), (0.5, 0.5, 0.5)).predict(CERTAIN)[0]
    assert math.log(line[2] / line[0]) == pytest.approx(deepest / 2, rel=1e-5)
