"""What a model may read of a partition: its history, and the vault that is kept from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from truebar.arrays import FloatArray
from truebar.config import LabelConfig
from truebar.errors import MissingDataError
from truebar.history import History
from truebar.labels import vol_scaled
from truebar.models.recipe import Request, xgboost_request
from truebar.partitions import Partition
from truebar.protocol import Look, RegisteredVault, VaultRegistry
from truebar.validation import Vault, next_vault
from truebar_io.configuration import Configuration
from truebar_io.warehouse import Warehouse


def load_bars(store: Warehouse, partition: Partition) -> pd.DataFrame:
    """Return all klines of a partition."""
    return store.read("*", from_="market.klines", partitions=[partition])


def load_volatility(store: Warehouse, partition: Partition) -> Mapping[str, FloatArray]:
    """Return the published volatility of every bar, by estimator."""
    frame = store.read("*", from_="labels.volatility", partitions=[partition])
    names = [name for name in frame.columns if name not in ("open_time", "symbol", "timeframe")]
    return {name: frame[name].to_numpy(dtype="float64", na_value=float("nan")) for name in names}


def load_history(
    store: Warehouse, partition: Partition, label: LabelConfig, bars: pd.DataFrame | None = None
) -> History:
    """Return features and the labels of one configuration, row by row.

    The labels are made from the published volatility: a search tries more of them than are kept in
    `labels.vol_scaled`, which shows those of the configuration.

    Args:
        store: the warehouse.
        partition: whose history.
        label: estimator, k and horizon.
        bars: all klines of the partition, where they are read already.

    Raises:
        MissingDataError: when the volatility of the estimator is not there.
    """
    known = load_bars(store, partition) if bars is None else bars
    sigma = load_volatility(store, partition)
    if label.estimator not in sigma or len(known) != len(sigma[label.estimator]):
        raise MissingDataError(
            f"{partition}: labels.volatility has no {label.estimator} for each of {len(known)} bars; "
            "materialize labels/volatility."
        )
    labels = vol_scaled(
        known,
        sigma[label.estimator],
        k=label.k,
        horizon_bars=label.horizon_bars,
        neutral_zone=label.neutral_zone,
        timeframe=partition.timeframe,
    )
    matrix = store.read("*", from_="features.matrix", partitions=[partition])
    return History.align(matrix, labels.assign(open_time=pd.DatetimeIndex(known["open_time"])))


def request_of(settings: Configuration, partition: Partition, feature_columns: tuple[str, ...]) -> Request:
    """Return what the configuration asks for on `partition`."""
    threshold = settings.data.labels.vol_threshold
    return xgboost_request(
        feature_columns,
        settings.data.labels.for_partition(partition),
        settings.xgb,
        settings.backtest_of(partition.symbol),
        k_grid=threshold.k.grid,
        estimators=threshold.search,
    )


def load_registry(store: Warehouse, partition: Partition) -> VaultRegistry:
    """Return every vault and look of the partition."""
    vaults = _rows(store, partition, "registry.vaults", order="start")
    looks = _rows(store, partition, "registry.looks", order="looked_at")
    return VaultRegistry(
        tuple(RegisteredVault.model_validate(row) for row in vaults),
        tuple(Look.model_validate(row) for row in looks),
    )


def _rows(store: Warehouse, partition: Partition, table: str, *, order: str) -> list[dict[str, Any]]:
    """Return the rows of a table, in order; none where the table is not there."""
    if not store.has(partition, table):
        return []
    frame = store.read("*", table, partition).sort_values(order)
    records = frame.drop(columns=["symbol", "timeframe"], errors="ignore").to_dict("records")
    return [{str(name): value for name, value in record.items()} for record in records]


def current_vault(store: Warehouse, partition: Partition, history: History, share: float) -> Vault:
    """Return the vault that work on this history must keep; it may not be registered yet."""
    registered = [entry.vault for entry in load_registry(store, partition).vaults]
    return next_vault(history.open_time, history.labels["label_end"], registered, share=share)


def register_vault(
    store: Warehouse, partition: Partition, vault: Vault, data_digest: str, *, now: datetime
) -> None:
    """Write the vault down before anything is fitted; a vault that is registered stays as it is."""
    before = load_registry(store, partition)
    after = before.register(vault, data_digest, at=now)
    if after != before:
        row = after.vaults[-1].model_dump()
        store.write(partition, "registry.vaults", pd.DataFrame([row]))


def record_look(
    store: Warehouse, partition: Partition, vault: Vault, data_digest: str, recipe: str, *, now: datetime
) -> int:
    """Write a look at the vault down, and return how many distinct recipes have looked at it.

    The same recipe on the same data is one look, however often it runs.
    """
    before = load_registry(store, partition)
    after = before.look(vault, data_digest, recipe, at=now)
    if after != before:
        row = after.looks[-1].model_dump()
        store.write(partition, "registry.looks", pd.DataFrame([row]))
    return after.looks_at(vault)
