"""The landing sensor: a file dropped into `landing/<SYMBOL>/<timeframe>/` refreshes just that partition."""

import json
import time
from collections import defaultdict
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from assets.partitions import SYMBOLS
from jobs.pipeline import refresh
from resources.warehouse import WarehouseResource
from sensors.tags import CAUSE
from truebar.partitions import Partition, Rectangle, rectangles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truebar_io.ingest import LandingFile

REQUESTS_PER_TICK: Final = 8
"""Each request costs a tick about 1.5 s; what is left over is asked for by the next tick."""

SETTLED_NS: Final = 2_000_000_000
"""A file written to less than two seconds ago may still grow: it is left for a later tick."""


def signatures(files: "Iterable[LandingFile]", *, now_ns: int) -> dict[Partition, str]:
    """Return one text for each partition that changes when any of its landed files does.

    Partitions with a file that may still be being written are left out.
    """
    by_partition: dict[Partition, list[str]] = defaultdict(list)
    growing = set()
    for file in files:
        by_partition[file.partition].append(f"{file.path.name}:{file.modified_ns}:{file.size_bytes}")
        if 0 <= now_ns - file.modified_ns < SETTLED_NS:
            growing.add(file.partition)
    return {
        partition: sha256("\n".join(sorted(names)).encode()).hexdigest()[:16]
        for partition, names in by_partition.items()
        if partition not in growing
    }


def request_for(rectangle: Rectangle) -> dg.RunRequest:
    """Return one refresh run over exactly the partitions of `rectangle`.

    It has no run key: Dagster keeps a tick's requests together with its cursor, so none is lost or made
    twice, and a key made of the files would refuse a folder that returns to an earlier state.
    """
    if len(rectangle.partitions) == 1:
        return dg.RunRequest(partition_key=rectangle.first.key, tags={CAUSE: "landing"})
    return dg.RunRequest(
        tags={
            ASSET_PARTITION_RANGE_START_TAG: rectangle.first.key,
            ASSET_PARTITION_RANGE_END_TAG: rectangle.last.key,
            CAUSE: "landing",
        }
    )


@dg.sensor(job=refresh, minimum_interval_seconds=5, default_status=dg.DefaultSensorStatus.RUNNING)
def landing(context: dg.SensorEvaluationContext, warehouse: WarehouseResource) -> dg.SensorResult:
    """Ask for one refresh for each rectangle of partitions whose landed files changed.

    The cursor holds what was asked for, so nothing is missed between ticks or restarts and nothing is asked
    for twice. A partition that a run holds now is left for a later tick.
    """
    from truebar_io.ingest import landing_files  # noqa: PLC0415 (pandas loads in the body)
    from truebar_io.lease import is_leased  # noqa: PLC0415

    asked: dict[str, str] = json.loads(context.cursor or "{}")
    current = signatures(landing_files(warehouse.home), now_ns=time.time_ns())
    new = [
        partition
        for partition, signature in current.items()
        if asked.get(partition.key) != signature and not is_leased(warehouse.home, partition)
    ]
    known = list(context.instance.get_dynamic_partitions("symbols"))
    added = sorted({partition.symbol for partition in new} - set(known))
    chosen = rectangles(new, [*known, *added])[:REQUESTS_PER_TICK]
    for rectangle in chosen:
        asked.update({partition.key: current[partition] for partition in rectangle.partitions})
    return dg.SensorResult(
        run_requests=[request_for(rectangle) for rectangle in chosen],
        dynamic_partitions_requests=[SYMBOLS.build_add_request(added)] if added else [],
        cursor=json.dumps(asked, sort_keys=True),
    )
