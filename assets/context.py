"""The dbt project as assets: its models, and its data tests as checks, read from dbt's manifest.

Dagster compares the annotation of `context` with its class, so annotations here are no strings.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import dagster as dg

from assets.columns import described, lineage_metadata
from assets.evaluations import tell_each_partition
from assets.origins import Origins
from assets.partitioned import hold_partitions, market_of, published, raise_failures
from assets.partitions import PARTITIONS, PER_RUN
from resources.configuration import ConfigurationResource
from resources.warehouse import WarehouseResource
from truebar.tables import RESERVED_COLUMNS
from truebar_io.transforms.build import ensure_manifest
from truebar_io.transforms.manifest import Column, DataTest, Model, read_manifest

if TYPE_CHECKING:
    from truebar_io.configuration import Configuration
    from truebar_io.transforms.build import BuildReport
    from truebar_io.transforms.publish import Transformed

PROJECT: Final = Path(__file__).resolve().parent.parent / "dbt_features"
MANIFEST: Final = read_manifest(ensure_manifest(PROJECT))


def key_of(table: str) -> dg.AssetKey:
    """Return the asset key of a table: `features.context` is `features/context`."""
    return dg.AssetKey(table.split("."))


def columns_of(model: Model) -> tuple[Column, ...]:
    """Return the columns of a model as it is published, one file for each partition, or as dbt has them."""
    if not model.is_stored:
        return model.columns
    return tuple(column for column in model.columns if column.name not in RESERVED_COLUMNS)


def origins_of(model: Model) -> Origins:
    """Return from which columns of what a model reads each of its columns comes, where it says so."""
    (first, *_) = model.reads
    return {column.name: {first: column.sources} for column in columns_of(model) if column.sources}


def asset_spec(model: Model) -> dg.AssetSpec:
    """Return the asset that one dbt model is, with its SQL and columns."""
    origins = origins_of(model)
    columns = [
        dg.TableColumn(
            column.name,
            column.data_type or "unknown",
            description=described(column.description, column.name, origins),
        )
        for column in columns_of(model)
    ]
    return dg.AssetSpec(
        key_of(model.table),
        deps=[key_of(table) for table in model.reads],
        description=model.description,
        group_name="features",
        kinds={"dbt", "duckdb"},
        owners=list(model.owners),
        code_version=model.checksum,
        metadata={
            "dagster/table_name": model.table,
            "dagster/column_schema": dg.TableSchema(columns),
            **lineage_metadata(origins),
            "sql": dg.MetadataValue.md(f"```sql\n{model.sql}\n```"),
        },
    )


def check_spec(test: DataTest) -> dg.AssetCheckSpec:
    """Return the check that one dbt data test is; a run of one partition gives it that partition's result."""
    return dg.AssetCheckSpec(
        test.name, asset=key_of(test.model), description=test.description or None, partitions_def=PARTITIONS
    )


def check_results(context: dg.AssetExecutionContext, report: "BuildReport") -> Iterator[dg.AssetCheckResult]:
    """Yield the result of every data test that ran and was asked for.

    Tests are found by name: dbt's id of a test changes with its arguments, which may be edited after load.
    """
    tests = {test.name: test for test in MANIFEST.tests}
    for result in report.results:
        test = tests.get(result.name)
        if test is None or result.kind != "test" or result.status == "skipped":
            continue
        key = dg.AssetCheckKey(key_of(test.model), test.name)
        if key in context.selected_asset_check_keys:
            warned = result.status == "warn"
            severity = dg.AssetCheckSeverity.WARN if warned else dg.AssetCheckSeverity.ERROR
            passed = dict.fromkeys(context.partition_keys, result.status == "pass")
            tell_each_partition(context.instance, context.run, key, passed, severity=severity)
            yield dg.AssetCheckResult(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=result.status == "pass",
                severity=severity,
                metadata={"failing_rows": result.failures or 0, "dbt_says": result.message or result.status},
            )


def materializations(
    context: dg.AssetExecutionContext, settings: "Configuration", done: "Transformed"
) -> Iterator[dg.MaterializeResult[None]]:
    """Yield every model that was asked for, each after what it reads, with each partition's rows."""
    models = {model.unique_id: model for model in MANIFEST.models}
    for table, by_partition in done.written.items():
        for partition, written in by_partition.items():
            told = market_of(settings, partition) | published(written)
            context.add_asset_metadata(told, asset_key=key_of(table), partition_key=partition.key)
    for result in done.report.results:
        model = models.get(result.unique_id)
        if model is not None and key_of(model.table) in context.selected_asset_keys:
            told = {"dbt_seconds": round(result.seconds, 3), **lineage_metadata(origins_of(model))}
            yield dg.MaterializeResult[None](asset_key=key_of(model.table), metadata=told)


@dg.multi_asset(
    name="dbt_features",
    specs=[asset_spec(model) for model in MANIFEST.models],
    check_specs=[check_spec(test) for test in MANIFEST.tests],
    partitions_def=PARTITIONS,
    backfill_policy=PER_RUN,
    can_subset=True,
)
def dbt_features(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, configuration: ConfigurationResource
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Build every model over the run's partitions in one dbt call; publish, then say so.

    A model, data test or unit test that fails keeps every partition of the run from being published.
    """
    from truebar_io.transforms.publish import transform  # noqa: PLC0415 (dbt and DuckDB load in the body)

    held, refused = hold_partitions(context, warehouse)
    selected = {".".join(key.path) for key in context.selected_asset_keys}
    done = transform(
        warehouse.open(), warehouse.home, PROJECT, held, run_id=context.run.run_id, tables=selected
    )
    refused |= {partition.key: error for partition, error in done.refused.items()}
    if not refused:
        yield from materializations(context, configuration.load(), done)
    yield from check_results(context, done.report)
    raise_failures(context, refused)
