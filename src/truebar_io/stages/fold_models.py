"""The models of dev's folds and the rows they were fitted on, kept beside the out-of-fold rows they made."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from pydantic import Field

from truebar.arrays import IntArray
from truebar.config import Settings
from truebar.errors import BundleError
from truebar.models.out_of_fold import OutOfFold
from truebar.models.xgboost import XgboostModel
from truebar.partitions import Partition
from truebar_io.bundles import BundleStore

PART = "fold_models.json"

Run: TypeAlias = tuple[int, int]
"""First place and the one after the last of consecutive places."""


class FoldModels(Settings):
    """Models in the order of their folds, and what the rows that they made are made from."""

    rows_source: str
    models: tuple[str, ...] = Field(description="each as its file, in base64")
    fitted_on: tuple[tuple[Run, ...], ...] = Field(
        description="for each model, places among the labelled out-of-fold rows, as it was fitted"
    )


def save_fold_models(
    bundles: BundleStore,
    partition: Partition,
    kind: str,
    made: OutOfFold,
    rows_source: str,
    *,
    fitted_on: Sequence[IntArray],
) -> None:
    """Keep the models that made these rows, each with the rows of the history that it was fitted on."""
    places = tuple(_runs(np.searchsorted(made.rows, rows)) for rows in fitted_on)
    models = tuple(b64encode(model.to_bytes()).decode() for model in made.models)
    part = FoldModels(rows_source=rows_source, models=models, fitted_on=places)
    bundles.save_part(partition, kind, PART, part.model_dump_json().encode())


def load_fold_models(
    bundles: BundleStore, partition: Partition, kind: str, rows_source: str
) -> list[XgboostModel]:
    """Return the models that made the out-of-fold rows of one training.

    Raises:
        BundleError: when there are none, or they made another training's rows.
    """
    part = _load(bundles, partition, kind, rows_source)
    return [XgboostModel.from_bytes(b64decode(model)) for model in part.models]


def load_fitted_on(bundles: BundleStore, partition: Partition, kind: str, rows_source: str) -> list[IntArray]:
    """Return, for each model, the places among the labelled out-of-fold rows that it was fitted on.

    Raises:
        BundleError: as `load_fold_models`.
    """
    part = _load(bundles, partition, kind, rows_source)
    return [np.concatenate([np.arange(*run) for run in runs]) for runs in part.fitted_on]


def _load(bundles: BundleStore, partition: Partition, kind: str, rows_source: str) -> FoldModels:
    part = FoldModels.model_validate_json(bundles.load_part(partition, kind, PART))
    if part.rows_source != rows_source:
        raise BundleError(
            f"{partition}: the fold models belong to another training; materialize {kind}/study again."
        )
    return part


def _runs(places: IntArray) -> tuple[Run, ...]:
    """Return ascending places as runs.

    >>> _runs(np.array([0, 1, 2, 7, 8]))
    ((0, 3), (7, 9))
    """
    edges = np.flatnonzero(np.diff(places) != 1) + 1
    bounds = [0, *edges.tolist(), len(places)]
    return tuple((int(places[begin]), int(places[end - 1]) + 1) for begin, end in pairwise(bounds))
