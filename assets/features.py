"""Features computed in Python, one asset for each declared family, and the matrix that models read."""

from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from assets.columns import TIME, described, lineage_metadata
from assets.context import MANIFEST, columns_of
from assets.origins import KLINES, Origins
from assets.partitioned import each_partition, published
from assets.partitions import PARTITIONS, PER_RUN
from resources.configuration import ConfigurationResource
from resources.warehouse import WarehouseResource
from truebar.feature_columns import COLUMN_FAMILIES, ColumnFamily
from truebar_io.lineage import MATRIX_FAMILIES, UPSTREAM
from truebar_io.transforms.manifest import Column

if TYPE_CHECKING:
    from truebar.partitions import Partition
    from truebar_io.warehouse import Warehouse


def keys(tables: tuple[str, ...]) -> list[list[str]]:
    """Return the asset keys of tables."""
    return [table.split(".") for table in tables]


def context_columns() -> tuple[Column, ...]:
    """Return the columns of the family that dbt computes."""
    model = next(model for model in MANIFEST.models if model.table == f"features.{MATRIX_FAMILIES[-1]}")
    return columns_of(model)


def matrix_origins() -> Origins:
    """Return from which family each column of the matrix comes, in their order."""
    columns = {family.name: family.columns for family in COLUMN_FAMILIES.values()}
    columns[MATRIX_FAMILIES[-1]] = tuple(column.name for column in context_columns())
    return {
        name: {f"features.{family}": (name,)}
        for family, names in columns.items()
        for name in names
        if name != "open_time"
    }


def matrix_columns() -> tuple[str, ...]:
    """Return the columns that models read, in the order of the matrix."""
    return tuple(matrix_origins())


def family_origins(family: ColumnFamily) -> Origins:
    """Return from which columns of the klines each column of a family comes."""
    return {column.name: {KLINES: column.inputs} for column in family.declared}


def feature_columns(family: ColumnFamily, origins: Origins) -> list[dg.TableColumn]:
    """Return the columns of a family as the UI shows them, each with its warm-up and where it comes from."""
    return [
        dg.TableColumn(
            column.name,
            "float",
            description=described(
                f"{column.description} (warm-up bars: {column.warmup_bars}).", column.name, origins
            ),
        )
        for column in family.declared
    ]


def family_asset(family: ColumnFamily) -> dg.AssetsDefinition:
    """Return the asset of one family."""

    @dg.asset(
        key=["features", family.name],
        deps=keys(UPSTREAM[f"features.{family.name}"]),
        partitions_def=PARTITIONS,
        backfill_policy=PER_RUN,
        group_name="features",
        kinds={"python", "duckdb"},
        owners=["team:research"],
        description=f"{family.description} Each row is known at its bar's close.",
        metadata={
            "dagster/table_name": f"features.{family.name}",
            "dagster/column_schema": dg.TableSchema([TIME, *feature_columns(family, family_origins(family))]),
            **lineage_metadata(family_origins(family)),
        },
    )
    def compute_family(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, configuration: ConfigurationResource
    ) -> None:
        from truebar_io.stages.features import publish_family  # noqa: PLC0415 (numba loads in the body)

        def compute(store: "Warehouse", partition: "Partition") -> dict[str, Any]:
            return published(publish_family(store, partition, family.name))

        each_partition(context, warehouse, configuration.load(), compute)

    return compute_family


def matrix_schema() -> dg.TableSchema:
    """Return every column of the matrix, each described where its family declares it."""
    known = dg.TableColumn("available_at", "timestamptz", description="From when on the row may be used.")
    origins = matrix_origins()
    columns = [column for family in COLUMN_FAMILIES.values() for column in feature_columns(family, origins)]
    of_context = [
        dg.TableColumn(column.name, "float", description=described(column.description, column.name, origins))
        for column in context_columns()
        if column.name != "open_time"
    ]
    return dg.TableSchema([TIME, known, *columns, *of_context])


FAMILY_ASSETS: Final = [family_asset(family) for family in COLUMN_FAMILIES.values()]


@dg.asset(
    key=["features", "matrix"],
    deps=keys(UPSTREAM["features.matrix"]),
    partitions_def=PARTITIONS,
    backfill_policy=PER_RUN,
    group_name="features",
    kinds={"duckdb", "sql"},
    owners=["team:research"],
    description="What models read: every column of every family, one row a bar, with the time it is known.",
    metadata={
        "dagster/table_name": "features.matrix",
        "dagster/column_schema": matrix_schema(),
        **lineage_metadata(matrix_origins()),
    },
)
def matrix(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, configuration: ConfigurationResource
) -> None:
    """Publish the view over all families; refused when they stand at different bars."""
    from truebar_io.stages.features import publish_matrix  # noqa: PLC0415

    def publish(store: "Warehouse", partition: "Partition") -> dict[str, Any]:
        return published(publish_matrix(store, partition))

    each_partition(context, warehouse, configuration.load(), publish)
