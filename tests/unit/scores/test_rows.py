"""The rows that are scored."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from truebar.errors import ConfigurationError, InvalidProbabilityError, SchemaError, TooFewRowsError
from truebar.scores.rows import checked_shares, class_shares, scored_rows


def test_scored_rows_frame_is_read_by_name() -> None:
    frame = pd.DataFrame({"p_up": [0.6, np.nan], "p_down": [0.1, 0.5], "p_flat": [0.3, 0.5]})
    found = scored_rows(frame, [1, 1])
    assert found.probabilities.tolist() == [[0.1, 0.3, 0.6]]
    assert (found.labels.tolist(), found.left_out) == ([1], 1)


def test_scored_rows_nullable_frame_leaves_out_the_missing_row() -> None:
    frame = pd.DataFrame({"p_down": [0.1, None], "p_flat": [0.3, 0.5], "p_up": [0.6, 0.5]}, dtype="Float64")
    assert scored_rows(frame, [1, -1]).left_out == 1


def test_scored_rows_frame_without_a_name_raises() -> None:
    with pytest.raises(SchemaError, match="lack p_flat"):
        scored_rows(pd.DataFrame({"p_down": [0.1], "flat": [0.3], "p_up": [0.6]}), [1])


@pytest.mark.parametrize(
    "row", [[math.inf, 0.0, 0.0], [0.9, 0.9, 0.9], [-0.1, 0.6, 0.5], [0.0, 0.0, 0.0], [0.3, 0.3, 0.3]]
)
def test_scored_rows_that_are_no_probabilities_raise_and_are_counted(row: list[float]) -> None:
    with pytest.raises(InvalidProbabilityError, match=r"1 of 2 rows .* the first is row 1"):
        scored_rows([[0.2, 0.5, 0.3], row], [1, None])


@pytest.mark.parametrize("shares", [(0.2, 0.6, 0.3), (math.nan, 0.5, 0.5), (-0.1, 0.6, 0.5), (0.5, 0.5)])
def test_checked_shares_that_are_none_raise(shares: tuple[float, ...]) -> None:
    with pytest.raises(ConfigurationError, match="sum to one"):
        checked_shares(shares)


def test_class_shares_without_a_label_raises() -> None:
    with pytest.raises(TooFewRowsError):
        class_shares(pd.Series([None, None], dtype="Int64"))
