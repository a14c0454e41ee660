"""Blocking checks: what follows runs only where the published table is fit to build on."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import dagster as dg

from assets.evaluations import tell_each_partition
from assets.partitions import PARTITIONS
from resources.warehouse import WarehouseResource

if TYPE_CHECKING:
    from truebar.partitions import Partition
    from truebar.quality import Judgement
    from truebar_io.warehouse import Warehouse


def _result(
    context: dg.AssetCheckExecutionContext, judge: "Callable[[Partition], Judgement]"
) -> dg.AssetCheckResult:
    """Return one check result over all partitions of the run, and tell each partition its own."""
    from truebar.partitions import Partition  # noqa: PLC0415

    judgements = {key: judge(Partition.from_key(key)) for key in context.partition_keys}
    reasons = [f"{key}: {reason}" for key, judgement in judgements.items() for reason in judgement.reasons]
    (check,) = context.selected_asset_check_keys
    tell_each_partition(
        context.instance,
        context.run,
        check,
        {key: judgement.passed for key, judgement in judgements.items()},
        metadata={key: judgement.evidence for key, judgement in judgements.items()},
    )
    return dg.AssetCheckResult(
        passed=not reasons,
        description="; ".join(reasons) or "every rule holds",
        metadata={
            key: dg.MetadataValue.json(dict(judgement.evidence)) for key, judgement in judgements.items()
        },
    )


def _check(schema: str, table: str, description: str) -> Callable[..., dg.AssetChecksDefinition]:
    """Return the decorator of a blocking check on one partitioned asset."""
    return dg.asset_check(
        asset=dg.AssetKey([schema, table]),
        name=f"{table}_fit_to_build_on",
        blocking=True,
        partitions_def=PARTITIONS,
        description=description,
    )


@_check("market", "klines", "At most 1 % of rows rejected and 5 % of bars missing; nothing from the future.")
def klines_fit(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Judge the klines of every partition of the run."""
    from truebar_io.stages.checks import klines_judgement  # noqa: PLC0415 (pandas loads in the body)

    store: Warehouse = warehouse.open()
    now = datetime.now(UTC)
    return _result(context, lambda partition: klines_judgement(store, partition, now))


@_check("features", "matrix", "One row a bar, no infinity, no column mostly missing after its warm-up.")
def matrix_fit(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Judge the feature matrix of every partition of the run."""
    from truebar_io.stages.checks import matrix_judgement  # noqa: PLC0415

    store = warehouse.open()
    return _result(context, lambda partition: matrix_judgement(store, partition))


@_check(
    "labels", "vol_scaled", "Some rows are labelled, all three classes occur, labels end after their bar."
)
def labels_fit(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Judge the labels of every partition of the run."""
    from truebar_io.stages.checks import labels_judgement  # noqa: PLC0415

    store = warehouse.open()
    return _result(context, lambda partition: labels_judgement(store, partition))


CHECKS: Final = (klines_fit, matrix_fit, labels_fit)
