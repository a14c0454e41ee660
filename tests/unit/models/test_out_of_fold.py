"""Out-of-fold rows must come from models that never saw them, with the numbers of their own fold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from truebar.arrays import FloatArray
from truebar.edge import class_second_moments, edge_scale
from truebar.errors import CorruptDataError, TooFewRowsError
from truebar.history import History
from truebar.models.out_of_fold import predict_left_out, predicted_by
from truebar.validation import PurgedKFold

ROWS = 240


def history(seed: int = 0) -> History:
    """Rows whose first feature is the row's own number, so that a model can tell what it was given."""
    rng = np.random.default_rng(seed)
    times = pd.date_range("2025-01-01", periods=ROWS, freq="1h", tz="UTC")
    future_return = rng.normal(0, 0.01, ROWS)
    label = np.where(np.abs(future_return) > 0.006, np.sign(future_return), 0.0)
    label_end = pd.Series(times + pd.Timedelta("5h"))
    unlabelled = np.isin(np.arange(ROWS), [50, 51, 236, 237, 238, 239])
    labels = pd.DataFrame(
        {
            "sigma": 0.01,
            "tau": 0.006,
            "future_return": np.where(unlabelled, np.nan, future_return),
            "label": np.where(unlabelled, np.nan, label),
            "label_end": label_end.where(~unlabelled),
        }
    )
    features = np.column_stack([np.arange(ROWS), rng.normal(size=ROWS)]).astype(np.float32)
    return History(times, features, ("number", "noise"), labels)


class Recorder:
    """A trainer that keeps the rows of each fit; its models name the fit that they come from."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []

    def __call__(self, matrix: np.ndarray, labels: FloatArray) -> Recorder.Fitted:
        assert np.isfinite(labels).all()
        self.seen.append(matrix[:, 0].astype(int).tolist())
        return Recorder.Fitted(len(self.seen))

    class Fitted:
        feature_names = ("number", "noise")

        def __init__(self, number: int) -> None:
            self.share = number / 10

        def predict(self, matrix: np.ndarray) -> FloatArray:
            return np.tile([1 - self.share, 0.0, self.share], (len(matrix), 1))

        def to_bytes(self) -> bytes:
            return b""


def test_predict_left_out_trains_on_the_purged_side_and_predicts_the_rest():
    past, recorder = history(), Recorder()
    dev = np.arange(20, 200)
    found = predict_left_out(past, dev, recorder, folds=4, embargo_bars=3)
    splits = list(
        PurgedKFold(4, embargo_bars=3).split(past.open_time[dev], past.labels["label_end"].iloc[dev])
    )
    assert recorder.seen == [(training + 20).tolist() for training, _ in splits]
    assert found.rows.tolist() == [row for row in range(20, 200) if row not in {50, 51}]
    assert found.fold.tolist() == [number for number, (_, test) in enumerate(splits) for _ in test]
    np.testing.assert_array_equal(found.probabilities[:, 2], (found.fold + 1) / 10)
    assert (found.between.rows.tolist(), found.between.fold.tolist()) == ([50, 51], [0, 0])
    assert found.between.probabilities[:, 2].tolist() == [0.1, 0.1]
    assert found.asked.rows.tolist() == [*found.rows.tolist(), 50, 51]


def test_predicted_by_the_models_of_each_fold_is_what_they_said_when_they_were_fitted():
    past, dev = history(), np.arange(20, 200)
    made = predict_left_out(past, dev, Recorder(), folds=4, embargo_bars=3)
    again = predicted_by(made.models, past, dev, folds=4, embargo_bars=3)
    np.testing.assert_array_equal(again.probabilities, made.probabilities)
    np.testing.assert_array_equal(again.rows, made.rows)
    assert (again.fold.tolist(), again.facts) == (made.fold.tolist(), made.facts)
    with pytest.raises(CorruptDataError, match="3 models for 4 folds"):
        predicted_by(made.models[1:], past, dev, folds=4, embargo_bars=3)


def test_predict_left_out_facts_are_those_of_the_training_side():
    past, recorder = history(), Recorder()
    found = predict_left_out(past, np.arange(200), recorder, folds=3, embargo_bars=2)
    for number, trained_on in enumerate(recorder.seen):
        given = past.labels.iloc[trained_on]
        columns = (given["future_return"], given["tau"], given["label"])
        assert found.facts[number].edge_scale == edge_scale(*columns)
        assert found.facts[number].class_second_moments == class_second_moments(*columns)
        assert found.facts[number].class_shares[1] == (given["label"] == 0).mean()
        inside = found.fold == number
        assert (found.edge_scale[inside] == edge_scale(*columns)).all()
        asked = np.concatenate((inside, found.between.fold == number))
        assert (found.asked.edge_scale[asked] == edge_scale(*columns)).all()
        assert (found.asked.class_second_moments[asked] == class_second_moments(*columns)).all()
    assert len({facts.edge_scale for facts in found.facts}) == 3


def test_predict_left_out_of_other_labels_outside_the_rows_is_the_same():
    past = history()
    changed = history(seed=99).labels.copy()
    changed.iloc[:150] = past.labels.iloc[:150]
    other = History(past.open_time, past.features, past.feature_columns, changed)
    one, two = Recorder(), Recorder()
    first = predict_left_out(past, np.arange(150), one, folds=3, embargo_bars=2)
    second = predict_left_out(other, np.arange(150), two, folds=3, embargo_bars=2)
    assert one.seen == two.seen
    assert first.facts == second.facts


def test_predict_left_out_without_enough_rows_raises():
    for rows in ([], [1, 2], list(range(12))):
        with pytest.raises(TooFewRowsError):
            predict_left_out(history(), np.array(rows, dtype=int), Recorder(), folds=3, embargo_bars=20)
