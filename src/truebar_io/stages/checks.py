"""What the blocking checks read of a published partition."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from truebar.errors import CorruptDataError
from truebar.market.quality import KlinesQuality, klines_quality
from truebar.market.schema import FLOW_COLUMNS
from truebar.partitions import Partition
from truebar.quality import Judgement, judge_features, judge_klines, judge_labels
from truebar.tables import schema_of
from truebar_io.warehouse import Warehouse


def quality_of(store: Warehouse, partition: Partition) -> KlinesQuality:
    """Return what is known about the published klines, for checks, reports and people."""
    columns = ["open_time", "close_time", "close", "volume", *FLOW_COLUMNS]
    return klines_quality(
        store.read(columns, from_="market.klines", partitions=[partition]),
        quarantine=store.read(["open_time", "reason"], from_="market.quarantine", partitions=[partition]),
        gaps=store.read(["start", "end", "bars", "reason"], from_="market.gaps", partitions=[partition]),
        # Homes of older versions lack the newer columns; they read as NULL.
        imports=store.read("*", from_="market.imports", partitions=[partition]).reindex(
            columns=list(schema_of("market.imports").columns)
        ),
    )


def klines_judgement(store: Warehouse, partition: Partition, now: datetime) -> Judgement:
    """Judge the published klines as of `now`."""
    return judge_klines(quality_of(store, partition), now=pd.Timestamp(now))


def matrix_judgement(store: Warehouse, partition: Partition) -> Judgement:
    """Judge the published feature matrix."""
    matrix = store.read("*", from_="features.matrix", partitions=[partition])
    bars = store.summary(partition)["market.klines"].rows
    return judge_features(matrix.drop(columns=["open_time", "available_at"]), bars=bars)


def refuse_unfit(store: Warehouse, partition: Partition, now: datetime) -> None:
    """Do nothing if the partition is fit to train on.

    Raises:
        CorruptDataError: naming every rule that klines, features or labels break; a training that is asked
            for alone must not pass what the blocking checks stop.
    """
    judgements = {
        "market.klines": klines_judgement(store, partition, now),
        "features.matrix": matrix_judgement(store, partition),
        "labels.vol_scaled": labels_judgement(store, partition),
    }
    reasons = [f"{table}: {reason}" for table, found in judgements.items() for reason in found.reasons]
    if reasons:
        raise CorruptDataError(f"{partition} is not fit to train on: {'; '.join(reasons)}.")


def labels_judgement(store: Warehouse, partition: Partition) -> Judgement:
    """Judge the published labels."""
    columns = ["open_time", "label", "label_end"]
    return judge_labels(store.read(columns, from_="labels.vol_scaled", partitions=[partition]))
