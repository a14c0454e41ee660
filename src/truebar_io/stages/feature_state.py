"""The saved state of a feature family: new bars extend the family's table from it, bit for bit.

A state lies beside the tables as `features.<family>.state`: one line of JSON, then the stream's snapshot. It
names the table that it belongs to and the bars that it has seen, so it needs no care: written after the rows,
and after a kill, a revised bar or a new kernel, it is the state of something else, and the family is computed
again from its first bar.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from truebar.errors import SnapshotError
from truebar.feature_columns import COLUMN_FAMILIES
from truebar.features import FeatureStream
from truebar.partitions import Partition
from truebar_io.durable import replace_file
from truebar_io.warehouse import Warehouse

BARS: Final = ("open_time", "open", "high", "low", "close", "volume", "trades", "taker_buy_volume")
"""Columns of the klines that features are computed from."""


@dataclass(frozen=True)
class FamilyState:
    """What a saved state belongs to.

    Attributes:
        made_from: what the table was computed from (`truebar_io.lineage.made_from`).
        table_digest: of the family's table as it was published.
        latest: open_time of the last bar seen, ISO 8601.
        bars: how many bars were seen.
        bars_digest: fingerprint of these bars (`bars_until`).
    """

    made_from: str
    table_digest: str
    latest: str
    bars: int
    bars_digest: str


def state_path(store: Warehouse, partition: Partition, family: str) -> Path:
    """Return where the state of a family lies."""
    return store.root / partition.symbol / partition.timeframe / f"features.{family}.state"


def save_state(
    store: Warehouse, partition: Partition, family: str, state: FamilyState, snapshot: bytes
) -> None:
    """Put the state in place of the one before, and remove what killed writers of it left behind."""
    path = state_path(store, partition, family)
    for leftover in path.parent.glob(f".{path.name}.*.part"):
        leftover.unlink(missing_ok=True)
    replace_file(path, json.dumps(asdict(state)).encode() + b"\n" + snapshot)


def load_state(store: Warehouse, partition: Partition, family: str) -> tuple[FamilyState, bytes] | None:
    """Return the state of the family's table as it is published now; None where there is none."""
    published = store.summary(partition).get(f"features.{family}")
    try:
        head, _, snapshot = state_path(store, partition, family).read_bytes().partition(b"\n")
        state = FamilyState(**json.loads(head))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    if published is None or published.digest != state.table_digest or published.rows != state.bars:
        return None
    return state, snapshot


def bars_until(store: Warehouse, partition: Partition, latest: pd.Timestamp | str) -> tuple[int, str]:
    """Return how many bars open until `latest`, and a fingerprint of them that DuckDB makes in one scan."""
    told = pd.Timestamp(latest).isoformat()
    found = store.query(
        f"select count(*) as bars, bit_xor(hash({', '.join(BARS)})) as digest from market.klines "
        f"where open_time <= timestamptz '{told}'",
        [partition],
    )
    return int(found["bars"].iloc[0]), str(found["digest"].iloc[0])


def resume(store: Warehouse, partition: Partition, family: str, stream: FeatureStream) -> bool:
    """Bring a fresh stream to the end of the family's published table, if its state can be believed.

    It can where the published table is the one that the state names, the bars that it has seen are still
    the same, none has come between them, and the kernel is the one that saw them.
    """
    saved = load_state(store, partition, family)
    if saved is None:
        return False
    state, snapshot = saved
    if bars_until(store, partition, state.latest) != (state.bars, state.bars_digest):
        return False
    try:
        stream.restore(snapshot)
    except SnapshotError:
        return False
    return stream.latest == pd.Timestamp(state.latest)


def published_source(store: Warehouse, partition: Partition, table: str) -> str | None:
    """Return what a table was made from.

    A family's rows may have been published at several times, in several files; what they were made from as a
    whole is then told by its state, if that is the state of these rows.
    """
    schema, _, name = table.partition(".")
    if schema == "features" and name in COLUMN_FAMILIES:
        saved = load_state(store, partition, name)
        if saved is not None:
            return saved[0].made_from
    summary = store.summary(partition).get(table)
    return None if summary is None else summary.made_from
