"""The models of dev's folds, kept beside the out-of-fold rows that they made, to be asked again."""

from __future__ import annotations

from base64 import b64decode, b64encode

from pydantic import Field

from truebar.config import Settings
from truebar.errors import BundleError
from truebar.models.out_of_fold import OutOfFold
from truebar.models.xgboost import XgboostModel
from truebar.partitions import Partition
from truebar_io.bundles import BundleStore

PART = "fold_models.json"


class FoldModels(Settings):
    """Models in the order of their folds, and what the rows that they made are made from."""

    rows_source: str
    models: tuple[str, ...] = Field(description="each as its file, in base64")


def save_fold_models(
    bundles: BundleStore, partition: Partition, kind: str, made: OutOfFold, rows_source: str
) -> None:
    """Keep the models that made these out-of-fold rows."""
    models = tuple(b64encode(model.to_bytes()).decode() for model in made.models)
    part = FoldModels(rows_source=rows_source, models=models)
    bundles.save_part(partition, kind, PART, part.model_dump_json().encode())


def load_fold_models(
    bundles: BundleStore, partition: Partition, kind: str, rows_source: str
) -> list[XgboostModel]:
    """Return the models that made the out-of-fold rows of one training.

    Raises:
        BundleError: when there are none, or they made another training's rows.
    """
    part = FoldModels.model_validate_json(bundles.load_part(partition, kind, PART))
    if part.rows_source != rows_source:
        raise BundleError(
            f"{partition}: the fold models belong to another training; materialize {kind}/study again."
        )
    return [XgboostModel.from_bytes(b64decode(model)) for model in part.models]
