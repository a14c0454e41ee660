"""The booster must be the same on every run, keep its classes in order, and refuse what it cannot learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.unit.models.bundles import recipe_of
from truebar.config import ValidationConfig, XgbConfig, XgbParameters
from truebar.errors import BundleError, CorruptDataError, SchemaError, TooFewRowsError
from truebar.history import History
from truebar.models.recipe import Recipe
from truebar.models.xgboost import XgboostModel, fit, out_of_fold
from truebar.validation import PurgedKFold

NAMES = ("momentum", "noise", "empty")
PARAMETERS = XgbParameters(rounds=20, max_depth=3, learning_rate=0.3, min_child_weight=1.0)


def rows(seed: int, count: int = 1_500) -> tuple[np.ndarray, np.ndarray]:
    """A first column that decides the label, noise, and a third that is often missing."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(count, 3)).astype(np.float32)
    matrix[rng.random(count) < 0.3, 2] = np.nan
    labels = np.where(matrix[:, 0] > 0.5, 1, np.where(matrix[:, 0] < -0.5, -1, 0)).astype(float)
    return matrix, labels


MATRIX, LABELS = rows(1)
MODEL = fit(MATRIX, LABELS, PARAMETERS, feature_names=NAMES)


def test_fit_twice_on_one_thread_gives_the_same_bytes():
    again = fit(MATRIX.copy(), LABELS.astype(int), PARAMETERS, feature_names=list(NAMES))
    assert again.to_bytes() == MODEL.to_bytes()
    assert again == MODEL
    other = fit(MATRIX, LABELS, PARAMETERS.model_copy(update={"seed": 8}), feature_names=NAMES)
    assert other.to_bytes() != MODEL.to_bytes()


def test_fit_leaves_its_inputs_as_they_were():
    matrix, labels = rows(2, 200)
    before = (matrix.copy(), labels.copy())
    fit(matrix, labels, PARAMETERS, feature_names=NAMES)
    np.testing.assert_array_equal(matrix, before[0])
    np.testing.assert_array_equal(labels, before[1])


def test_predict_columns_are_down_flat_up_and_sum_to_one():
    clear = np.array([[-2.0, 0, np.nan], [0.0, 0, np.nan], [2.0, 0, np.nan]])
    found = MODEL.predict(clear)
    assert found.dtype == np.float64
    assert found.argmax(axis=1).tolist() == [0, 1, 2]
    assert (found.max(axis=1) > 0.9).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=0, atol=1e-15)


def test_predict_of_a_row_alone_has_the_same_bits_as_among_others():
    matrix, _ = rows(3, 50)
    together = MODEL.predict(matrix)
    alone = np.concatenate([MODEL.predict(matrix[row : row + 1]) for row in range(50)])
    assert np.array_equal(together, alone)
    assert MODEL.predict(matrix[:0]).shape == (0, 3)


def test_predict_of_a_frame_takes_columns_by_name():
    matrix, _ = rows(4, 20)
    frame = pd.DataFrame(matrix, columns=list(NAMES)).assign(open_time=0)[
        ["noise", "open_time", "empty", "momentum"]
    ]
    assert np.array_equal(MODEL.predict(frame), MODEL.predict(matrix))
    with pytest.raises(SchemaError, match="empty"):
        MODEL.predict(frame.drop(columns="empty"))


def test_predict_of_bad_matrices_raises():
    with pytest.raises(SchemaError):
        MODEL.predict(np.zeros((4, 2)))
    with pytest.raises(SchemaError):
        MODEL.predict(np.zeros(3))
    with pytest.raises(SchemaError):
        MODEL.predict([["a", "b", "c"]])
    with pytest.raises(CorruptDataError, match="noise"):
        MODEL.predict([[0.0, np.inf, 0.0]])
    with pytest.raises(CorruptDataError, match="noise"):
        MODEL.predict([[0.0, 1e300, 0.0]])


def test_model_from_its_bytes_predicts_the_same_bits():
    read = XgboostModel.from_bytes(MODEL.to_bytes())
    assert read.feature_names == NAMES
    assert read.to_bytes() == MODEL.to_bytes()
    assert np.array_equal(read.predict(MATRIX), MODEL.predict(MATRIX))


@pytest.mark.parametrize("damage", [lambda c: b"", lambda c: b"x" * 40, lambda c: c[: len(c) // 2]])
def test_model_from_damaged_bytes_raises(damage):
    with pytest.raises(BundleError):
        XgboostModel.from_bytes(damage(MODEL.to_bytes()))


@pytest.mark.parametrize(("missing", "name"), [(-1, "down"), (0, "flat"), (1, "up")])
def test_fit_without_a_class_raises_and_names_it(missing, name):
    kept = ~np.isin(LABELS, [missing])
    with pytest.raises(TooFewRowsError, match=name):
        fit(MATRIX[kept], LABELS[kept], PARAMETERS, feature_names=NAMES)


def test_fit_of_bad_rows_raises():
    with pytest.raises(CorruptDataError, match="1 of 1500"):
        fit(MATRIX, np.r_[LABELS[:-1], np.nan], PARAMETERS, feature_names=NAMES)
    with pytest.raises(CorruptDataError):
        fit(MATRIX, LABELS * 2, PARAMETERS, feature_names=NAMES)
    with pytest.raises(SchemaError):
        fit(MATRIX, LABELS[:-1], PARAMETERS, feature_names=NAMES)
    with pytest.raises(SchemaError):
        fit(MATRIX, LABELS, PARAMETERS, feature_names=("a", "a", "b"))


def small_history() -> History:
    matrix, labels = rows(5, 600)
    times = pd.date_range("2025-01-01", periods=600, freq="1h", tz="UTC")
    columns = {"sigma": 0.01, "tau": 0.01, "future_return": labels * 0.02, "label": labels}
    frame = pd.DataFrame(columns | {"label_end": times + pd.Timedelta("5h")})
    return History(times, matrix, NAMES, frame)


def recipe(embargo_bars: int | None, columns: tuple[str, ...] = NAMES) -> Recipe:
    settings = XgbConfig(xgb=PARAMETERS, validation=ValidationConfig(folds=3, embargo_bars=embargo_bars))
    return recipe_of(columns, settings, horizon_bars=4)


def test_out_of_fold_rows_are_those_of_models_fitted_on_the_training_side():
    past = small_history()
    found = out_of_fold(past, np.arange(500), recipe(7), timeframe="1h")
    splits = PurgedKFold(3, embargo_bars=7).split(past.open_time[:500], past.labels["label_end"][:500])
    for number, (training, test) in enumerate(splits):
        model = fit(past.features[training], past.label[training], PARAMETERS, feature_names=NAMES)
        inside = found.fold == number
        assert found.rows[inside].tolist() == test.tolist()
        assert np.array_equal(found.probabilities[inside], model.predict(past.features[test]))


def test_out_of_fold_without_an_embargo_takes_the_default():
    default, asked, other = (
        out_of_fold(small_history(), np.arange(500), recipe(embargo), timeframe="1h").probabilities
        for embargo in (None, 24, 7)
    )
    assert np.array_equal(default, asked)
    assert not np.array_equal(default, other)


def test_out_of_fold_of_another_recipes_columns_raises():
    with pytest.raises(SchemaError, match="noise"):
        out_of_fold(
            small_history(), np.arange(500), recipe(1, ("noise", "momentum", "empty")), timeframe="1h"
        )
