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
    context: dg.AssetCheckExecutionContext,
    judge: "Callable[[Partition], Judgement]",
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
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
        severity=severity,
    )
    return dg.AssetCheckResult(
        passed=not reasons,
        severity=severity,
        description="; ".join(reasons) or "every rule holds",
        metadata={
            key: dg.MetadataValue.json(dict(judgement.evidence)) for key, judgement in judgements.items()
        },
    )


def _check(
    schema: str, table: str, description: str, *, says: str = "fit_to_build_on", blocking: bool = True
) -> Callable[..., dg.AssetChecksDefinition]:
    """Return the decorator of a check on one partitioned asset."""
    return dg.asset_check(
        asset=dg.AssetKey([schema, table]),
        name=f"{table}_{says}",
        blocking=blocking,
        partitions_def=PARTITIONS,
        description=description,
    )


@_check("market", "klines", "At most 1 % of rows rejected, 5 % of bars missing; a market that moves.")
def klines_fit(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Judge the klines of every partition of the run."""
    from truebar_io.stages.checks import klines_judgement  # noqa: PLC0415 (pandas loads in the body)

    store: Warehouse = warehouse.open()
    now = datetime.now(UTC)
    return _result(context, lambda partition: klines_judgement(store, partition, now))


@_check(
    "market",
    "klines",
    "Every rejected row was a forming candle or has been replaced; counts by reason, repeats, mixed stamps.",
    says="rejections",
    blocking=False,
)
def klines_rejections(
    context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
) -> dg.AssetCheckResult:
    """Tell what was rejected, and warn of rows that left a hole."""
    from truebar.quality import judge_rejections  # noqa: PLC0415
    from truebar_io.stages.checks import quality_of  # noqa: PLC0415

    store = warehouse.open()
    return _result(
        context, lambda partition: judge_rejections(quality_of(store, partition)), dg.AssetCheckSeverity.WARN
    )


@_check(
    "market",
    "klines",
    "No bar is missing between the first and the last, and the market has not stopped; halts are told.",
    says="continuity",
    blocking=False,
)
def klines_continuity(
    context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
) -> dg.AssetCheckResult:
    """Tell gaps and halts, and warn of missing bars and of a market that stopped."""
    from truebar.quality import judge_continuity  # noqa: PLC0415
    from truebar_io.stages.checks import quality_of  # noqa: PLC0415

    store = warehouse.open()
    return _result(
        context, lambda partition: judge_continuity(quality_of(store, partition)), dg.AssetCheckSeverity.WARN
    )


@_check(
    "features",
    "matrix",
    "One row a bar, no infinity, no value missing that missing or still bars do not explain.",
)
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


CHECKS: Final = (klines_fit, klines_rejections, klines_continuity, matrix_fit, labels_fit)
