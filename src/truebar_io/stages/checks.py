"""What the blocking checks read of a published partition."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from truebar.partitions import Partition
from truebar.quality import Judgement, judge_features, judge_klines, judge_labels
from truebar_io.warehouse import Warehouse


def klines_judgement(store: Warehouse, partition: Partition, now: datetime) -> Judgement:
    """Judge the published klines as of `now`."""
    bars = store.read(["close_time"], from_="market.klines", partitions=[partition])
    gaps = store.read(["bars", "reason"], from_="market.gaps", partitions=[partition])
    return judge_klines(
        rows=len(bars),
        quarantined=store.summary(partition)["market.quarantine"].rows,
        missing=int(gaps.loc[gaps["reason"] == "missing", "bars"].sum()),
        last_close=bars["close_time"].max(),
        now=pd.Timestamp(now),
    )


def matrix_judgement(store: Warehouse, partition: Partition) -> Judgement:
    """Judge the published feature matrix."""
    matrix = store.read("*", from_="features.matrix", partitions=[partition])
    bars = store.summary(partition)["market.klines"].rows
    return judge_features(matrix.drop(columns=["open_time", "available_at"]), bars=bars)


def labels_judgement(store: Warehouse, partition: Partition) -> Judgement:
    """Judge the published labels."""
    columns = ["open_time", "label", "label_end"]
    return judge_labels(store.read(columns, from_="labels.vol_scaled", partitions=[partition]))
