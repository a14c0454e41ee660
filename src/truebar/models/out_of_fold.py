"""Out-of-fold probabilities: what a model says of rows that it was not fitted on (METHOD §5.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.errors import CorruptDataError, TooFewRowsError
from truebar.history import History
from truebar.models.bundle import DevFacts
from truebar.models.protocol import Model, Trainer
from truebar.validation import PurgedKFold


@dataclass(frozen=True)
class Between:
    """Rows that lie inside a left-out block and take no part in it: those without a label, above all.

    A row has no label exactly where a bar of its horizon is missing. An account that has no probabilities
    there stays out of every gap because it knows the future, so the block's model is asked about these rows
    too; they are never fitted on or scored.

    Attributes:
        rows: int64[r], which rows of the history, ascending.
        fold: int64[r], number of the fold whose block they lie in.
        probabilities: float64[r, 3], what the fold's model says of them.
    """

    rows: IntArray
    fold: IntArray
    probabilities: FloatArray


@dataclass(frozen=True)
class OutOfFold:
    """Raw probabilities of rows, each from a model fitted on other folds.

    Attributes:
        rows: int64[m], which rows of the history, ascending.
        fold: int64[m], number of the fold in which the row was left out, 0 first in time.
        probabilities: float64[m, 3], p_down, p_flat, p_up, not calibrated.
        facts: for each fold, m, q and shares of its training side: the numbers for its edges.
        between: rows inside the folds' blocks that take no part, for accounts alone.
        models: the model of each fold; empty where the probabilities were known before.
    """

    rows: IntArray
    fold: IntArray
    probabilities: FloatArray
    facts: tuple[DevFacts, ...]
    between: Between
    models: tuple[Model, ...] = ()

    @property
    def edge_scale(self) -> FloatArray:
        """The scale m of each row's out-of-fold edge, float64[m]: that of its fold."""
        return np.array([facts.edge_scale for facts in self.facts])[self.fold]

    @property
    def asked(self) -> Asked:
        """Every row that a model was asked about, those between the others among them."""
        rows = np.concatenate((self.rows, self.between.rows))
        fold = np.concatenate((self.fold, self.between.fold))
        return Asked(
            rows=rows,
            probabilities=np.concatenate((self.probabilities, self.between.probabilities)),
            edge_scale=np.array([facts.edge_scale for facts in self.facts])[fold],
            class_second_moments=np.array([facts.class_second_moments for facts in self.facts])[fold],
        )


@dataclass(frozen=True)
class Asked:
    """What an account over out-of-fold rows decides by, in no order of time.

    Attributes:
        rows: int64[n], which rows of the history.
        probabilities: float64[n, 3], p_down, p_flat, p_up.
        edge_scale: float64[n], the scale m of the row's fold.
        class_second_moments: float64[n, 3], q_down, q_flat, q_up of the row's fold.
    """

    rows: IntArray
    probabilities: FloatArray
    edge_scale: FloatArray
    class_second_moments: FloatArray


def predict_left_out(
    history: History,
    rows: IntArray,
    train: Trainer,
    *,
    folds: int,
    embargo_bars: int,
    folds_at_once: int = 1,
) -> OutOfFold:
    """Return the out-of-fold probabilities of `rows` from contiguous purged folds, for any model kind.

    Args:
        history: features and labels.
        rows: int64[n], which rows take part, ascending; those of dev. Rows without a label are left out.
        train: fits one model; called once per fold with its training side.
        folds: number of folds.
        embargo_bars: rows dropped from training after each test block (`default_embargo_bars`).
        folds_at_once: models fitted at the same time, each in a thread; the result does not depend on it.

    Everything that comes from labels (the model, m, q, shares) is fitted inside the training side. The
    later folds train the models of the earlier ones, so the result may be used from the last label_end of
    `rows` on.

    Raises:
        TooFewRowsError: when a side of a fold is empty, or lacks a class.
    """
    sides = list(_sides(history, rows, folds, embargo_bars))

    def fitted(side: tuple[IntArray, IntArray]) -> Model:
        return train(history.features[side[0]], history.label[side[0]])

    with ThreadPoolExecutor(folds_at_once) as pool:
        models = tuple(pool.map(fitted, sides))
    return _asked(models, history, sides)


def predicted_by(
    models: Sequence[Model], history: History, rows: IntArray, *, folds: int, embargo_bars: int
) -> OutOfFold:
    """Return the out-of-fold probabilities of `rows` by models that are fitted already, one for each fold.

    Args:
        models: first in time first, each fitted on the training side of its fold, as `predict_left_out` does.
        history: features and labels.
        rows: int64[n], which rows take part, ascending; those that the models were made for.
        folds: number of folds.
        embargo_bars: as then.

    Raises:
        TooFewRowsError: when a side of a fold is empty.
        CorruptDataError: when there is not one model for each fold.
    """
    sides = list(_sides(history, rows, folds, embargo_bars))
    if len(models) != len(sides):
        raise CorruptDataError(f"{len(models)} models for {len(sides)} folds; make them again.")
    return _asked(models, history, sides)


def predicted_before(
    history: History,
    rows: IntArray,
    probabilities: FloatArray,
    *,
    between: Between,
    folds: int,
    embargo_bars: int,
) -> OutOfFold:
    """Return out-of-fold rows whose probabilities are known already, as `predict_left_out` made them.

    Args:
        history: features and labels.
        rows: int64[m], the labelled rows that took part, ascending.
        probabilities: float64[m, 3], what was said of them out of fold.
        between: rows inside the blocks that took no part, and what was said of them.
        folds: number of folds.
        embargo_bars: as then.

    Raises:
        TooFewRowsError: when a side of a fold is empty.
        CorruptDataError: when the folds do not hold exactly these rows: they were others then.
    """
    sides = list(_sides(history, rows, folds, embargo_bars))
    tested = np.concatenate([left_out for _, left_out in sides])
    if not np.array_equal(tested, rows) or probabilities.shape != (tested.size, 3):
        raise CorruptDataError(
            f"{len(rows)} out-of-fold rows with probabilities of shape {probabilities.shape} are not the "
            f"{tested.size} rows of {folds} folds; make them again from the history of now."
        )
    return _joined(history, sides, probabilities, between, ())


def rows_between(left_out: IntArray) -> IntArray:
    """Return the rows inside a left-out block that are not of it.

    >>> rows_between(np.array([3, 4, 7])).tolist()
    [5, 6]
    """
    return np.setdiff1d(np.arange(left_out[0], left_out[-1] + 1), left_out, assume_unique=True)


def _asked(models: Sequence[Model], history: History, sides: list[tuple[IntArray, IntArray]]) -> OutOfFold:
    """Return what the model of each fold says of all rows of its block."""
    inside = [rows_between(left_out) for _, left_out in sides]
    said, beside = (
        np.concatenate(
            [model.predict(history.features[rows]) for model, rows in zip(models, blocks, strict=True)]
        )
        for blocks in ([left_out for _, left_out in sides], inside)
    )
    numbers = np.repeat(np.arange(len(sides)), [rows.size for rows in inside])
    between = Between(np.concatenate(inside), numbers, beside)
    return _joined(history, sides, said, between, tuple(models))


def _joined(
    history: History,
    sides: list[tuple[IntArray, IntArray]],
    probabilities: FloatArray,
    between: Between,
    models: tuple[Model, ...],
) -> OutOfFold:
    """Return the out-of-fold rows of all folds, with the numbers of each training side."""
    return OutOfFold(
        rows=np.concatenate([left_out for _, left_out in sides]),
        fold=np.repeat(np.arange(len(sides)), [left_out.size for _, left_out in sides]),
        probabilities=probabilities,
        facts=tuple(history.facts(fitted_on) for fitted_on, _ in sides),
        between=between,
        models=models,
    )


def _sides(
    history: History, rows: IntArray, folds: int, embargo_bars: int
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the training and the test rows of each fold, as rows of the history."""
    taking_part = np.asarray(rows, dtype=np.int64)
    if taking_part.size == 0:
        raise TooFewRowsError("no rows to make folds of; use more history.")
    open_time = history.open_time[taking_part]
    label_end = history.labels["label_end"].iloc[taking_part]
    for training, test in PurgedKFold(folds, embargo_bars=embargo_bars).split(open_time, label_end):
        yield taking_part[training], taking_part[test]
