"""What a study leaves for the steps after it: the frozen recipe, and what its rows are made from."""

from __future__ import annotations

from typing import Final

from pydantic import Field, ValidationError

from truebar import classes
from truebar.config import Settings
from truebar.errors import BundleError
from truebar.fingerprint import fingerprint
from truebar.models.recipe import Recipe
from truebar.partitions import Partition
from truebar_io.bundles import BundleStore

PROBABILITIES: Final = list(classes.PROBABILITIES)
"""As a list: a tuple is one name to pandas."""


class Frozen(Settings):
    """What a study leaves for the steps after it."""

    training: str = Field(description="fingerprint of request, data and code")
    request_digest: str
    recipe: Recipe
    score: float = Field(description="R² of the best trial's edge")
    searched: int = Field(ge=1, description="finished trials of the study that the recipe is the best of")
    n_trials: int = Field(ge=1, description="trials ever run on the partition, pruned ones included")
    dev_metrics: dict[str, dict[str, float | int | str | None]] = Field(
        description="what the search's own accounts say of its best trial, by name"
    )


def load_frozen(bundles: BundleStore, partition: Partition, kind: str) -> Frozen:
    """Return what the last study froze.

    Raises:
        BundleError: when no study has ended yet, or another version of truebar froze it.
    """
    try:
        return Frozen.model_validate_json(bundles.load_part(partition, kind, "recipe.json"))
    except ValidationError as error:
        raise BundleError(
            f"{partition}: the frozen recipe is not of this version of truebar: {error.errors()[0]['msg']}; "
            f"materialize {kind}/study again."
        ) from error


def rows_source(training: str, recipe: Recipe) -> str:
    """Return what out-of-fold rows are made from: a training and the recipe that it froze."""
    return fingerprint([training, recipe.digest()])
