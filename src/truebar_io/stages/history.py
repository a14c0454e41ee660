"""What a model may read of a partition: its history, and the vault that is kept from it."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from truebar.config import LabelConfig
from truebar.errors import ConfigurationError, MissingDataError
from truebar.history import History
from truebar.models.recipe import Recipe, xgboost_recipe
from truebar.partitions import Partition
from truebar.validation import Vault, next_vault
from truebar_io.configuration import Configuration
from truebar_io.warehouse import Warehouse


def load_history(store: Warehouse, partition: Partition, label: LabelConfig) -> History:
    """Return features and the labels of one configuration, row by row.

    Raises:
        MissingDataError: when the labels of this configuration are not there.
    """
    matrix = store.read("*", from_="features.matrix", partitions=[partition])
    labels = store.read("*", from_="labels.vol_scaled", partitions=[partition])
    wanted = (
        (labels["horizon_bars"] == label.horizon_bars)
        & (labels["estimator"] == label.estimator)
        & (labels["k"] == label.k)
    )
    if not wanted.any():
        raise MissingDataError(
            f"{partition}: no labels with horizon {label.horizon_bars}, {label.estimator} and k {label.k}; "
            "materialize labels/volatility and labels/vol_scaled with the configuration as it is now."
        )
    return History.align(matrix, labels[wanted].reset_index(drop=True))


def recipe_of(settings: Configuration, partition: Partition, feature_columns: tuple[str, ...]) -> Recipe:
    """Return the recipe that the configuration gives for `partition`.

    Raises:
        ConfigurationError: when threshold tuning is switched on: it is not part of the graph yet, and
            a recipe that says so would be a lie.
    """
    if settings.xgb.postprocessing.threshold_tuning.enabled:
        raise ConfigurationError(
            "postprocessing.threshold_tuning.enabled is true in xgb.yaml, but the graph cannot tune "
            "thresholds yet; set it to false: both thresholds are then the cost of a round trip."
        )
    label = settings.data.labels.for_partition(partition)
    return xgboost_recipe(feature_columns, label, settings.xgb, settings.backtest_of(partition.symbol))


def registered_vaults(store: Warehouse, partition: Partition) -> list[Vault]:
    """Return every vault ever registered on the partition."""
    if not store.has(partition, "registry.vaults"):
        return []
    frame = store.read(["start", "end"], from_="registry.vaults", partitions=[partition])
    return [Vault(start, end) for start, end in zip(frame["start"], frame["end"], strict=True)]


def current_vault(store: Warehouse, partition: Partition, history: History, share: float) -> Vault:
    """Return the vault that work on this history must keep; it may not be registered yet."""
    label_end = history.labels["label_end"]
    return next_vault(history.open_time, label_end, registered_vaults(store, partition), share=share)


def register_vault(
    store: Warehouse, partition: Partition, vault: Vault, data_digest: str, *, now: datetime
) -> None:
    """Write the vault down before anything is fitted; a vault that is registered stays as it is."""
    if vault in registered_vaults(store, partition):
        return
    row = {"start": vault.start, "end": vault.end, "data_digest": data_digest, "registered_at": now}
    store.write(partition, "registry.vaults", pd.DataFrame([row]))


def record_look(
    store: Warehouse, partition: Partition, vault: Vault, data_digest: str, recipe: str, *, now: datetime
) -> int:
    """Write a look at the vault down, and return how many distinct recipes have looked at it.

    The same recipe on the same data is one look, however often it runs.
    """
    looks = pd.DataFrame(columns=["start", "data_digest", "recipe"])
    if store.has(partition, "registry.looks"):
        looks = store.read("*", from_="registry.looks", partitions=[partition])
    same = (
        (looks["start"] == vault.start) & (looks["data_digest"] == data_digest) & (looks["recipe"] == recipe)
    )
    if not same.any():
        row = {"start": vault.start, "data_digest": data_digest, "recipe": recipe, "looked_at": now}
        store.write(partition, "registry.looks", pd.DataFrame([row]))
    recipes = set(looks.loc[looks["start"] == vault.start, "recipe"]) | {recipe}
    return len(recipes)
