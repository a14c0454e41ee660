"""What the blocking checks read of a published partition."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from truebar.errors import CorruptDataError, TooFewRowsError
from truebar.market.quality import KlinesQuality, klines_quality
from truebar.market.schema import FLOW_COLUMNS
from truebar.partitions import Partition
from truebar.quality import Judgement, judge_features, judge_klines, judge_labels
from truebar.tables import schema_of
from truebar_io.configuration import Configuration
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
    columns = ["open_time", "high", "low", "volume"]
    bars = store.read(columns, from_="market.klines", partitions=[partition])
    features = matrix.drop(columns=["open_time", "available_at"])
    return judge_features(features, bars, timeframe=partition.timeframe)


def refuse_short(store: Warehouse, partition: Partition, settings: Configuration) -> None:
    """Do nothing if the partition has enough bars to train on.

    Raises:
        TooFewRowsError: it has fewer than `min_training_bars` of data.yaml.
    """
    bars, least = store.summary(partition)["market.klines"].rows, settings.data.min_training_bars
    if bars < least:
        raise TooFewRowsError(
            f"{partition} has {bars:,} bars; expected at least {least:,} (min_training_bars of data.yaml) to "
            "train on and to judge by: with fewer, nothing could be proven either way. The bars are kept, "
            "nothing is trained; give more history."
        )


def refuse_unfit(store: Warehouse, partition: Partition, settings: Configuration, now: datetime) -> None:
    """Do nothing if the partition is fit to train on.

    Raises:
        TooFewRowsError: it has too few bars (see `refuse_short`).
        CorruptDataError: naming every rule that klines, features or labels break; a training that is asked
            for alone must not pass what the blocking checks stop.
    """
    refuse_short(store, partition, settings)
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
