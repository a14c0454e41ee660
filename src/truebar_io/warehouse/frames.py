"""Frames to typed Arrow tables on the way in, Arrow tables to frames on the way out."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from truebar.errors import CorruptDataError, SchemaError
from truebar.tables import ANY_TYPE, NAME_PATTERN, RESERVED_COLUMNS, TableSchema
from truebar.times import NO_TIME, nanoseconds

_ARROW_TYPES: Final = {
    "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
    "DOUBLE": pa.float64(),
    "FLOAT": pa.float32(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "TINYINT": pa.int8(),
    "VARCHAR": pa.string(),
    "BOOLEAN": pa.bool_(),
}
_NANOSECONDS_PER_MICROSECOND: Final = 1_000


def conform(frame: pd.DataFrame, schema: TableSchema) -> pa.Table:
    """Return the rows of `frame` with the columns and types that `schema` declares, in its order.

    Missing values of any kind (NaN, None, NaT, pd.NA) become NULL; a declared column that the frame does not
    bring and need not is all NULL. Times may be of any unit; naive ones are UTC.

    Raises:
        SchemaError: when a required column is missing, one is not declared, or values are of another type.
        CorruptDataError: when the key is missing or not unique, times do not ascend, or a number is infinite.
    """
    types = _column_types(frame, schema)
    arrays = []
    for name, type_ in types.items():
        if name in frame.columns:
            arrays.append(_array(frame[name], type_, f"{schema.name}: column {name}"))
        else:
            arrays.append(pa.nulls(len(frame), _ARROW_TYPES[type_]))
    table = pa.Table.from_arrays(arrays, names=list(types))
    _check_key(table, schema)
    return table


def duckdb_types(table: pa.Table) -> dict[str, str]:
    """Return the DuckDB type of each column of a table that `conform` made."""
    names = {arrow: name for name, arrow in _ARROW_TYPES.items()}
    return {column.name: names[column.type] for column in table.schema}


def _column_types(frame: pd.DataFrame, schema: TableSchema) -> dict[str, str]:
    if not isinstance(frame, pd.DataFrame):
        raise SchemaError(f"{schema.name}: expected a pandas DataFrame, found {type(frame).__name__}.")
    twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    if twice:
        raise SchemaError(f"{schema.name}: columns appear twice: {', '.join(twice)}. Drop one of each.")
    missing = [name for name in schema.required if name not in frame.columns]
    if missing:
        raise SchemaError(
            f"{schema.name}: columns are missing: {', '.join(missing)}; found "
            f"{', '.join(map(str, frame.columns)) or 'none'}. Bring every column that the table requires."
        )
    extra = [name for name in frame.columns if name not in schema.columns]
    if extra and schema.open_columns is None:
        raise SchemaError(
            f"{schema.name}: columns are not declared: {', '.join(map(str, extra))}; declared are "
            f"{', '.join(schema.columns)}. Drop them before writing."
        )
    for name in extra:
        if not isinstance(name, str) or NAME_PATTERN.fullmatch(name) is None or name in RESERVED_COLUMNS:
            raise SchemaError(
                f"{schema.name}: {name!r} is no column name; expected lower-case letters, digits and "
                f"underscores, and not {' or '.join(sorted(RESERVED_COLUMNS))}, which readers add."
            )
    return schema.columns | {name: _open_type(frame[name], schema) for name in extra}


def _open_type(values: pd.Series, schema: TableSchema) -> str:
    """Return the type of an undeclared column: the schema's one, or where any is allowed the values' own."""
    if schema.open_columns != ANY_TYPE:
        return str(schema.open_columns)
    if pd.api.types.is_bool_dtype(values.dtype):
        return "BOOLEAN"
    if pd.api.types.is_integer_dtype(values.dtype):
        return "BIGINT"
    if pd.api.types.is_float_dtype(values.dtype):
        return "DOUBLE"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "TIMESTAMPTZ"
    return "VARCHAR"


def _array(values: pd.Series, type_: str, name: str) -> pa.Array:
    arrow_type = _ARROW_TYPES[type_]
    if values.isna().all():
        return pa.nulls(len(values), arrow_type)
    if type_ == "TIMESTAMPTZ":
        return _times(values, name)
    try:
        array = pa.Array.from_pandas(values, type=arrow_type)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise SchemaError(
            f"{name} must be {type_}, but its values of dtype {values.dtype} are not: {error}."
        ) from error
    if pa.types.is_floating(arrow_type):
        finite = pc.is_finite(array)
        if not pc.all(finite, min_count=0).as_py():
            row = pc.index(finite, False).as_py()
            raise CorruptDataError(
                f"{name} is infinite in row {row} ({values.iloc[row]}); expected finite {type_} numbers, "
                "with NaN where there is none. Find where the division by zero or the overflow comes from."
            )
    return array


def _times(values: pd.Series, name: str) -> pa.Array:
    stamps = nanoseconds(values, name, missing_allowed=True)
    missing = stamps == NO_TIME
    finer = ~missing & (stamps % _NANOSECONDS_PER_MICROSECOND != 0)
    if finer.any():
        row = int(np.argmax(finer))
        raise SchemaError(
            f"{name}: {pd.Timestamp(stamps[row], tz='UTC')} in row {row} is finer than a microsecond, the "
            "warehouse's unit. Round the times first."
        )
    microseconds = pa.array(stamps // _NANOSECONDS_PER_MICROSECOND, mask=missing)
    return microseconds.cast(_ARROW_TYPES["TIMESTAMPTZ"])


def _check_key(table: pa.Table, schema: TableSchema) -> None:
    for name in schema.order:
        if table[name].null_count:
            raise CorruptDataError(
                f"{schema.name}: key column {name} is missing in {table[name].null_count} of "
                f"{table.num_rows} rows; every row needs its key."
            )
    if not schema.key:
        return
    if schema.key == (schema.time_column,):
        stamps = table[schema.time_column].cast(pa.int64()).to_numpy()
        steps = np.diff(stamps)
        if steps.size and steps.min() <= 0:
            row = int(np.argmax(steps <= 0)) + 1
            raise CorruptDataError(
                f"{schema.name}: {schema.time_column} does not ascend: row {row} is "
                f"{pd.Timestamp(stamps[row], unit='us', tz='UTC')} after "
                f"{pd.Timestamp(stamps[row - 1], unit='us', tz='UTC')}. Sort the rows, drop duplicates."
            )
        return
    keys = table.select(list(schema.key)).to_pandas()
    twice = keys.duplicated()
    if twice.any():
        first = keys[twice].iloc[0].to_dict()
        raise CorruptDataError(
            f"{schema.name}: {int(twice.sum())} rows repeat the key ({', '.join(schema.key)}) of an earlier "
            f"row, the first {first}. Drop the duplicates."
        )


def to_frame(table: pa.Table, *, keep_dates: bool = False) -> pd.DataFrame:
    """Return `table` as a frame with a RangeIndex.

    Every time or date is datetime64[ns, UTC]; NULL is NaN, NaT or None; decimals are float64, and integers
    wider than 64 bits (sums) are int64 where they fit. With `keep_dates` a date is a `datetime.date`.

    Raises:
        CorruptDataError: when a time lies outside the years 1677 to 2262 that fit into nanoseconds.
    """
    for position, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type) or (pa.types.is_date(column.type) and not keep_dates):
            values = _utc(table.column(position), column.name)
        elif pa.types.is_decimal(column.type):
            values = _number(table.column(position))
        else:
            continue
        table = table.set_column(position, column.name, values)
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _utc(values: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    try:
        nanoseconds_ = values.cast(pa.timestamp("ns", tz=getattr(values.type, "tz", None)))
    except pa.ArrowInvalid as error:
        raise CorruptDataError(f"column {name}: a time does not fit into nanoseconds: {error}.") from error
    return nanoseconds_.cast(pa.timestamp("ns", tz="UTC"))


def _number(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if values.type.scale == 0:
        try:
            return values.cast(pa.int64())
        except pa.ArrowInvalid:
            return values.cast(pa.float64())
    return values.cast(pa.float64())
