"""The history: the same bars in features and labels, its digests, and what is told of its rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError
from truebar.history import History, concatenated

OPEN = pd.date_range("2025-01-01", periods=6, freq="1h", tz="UTC")
ROWS = np.array([1, 2, 3])


def matrix() -> pd.DataFrame:
    available = OPEN + pd.Timedelta("1h")
    values = np.arange(6.0)
    return pd.DataFrame({"open_time": OPEN, "available_at": available, "a": values, "b": -values})


def labels() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "open_time": OPEN,
            "sigma": 0.01,
            "tau": [0.01, 0.01, 0.02, 0.02, 0.01, np.nan],
            "future_return": [0.02, -0.03, 0.01, 0.04, -0.005, np.nan],
            "label": pd.array([1, -1, 0, 1, 0, None], dtype="Int8"),
            "label_end": [*(OPEN[:5] + pd.Timedelta("2h")), pd.NaT],
        }
    )


def history() -> History:
    return History.align(matrix(), labels())


def with_feature(row: int) -> History:
    features = history().features.copy()
    features[row, 1] += 1
    return replace(history(), features=features)


def with_label(row: int, column: str, value: object) -> History:
    changed = history().labels.copy()
    changed.loc[row, column] = value
    return replace(history(), labels=changed)


def test_align_keeps_the_features_in_order_and_the_labels_without_times() -> None:
    found = history()
    assert found.feature_columns == ("a", "b")
    assert found.features.dtype == np.float32
    assert found.features[2].tolist() == [2.0, -2.0]
    assert list(found.labels.columns) == ["sigma", "tau", "future_return", "label", "label_end"]
    np.testing.assert_array_equal(found.label, [1, -1, 0, 1, 0, np.nan])
    np.testing.assert_array_equal(found.column("tau"), labels()["tau"])


def test_align_labels_without_a_column_raise_with_its_name() -> None:
    with pytest.raises(SchemaError, match="missing: tau"):
        History.align(matrix(), labels().drop(columns="tau"))


def test_align_without_a_feature_raises() -> None:
    with pytest.raises(SchemaError, match="every feature"):
        History.align(matrix()[["open_time", "available_at"]], labels())


@pytest.mark.parametrize("other", [labels().iloc[:5], labels().assign(open_time=OPEN + pd.Timedelta("1h"))])
def test_align_other_bars_raise(other: pd.DataFrame) -> None:
    with pytest.raises(CorruptDataError, match="not the same"):
        History.align(matrix(), other)


LATER = pd.Timestamp("2025-01-02", tz="UTC")
READ_BY_TRAINING = [("tau", 0.5), ("future_return", 0.5), ("label", 0), ("label_end", LATER)]


@pytest.mark.parametrize(("column", "value"), READ_BY_TRAINING)
def test_digest_changes_with_each_label_column_of_its_rows_and_of_no_other(
    column: str, value: object
) -> None:
    assert with_label(1, column, value).digest(ROWS) != history().digest(ROWS)
    assert with_label(4, column, value).digest(ROWS) == history().digest(ROWS)


def test_digest_changes_with_features_names_and_times() -> None:
    found = {
        history().digest(ROWS),
        with_feature(1).digest(ROWS),
        replace(history(), feature_columns=("a", "c")).digest(ROWS),
        replace(history(), open_time=OPEN + pd.Timedelta("1h")).digest(ROWS),
        history().digest(ROWS[:2]),
    }
    assert len(found) == 5
    assert with_feature(0).digest(ROWS) == history().digest(ROWS) == history().digest(ROWS)


@pytest.mark.parametrize(("column", "value"), [("sigma", 0.5), ("tau", 0.5)])
def test_inputs_digest_changes_with_what_a_decision_reads(column: str, value: float) -> None:
    assert with_label(1, column, value).inputs_digest(ROWS) != history().inputs_digest(ROWS)
    assert with_label(4, column, value).inputs_digest(ROWS) == history().inputs_digest(ROWS)


@pytest.mark.parametrize(("column", "value"), [("future_return", 0.5), ("label", 0), ("label_end", LATER)])
def test_inputs_digest_does_not_change_with_what_is_known_later(column: str, value: object) -> None:
    assert with_label(1, column, value).inputs_digest(ROWS) == history().inputs_digest(ROWS)


def test_inputs_digest_changes_with_features_and_times() -> None:
    found = {
        history().inputs_digest(ROWS),
        with_feature(1).inputs_digest(ROWS),
        replace(history(), open_time=OPEN + pd.Timedelta("1h")).inputs_digest(ROWS),
    }
    assert len(found) == 3
    assert with_feature(0).inputs_digest(ROWS) == history().inputs_digest(ROWS)


def test_slice_of_goes_from_the_first_open_to_the_last_label_end() -> None:
    found = history().slice_of(ROWS)
    assert (found.start, found.end) == ("2025-01-01T01:00:00+00:00", "2025-01-01T05:00:00+00:00")
    assert found.rows == 3


def test_facts_are_those_of_the_rows_given() -> None:
    facts = history().facts(np.array([0, 1, 2, 3, 5]))
    assert facts.edge_scale == pytest.approx((2 + 3 + 2) / 3)
    assert facts.class_second_moments == pytest.approx((9.0, 0.25, 4.0))
    assert facts.share_up == pytest.approx(2 / 3)
    assert facts.class_shares == (0.25, 0.25, 0.5)


@pytest.mark.parametrize("rows", [[2, 4], [5]])
def test_facts_of_rows_that_never_moved_raise(rows: list[int]) -> None:
    with pytest.raises(TooFewRowsError, match="none of them up or down"):
        history().facts(np.array(rows))


def test_concatenated_is_ascending() -> None:
    assert concatenated([5, 6], np.array([1, 2])).tolist() == [1, 2, 5, 6]
