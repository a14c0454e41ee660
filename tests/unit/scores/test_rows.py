"""The rows that are scored."""

from __future__ import annotations

import pandas as pd
import pytest

from truebar.errors import SchemaError
from truebar.scores.rows import scored_rows


def test_scored_rows_frame_is_read_by_name() -> None:
    frame = pd.DataFrame({"p_up": [0.6, 0.9], "p_down": [0.1, 0.9], "p_flat": [0.3, 0.9]})
    found = scored_rows(frame, [1, 1])
    assert found.probabilities.tolist() == [[0.1, 0.3, 0.6]]
    assert (found.labels.tolist(), found.left_out) == ([1], 1)


def test_scored_rows_nullable_frame_leaves_out_the_missing_row() -> None:
    frame = pd.DataFrame({"p_down": [0.1, None], "p_flat": [0.3, 0.5], "p_up": [0.6, 0.5]}, dtype="Float64")
    assert scored_rows(frame, [1, -1]).left_out == 1


def test_scored_rows_frame_without_a_name_raises() -> None:
    with pytest.raises(SchemaError, match="lack p_flat"):
        scored_rows(pd.DataFrame({"p_down": [0.1], "flat": [0.3], "p_up": [0.6]}), [1])
