"""The feature families computed in Python, and the matrix over all families."""

from __future__ import annotations

from typing import Final

import pandas as pd

from truebar.errors import MissingDataError
from truebar.features import FeatureStream
from truebar.partitions import Partition
from truebar_io.lineage import MATRIX_FAMILIES, code_digest, made_from
from truebar_io.stages.feature_state import BARS, FamilyState, bars_until, resume, save_state
from truebar_io.warehouse import Warehouse, WriteResult
from truebar_io.warehouse.store import Mode

_ONE_MICROSECOND: Final = pd.Timedelta(1, "us")


def publish_family(store: Warehouse, partition: Partition, family: str) -> WriteResult:
    """Bring one family up to the partition's klines and publish it as `features.<family>`.

    New bars are added from the family's saved state; where that cannot be believed (revised bars, another
    kernel, no state), the family is computed from the first bar on. Both give the same bits.
    """
    table = f"features.{family}"
    source = made_from(store, partition, table, code=code_digest())
    stream = FeatureStream(family, timeframe=partition.timeframe)
    goes_on = resume(store, partition, family, stream)
    since = stream.latest + _ONE_MICROSECOND if goes_on and stream.latest is not None else None
    bars = store.read(BARS, from_="market.klines", partitions=[partition], since=since)
    frame = stream.extend(bars).drop(columns="available_at")
    if goes_on and frame.empty:
        result = published_result(store, partition, table)
    else:
        mode: Mode = "append" if goes_on else "replace"
        result = store.write(partition, table, frame, mode=mode, made_from=source)
    if stream.latest is not None:
        seen, digest = bars_until(store, partition, stream.latest)
        state = FamilyState(source, result.digest, stream.latest.isoformat(), seen, digest)
        save_state(store, partition, family, state, stream.snapshot())
    return result


def published_result(store: Warehouse, partition: Partition, table: str) -> WriteResult:
    """Return what a publish without rows would say of a table that stays as it is."""
    held = store.summary(partition)[table]
    return WriteResult(table, 0, held.rows, held.watermark, held.digest)


def _columns(store: Warehouse, partition: Partition, family: str) -> list[str]:
    """Return the feature columns of a published family."""
    no_rows = store.read("*", from_=f"features.{family}", partitions=[partition], until="1970-01-01")
    return [str(name) for name in no_rows.columns if name != "open_time"]


def publish_matrix(store: Warehouse, partition: Partition) -> WriteResult:
    """Publish `features.matrix`: the view that names every column of every family.

    Raises:
        MissingDataError: when a family is not there yet.
        CorruptDataError: when the families stand at different bars.
    """
    missing = [name for name in MATRIX_FAMILIES if not store.has(partition, f"features.{name}")]
    if missing:
        raise MissingDataError(
            f"{partition}: features.matrix needs the families {', '.join(MATRIX_FAMILIES)}; missing: "
            f"{', '.join(missing)}. Materialize them first."
        )
    families = {name: _columns(store, partition, name) for name in MATRIX_FAMILIES}
    source = made_from(store, partition, "features.matrix", code=code_digest())
    return store.create_view(partition, "features.matrix", families=families, made_from=source)
