"""The model kind `xgboost`: gradient-boosted trees over three classes, the same trees on every run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt
import xgboost

from truebar.arrays import FloatArray, IntArray
from truebar.classes import CLASS_LABELS, CLASS_NAMES
from truebar.config import XgbParameters
from truebar.errors import BundleError, SchemaError, TooFewRowsError
from truebar.history import History
from truebar.models.matrix import read_matrix
from truebar.models.out_of_fold import OutOfFold, predict_left_out
from truebar.models.protocol import class_numbers
from truebar.models.recipe import Recipe, Request
from truebar.validation import default_embargo_bars


@dataclass(frozen=True)
class XgboostModel:
    """A fitted booster; equal content is an equal model.

    Attributes:
        content: the booster in XGBoost's UBJSON, feature names included.
    """

    content: bytes

    @cached_property
    def _booster(self) -> xgboost.Booster:
        booster = xgboost.Booster({"nthread": 1})
        if not self.content:  # XGBoost 3.2 ends the process on an empty model
            raise BundleError("the booster is empty; train again, or restore the file.")
        try:
            booster.load_model(bytearray(self.content))
        except xgboost.core.XGBoostError as error:
            raise BundleError(f"the booster cannot be read: {str(error).splitlines()[0]}") from error
        return booster

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Columns of the matrix, in order."""
        return tuple(self._booster.feature_names or ())

    def predict(self, matrix: npt.ArrayLike) -> FloatArray:
        """Return float64[n, 3]: p_down, p_flat, p_up of each row (see `Model.predict`).

        One thread; each row is computed by itself, so it is the same alone and among others, bit for bit.
        """
        rows = read_matrix(matrix, self.feature_names)
        if rows.shape[0] == 0:
            return np.empty((0, len(CLASS_LABELS)))
        raw = self._booster.inplace_predict(rows).astype(np.float64)
        return np.asarray(raw / raw.sum(axis=1, keepdims=True))

    def contributions(self, matrix: npt.ArrayLike) -> FloatArray:
        """Return float64[n, 3, columns]: what each column adds to the margin of each class, row by row.

        TreeSHAP (Lundberg et al. 2020): with the booster's bias they sum to the margins, whose softmax are
        the probabilities, so those of up less those of down sum to ln p_up - ln p_down. Arguments, time of
        availability and errors as `predict`.
        """
        rows = read_matrix(matrix, self.feature_names)
        if rows.shape[0] == 0:
            return np.empty((0, len(CLASS_LABELS), len(self.feature_names)))
        data = xgboost.DMatrix(rows, feature_names=list(self.feature_names), nthread=1)
        return np.asarray(self._booster.predict(data, pred_contribs=True), dtype=np.float64)[:, :, :-1]

    def to_bytes(self) -> bytes:
        """Return the booster in XGBoost's UBJSON."""
        return self.content

    @classmethod
    def from_bytes(cls, content: bytes) -> XgboostModel:
        """Return the model that `to_bytes` gave.

        Raises:
            BundleError: when the content is no booster of three classes with named features.
        """
        model = cls(bytes(content))
        names = model.feature_names
        settings = json.loads(model._booster.save_config())
        classes = int(settings["learner"]["learner_model_param"]["num_class"])
        if not names or classes != len(CLASS_LABELS):
            raise BundleError(
                f"the booster has {len(names)} named features and {classes} classes; expected named "
                f"features and {len(CLASS_LABELS)} classes."
            )
        return model


def fit(
    matrix: npt.ArrayLike,
    labels: npt.ArrayLike,
    parameters: XgbParameters,
    *,
    feature_names: Sequence[str],
    threads: int = 1,
) -> XgboostModel:
    """Return the model fitted on the rows given.

    Softmax over the classes down, flat, up; `hist` trees; no early stopping, so that no row decides its own
    number of rounds (METHOD §4).

    Args:
        matrix: [n, columns], NaN where a feature is missing (its side is learned per split).
        labels: [n], -1, 0 or 1, none missing.
        parameters: of the booster, rounds and seed included.
        feature_names: the columns, in order.
        threads: CPU threads.

    The result may be used from the last label_end of its rows on. With one thread the same rows, parameters
    and XGBoost version give the same bytes on the same machine type; with more threads sums of gradients may
    round in another order.

    Raises:
        SchemaError: when matrix and labels differ in length, or columns do not match the names.
        CorruptDataError: for an infinite feature, or a label that is none of the three.
        TooFewRowsError: when a class has no row: its probability could not be learned.
    """
    rows = read_matrix(matrix, feature_names)
    classes = class_numbers(labels)
    if classes.shape != (rows.shape[0],):
        raise SchemaError(f"{rows.shape[0]} rows and labels of shape {classes.shape}; expected one for each.")
    counts = np.bincount(classes, minlength=len(CLASS_LABELS))
    missing = [name for name, count in zip(CLASS_NAMES, counts, strict=True) if count == 0]
    if missing:
        raise TooFewRowsError(
            f"none of {classes.size} training rows is labelled {', '.join(missing)}; use more history, or "
            "another k, with a neutral zone."
        )
    data = xgboost.QuantileDMatrix(
        rows, classes, feature_names=list(feature_names), max_bin=parameters.max_bin, nthread=threads
    )
    booster = xgboost.train(booster_settings(parameters, threads), data, num_boost_round=parameters.rounds)
    return XgboostModel(bytes(booster.save_raw("ubj")))


def fit_rows(history: History, rows: IntArray, recipe: Recipe) -> XgboostModel:
    """Return the recipe's model fitted on `rows` of a history in one thread; errors as `fit`."""
    return fit(
        history.features[rows],
        history.label[rows],
        recipe.parameters,
        feature_names=recipe.feature_columns,
    )


def embargo_of(recipe: Recipe | Request, timeframe: str, n_rows: int) -> int:
    """Return the embargo in bars: the recipe's, or without one the default of METHOD §2.

    Args:
        recipe: what is fitted.
        timeframe: length of a bar.
        n_rows: rows that are cut into folds.
    """
    configured = recipe.validation.embargo_bars
    if configured is not None:
        return configured
    return default_embargo_bars(recipe.label.horizon_bars, timeframe, n_rows)


def out_of_fold(
    history: History, rows: IntArray, recipe: Recipe, *, timeframe: str, folds_at_once: int = 1
) -> OutOfFold:
    """Return the out-of-fold probabilities of a recipe, and the numbers of each fold's training side.

    Args:
        history: features, in the recipe's columns, and labels.
        rows: which rows of the history take part, ascending: those of dev.
        recipe: parameters, folds and embargo.
        timeframe: length of a bar.
        folds_at_once: models fitted at the same time; the result does not depend on it.

    Raises:
        SchemaError: when the history's columns are not those of the recipe, in order.
        TooFewRowsError: when a side of a fold is empty, or lacks a class.
    """
    if history.feature_columns != recipe.feature_columns:
        raise SchemaError(
            f"the history has the features {', '.join(history.feature_columns)}; the recipe was made for "
            f"{', '.join(recipe.feature_columns)}."
        )
    train = partial(fit, parameters=recipe.parameters, feature_names=recipe.feature_columns)
    return predict_left_out(
        history,
        rows,
        train,
        folds=recipe.validation.folds,
        embargo_bars=embargo_of(recipe, timeframe, len(rows)),
        folds_at_once=folds_at_once,
    )


def booster_settings(parameters: XgbParameters, threads: int) -> dict[str, object]:
    """Return what XGBoost is told: the parameters but rounds, and what is the same for every model."""
    chosen = parameters.model_dump(exclude={"rounds"})
    fixed = {
        "objective": "multi:softprob",
        "num_class": len(CLASS_LABELS),
        "tree_method": "hist",
        "device": "cpu",
        "nthread": threads,
        "verbosity": 0,
    }
    return chosen | fixed
