"""Mean contributions of columns and families to a prediction: SHAP values of rows left out of the fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray, IntArray
from truebar.classes import SHAP_NAMES


class Explained(Protocol):
    """A model that can tell what each column adds to what it says."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Columns of the matrix, in order."""

    def predict(self, matrix: npt.ArrayLike) -> FloatArray:
        """Return float64[n, 3], p_down, p_flat, p_up (see `truebar.models.protocol.Model`)."""

    def contributions(self, matrix: npt.ArrayLike) -> FloatArray:
        """Return float64[n, 3, columns], additive on the margin whose softmax are the probabilities."""


@dataclass(frozen=True)
class MeanContributions:
    """Mean absolute SHAP values, in log-odds.

    Attributes:
        columns: float64[columns, 4], in the order of `SHAP_NAMES`.
        families: float64[families, 4]; contributions of a family's columns are summed before the absolute
            value is taken, so that columns which undo each other do not count twice.
        rows: how many rows they are the mean of.
    """

    columns: FloatArray
    families: FloatArray
    rows: int


def sampled(count: int, size: int, generator: np.random.Generator) -> IntArray:
    """Return at most `size` of the numbers below `count`, ascending, none twice."""
    if count <= size:
        return np.arange(count, dtype=np.int64)
    return np.sort(generator.choice(count, size=size, replace=False)).astype(np.int64)


def mean_contributions(
    models: Sequence[Explained],
    matrices: Sequence[npt.NDArray[np.float32]],
    families: Mapping[str, Sequence[int]],
) -> MeanContributions:
    """Return how much each column and each family moves what the models say, on average.

    The direction is ln p_up - ln p_down, and what a column adds to it is exactly what it adds to the margin
    of up less what it adds to that of down.

    Args:
        models: one a fold.
        matrices: for each model float32[n, columns], rows that it was not fitted on; NaN where missing.
        families: by name, the places of a family's columns.

    Labels do not enter: the result may be used as soon as the last row may.
    """
    columns: FloatArray = np.zeros((matrices[0].shape[1], len(SHAP_NAMES)))
    grouped: FloatArray = np.zeros((len(families), len(SHAP_NAMES)))
    for model, matrix in zip(models, matrices, strict=True):
        added = model.contributions(matrix)
        every = np.concatenate([added, added[:, 2:] - added[:, :1]], axis=1)
        columns += np.abs(every).sum(axis=0).T
        for place, members in enumerate(families.values()):
            grouped[place] += np.abs(every[:, :, list(members)].sum(axis=2)).sum(axis=0)
    rows = sum(len(matrix) for matrix in matrices)
    return MeanContributions(columns / max(rows, 1), grouped / max(rows, 1), rows)
