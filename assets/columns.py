"""Tables and their columns as the UI shows them."""

from typing import Any, Final

import dagster as dg

from truebar.tables import TableSchema, schema_of

TIME: Final = dg.TableColumn("open_time", "timestamptz", description="When the bar opens.")


def schema_columns(table: TableSchema) -> dg.TableSchema:
    """Return the declared columns of a table, and as its constraints the rules that every row meets."""
    unique = len(table.key) == 1
    columns = [
        dg.TableColumn(
            name,
            kind.lower(),
            constraints=dg.TableColumnConstraints(
                nullable=name not in table.key, unique=unique and name in table.key
            ),
        )
        for name, kind in table.columns.items()
    ]
    return dg.TableSchema(columns, dg.TableConstraints(list(table.rules)))


def table_metadata(*tables: str) -> dict[str, Any]:
    """Return the metadata of an asset that publishes these tables, the first of which bears its name.

    Each further table is named with its columns, since an asset has one column schema.
    """
    if not tables:
        return {}
    first, *others = (schema_of(table) for table in tables)
    return {
        "dagster/table_name": first.name,
        "dagster/column_schema": schema_columns(first),
        **{
            other.name: dg.MetadataValue.table_schema(schema_columns(other))
            for other in others
            if other.columns
        },
    }


def column_lineage(columns: dict[str, tuple[dg.AssetKey, tuple[str, ...]]]) -> dg.TableColumnLineage:
    """Return from which columns of one upstream asset each column comes."""
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(asset, source) for source in sources]
            for name, (asset, sources) in columns.items()
        }
    )
