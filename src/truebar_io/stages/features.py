"""The feature families computed in Python, and the matrix over all families."""

from __future__ import annotations

from truebar.errors import MissingDataError
from truebar.features import batch
from truebar.partitions import Partition
from truebar_io.lineage import MATRIX_FAMILIES, code_digest, made_from
from truebar_io.warehouse import Warehouse, WriteResult


def publish_family(store: Warehouse, partition: Partition, family: str) -> WriteResult:
    """Compute one family from the partition's klines and publish it as `features.<family>`."""
    table = f"features.{family}"
    source = made_from(store, partition, table, code=code_digest())
    bars = store.read("*", from_="market.klines", partitions=[partition])
    frame = batch(bars, family, timeframe=partition.timeframe).drop(columns="available_at")
    return store.write(partition, table, frame, mode="replace", made_from=source)


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
