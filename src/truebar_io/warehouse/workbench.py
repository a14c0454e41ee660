"""A private database for SQL that makes tables (dbt): filled from the warehouse, read back by partition.

dbt never touches a published file. It gets copies, as `schema.table` over all partitions with `symbol` and
`timeframe` columns, and what it makes is published by `Warehouse.write` like everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pandas as pd

from truebar.errors import ConfigurationError, MissingDataError, SchemaError
from truebar.partitions import Partition
from truebar.tables import schema_of
from truebar_io.durable import is_full
from truebar_io.warehouse.connection import attach_read_only, connected, literal, quoted
from truebar_io.warehouse.files import make_folder, remove, storage_full
from truebar_io.warehouse.reader import attach, holding, missing, relation, run
from truebar_io.warehouse.store import Warehouse

_ALIAS = "workbench"


def copy_tables(
    warehouse: Warehouse, partitions: Sequence[Partition], tables: Sequence[str], into: Path
) -> None:
    """Fill the new private database `into` with tables over all partitions.

    Args:
        warehouse: copied from; its files are only read.
        partitions: whose rows; each must have every table.
        tables: `schema.table` names.
        into: a file that does not exist yet; its folder is made.

    Raises:
        ConfigurationError: `into` exists, or no partition or no table is named.
        UnknownTableError: a table is not declared.
        MissingDataError: a partition does not have a table.
        StorageFullError: there is no room; `into` is removed.
    """
    declared = [schema_of(name) for name in dict.fromkeys(tables)]
    if into.exists():
        raise ConfigurationError(f"{into} exists; a workbench is new for each run. Remove it first.")
    if not declared or not partitions:
        raise ConfigurationError("a workbench needs at least one partition and one table.")
    make_folder(into.parent)
    schemas = sorted({table.schema for table in declared})
    try:
        with connected(warehouse.root) as connection:
            sources = attach(connection, warehouse.root, list(dict.fromkeys(partitions)), schemas)
            for table in declared:
                found = {source.partition for source in holding(sources, table)}
                lacking = [partition for partition in partitions if partition not in found]
                if lacking:
                    raise missing(table.name, lacking)
            connection.execute(f"attach {literal(str(into))} as {_ALIAS}")
            for schema in schemas:
                connection.execute(f"create schema if not exists {_ALIAS}.{quoted(schema)}")
            for table in declared:
                target = f"{_ALIAS}.{quoted(table.schema)}.{quoted(table.table)}"
                connection.execute(f"create table {target} as {relation(sources, table)}")
            connection.execute(f"checkpoint {_ALIAS}")
            connection.execute(f"detach {_ALIAS}")
    except (OSError, duckdb.Error) as error:
        for path in (into, Path(f"{into}.wal")):
            remove(path)
        if is_full(error):
            raise storage_full(into, error) from error
        raise


def read_workbench(path: Path, table: str) -> dict[Partition, pd.DataFrame]:
    """Return the rows of `schema.table` in the workbench, by partition, in the table's order.

    Raises:
        UnknownTableError: the table is not declared.
        MissingDataError: the workbench or the table in it does not exist.
        SchemaError: the table has no symbol and timeframe columns.
    """
    declared = schema_of(table)
    if not path.exists():
        raise MissingDataError(f"the workbench {path} does not exist; was it filled with copy_tables?")
    with connected(path.parent) as connection:
        attach_read_only(connection, path, _ALIAS)
        found = connection.execute(
            "select column_name from duckdb_columns() where database_name = ? and schema_name = ? "
            "and table_name = ?",
            [_ALIAS, declared.schema, declared.table],
        ).fetchall()
        columns = {row[0] for row in found}
        if not columns:
            raise MissingDataError(f"{table} is not in the workbench {path.name}; did dbt build it?")
        if not {"symbol", "timeframe"} <= columns:
            raise SchemaError(
                f"{table} in the workbench lacks symbol or timeframe; select both in the model."
            )
        order = ", ".join(quoted(name) for name in ("symbol", "timeframe", *declared.order))
        relation_name = f"{_ALIAS}.{quoted(declared.schema)}.{quoted(declared.table)}"
        frame = run(connection, f"from {relation_name} order by {order}", [])
    return {
        Partition(str(symbol), str(timeframe)): rows.drop(columns=["symbol", "timeframe"]).reset_index(
            drop=True
        )
        for (symbol, timeframe), rows in frame.groupby(["symbol", "timeframe"], sort=True)
    }
