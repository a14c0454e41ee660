"""Klines as delimited text: with a header, or headerless as the exchanges' bulk archives are."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import Final

import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from truebar.errors import SchemaError, UnreadableFileError
from truebar.market.schema import canonical_name

ARCHIVE_COLUMNS: Final = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)
"""Columns of a kline archive without header, in their fixed order."""

_TRADE_COLUMN_COUNTS: Final = (7, 8)
_DELIMITERS: Final = ",;\t"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, eq=False)
class TextTable:
    """Cells as text, and the lines that have another number of cells.

    Attributes:
        cells: one column of texts per column of the file, empty cells null.
        malformed: those lines as JSON texts, as they stand in the file.
    """

    cells: pd.DataFrame
    malformed: list[str]


def read_delimited(content: bytes, name: str) -> TextTable:
    """Return the cells of delimited text; no cell is interpreted.

    The delimiter is the most frequent of comma, semicolon and tab in the first line. A first line that
    names columns is the header; without one the text must have the columns of a kline archive.

    Raises:
        UnreadableFileError: no lines, no UTF-8 text, or most lines unlike the first.
        SchemaError: no header, and another number of columns than a kline archive.
    """
    content = content.removeprefix(_BYTE_ORDER_MARK).lstrip(b"\r\n")
    first = _first_line(content, name)
    delimiter = max(_DELIMITERS, key=first.count)
    names = next(csv.reader([first], delimiter=delimiter))
    has_header = any(canonical_name(cell) in ("open_time", "open", "close") for cell in names) or not any(
        _is_number(cell) for cell in names
    )
    if not has_header:
        names = _archive_columns(len(names), name)
    malformed: list[str] = []

    def keep(row: arrow_csv.InvalidRow) -> str:
        malformed.append(json.dumps({"line": row.text}, ensure_ascii=False))
        return "skip"

    unique = [f"{position}" for position in range(len(names))]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            read_options=arrow_csv.ReadOptions(
                column_names=unique, skip_rows=int(has_header), use_threads=False
            ),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, invalid_row_handler=keep),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(unique, pa.string()),
                strings_can_be_null=True,
                null_values=["", "null", "NULL", "None", "NA", "N/A", "nan", "NaN"],
            ),
        )
    except pa.ArrowInvalid as error:
        raise UnreadableFileError(
            f"{name} cannot be read as CSV text ({error}); export or download it again."
        ) from error
    if len(malformed) > len(table):
        raise UnreadableFileError(
            f"{name}: {len(malformed):,} of {len(malformed) + len(table):,} lines do not have the "
            f"{len(names)} cells of the first; export or download it again."
        )
    cells = table.to_pandas()
    cells.columns = pd.Index(names)
    return TextTable(cells, malformed)


def _first_line(content: bytes, name: str) -> str:
    line = content.split(b"\n", 1)[0].rstrip(b"\r")
    if not line.strip():
        raise UnreadableFileError(f"{name} has no lines; export or download it again.")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"{name} is no UTF-8 text; save it as UTF-8 CSV.") from error


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _archive_columns(count: int, name: str) -> list[str]:
    """Return the names of a headerless file's columns."""
    if count == len(ARCHIVE_COLUMNS):
        return list(ARCHIVE_COLUMNS)
    kind = " Archives of trades (aggTrades) have this many." if count in _TRADE_COLUMN_COUNTS else ""
    raise SchemaError(
        f"{name} has no header and {count} columns; expected the {len(ARCHIVE_COLUMNS)} of a kline archive "
        f"({', '.join(ARCHIVE_COLUMNS)}).{kind} Give klines, or add a first line that names the columns."
    )
