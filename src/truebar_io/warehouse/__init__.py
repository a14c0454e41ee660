"""The warehouse: one DuckDB file per symbol, timeframe and schema, published copy-on-write."""

from truebar_io.warehouse.digest import TableSummary
from truebar_io.warehouse.doctor import Finding
from truebar_io.warehouse.store import Warehouse, WriteResult
from truebar_io.warehouse.workbench import copy_tables, read_workbench

__all__ = ["Finding", "TableSummary", "Warehouse", "WriteResult", "copy_tables", "read_workbench"]
