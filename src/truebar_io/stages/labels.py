"""Volatility and labels of one partition."""

from __future__ import annotations

from typing import Any

import pandas as pd

from truebar.labels import vol_scaled
from truebar.partitions import Partition
from truebar.volatility import estimate_all
from truebar_io.configuration import Configuration
from truebar_io.lineage import code_digest, made_from
from truebar_io.warehouse import Warehouse, WriteResult


def volatility_settings(settings: Configuration, partition: Partition) -> dict[str, Any]:
    """Return what the volatility of `partition` depends on, as JSON."""
    label = settings.data.labels.for_partition(partition)
    tick_size = settings.market_of(partition.symbol).tick_size
    return {"window": label.window, "tick_size": tick_size}


def label_settings(settings: Configuration, partition: Partition) -> dict[str, Any]:
    """Return what the labels of `partition` depend on, as JSON."""
    return settings.data.labels.for_partition(partition).model_dump(mode="json")


def publish_volatility(store: Warehouse, partition: Partition, settings: Configuration) -> WriteResult:
    """Estimate the volatility of every bar by every estimator and publish it as `labels.volatility`."""
    chosen = volatility_settings(settings, partition)
    source = made_from(store, partition, "labels.volatility", code=code_digest(), settings=chosen)
    bars = store.read("*", from_="market.klines", partitions=[partition])
    frame = estimate_all(
        bars, window=chosen["window"], timeframe=partition.timeframe, tick_size=chosen["tick_size"]
    )
    frame.insert(0, "open_time", bars["open_time"].array)
    return store.write(partition, "labels.volatility", frame, mode="replace", made_from=source)


def publish_labels(store: Warehouse, partition: Partition, settings: Configuration) -> WriteResult:
    """Label every bar and publish the labels as `labels.vol_scaled`."""
    label = settings.data.labels.for_partition(partition)
    source = made_from(
        store,
        partition,
        "labels.vol_scaled",
        code=code_digest(),
        settings=label_settings(settings, partition),
    )
    bars = store.read("*", from_="market.klines", partitions=[partition])
    sigma = store.read(["open_time", label.estimator], from_="labels.volatility", partitions=[partition])
    labels = vol_scaled(
        bars,
        sigma[label.estimator].to_numpy(),
        k=label.k,
        horizon_bars=label.horizon_bars,
        neutral_zone=label.neutral_zone,
        timeframe=partition.timeframe,
    )
    identity = {
        "open_time": bars["open_time"],
        "horizon_bars": label.horizon_bars,
        "estimator": label.estimator,
        "k": label.k,
    }
    frame = pd.concat([pd.DataFrame(identity, index=labels.index), labels], axis=1)
    return store.write(partition, "labels.vol_scaled", frame, mode="replace", made_from=source)
