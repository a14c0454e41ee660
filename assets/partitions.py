"""The partitions of every asset, and how many of them share a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import dagster as dg

from truebar.partitions import Partition
from truebar.units import TIMEFRAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

SYMBOLS: Final = dg.DynamicPartitionsDefinition(name="symbols")
"""Markets that have data; sensors and the command line add to them, in the order they keep."""

PARTITIONS: Final = dg.MultiPartitionsDefinition(
    {"symbol": SYMBOLS, "timeframe": dg.StaticPartitionsDefinition(list(TIMEFRAMES))}
)
"""One symbol at one timeframe. Time is no dimension (Dagster allows two): watermarks hold it."""

PER_RUN: Final = dg.BackfillPolicy.single_run()
"""Data assets: a run takes a whole rectangle of partitions, so its start-up is paid once."""

ONE_BY_ONE: Final = dg.BackfillPolicy.multi_run(1)
"""Model assets: one partition's failure stays its own, and one Dagster run is one MLflow run."""

PATIENT: Final = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL)
"""Steps that a run may begin with try again when another run holds the partition for a moment.

Only where nothing but a `RetryError` stood in the way: any other failure forbids retries."""


def partitions_of(context: dg.AssetExecutionContext) -> Sequence[Partition]:
    """Return the partitions of a run over one or over a range, in Dagster's order."""
    return [Partition.from_key(key) for key in context.partition_keys]


def partition_of(context: dg.AssetExecutionContext) -> Partition:
    """Return the partition of a run over exactly one.

    Raises:
        dagster.DagsterInvariantViolationError: when the run is over several.
    """
    return Partition.from_key(context.partition_key)
