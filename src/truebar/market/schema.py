"""The columns of a kline, the names other people give them, and the record that validation returns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from truebar.errors import SchemaError

PRICE_COLUMNS: Final = ("open", "high", "low", "close")
FLOW_COLUMNS: Final = ("quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume")
"""Columns that many sources do not give; they are NaN then, never 0."""

MEASURE_COLUMNS: Final = (*PRICE_COLUMNS, "volume", *FLOW_COLUMNS)
REQUIRED_COLUMNS: Final = ("open_time", *PRICE_COLUMNS, "volume")
KLINE_COLUMNS: Final = ("open_time", "close_time", *MEASURE_COLUMNS, "source")
"""What a bar is; `market.klines` adds only `ingested_at`, the time it was stored."""

QUARANTINE_COLUMNS: Final = ("open_time", "row", "reason", "source", "seen_at")
GAP_COLUMNS: Final = ("start", "end", "bars", "reason")

# Left: names as found in exchange archives and API clients, in snake case. Only names that say *open*
# are taken for open_time: a bare `timestamp` may be the close, and guessing wrong leaks one bar.
_ALIASES: Final = {
    "opentime": "open_time",
    "open_timestamp": "open_time",
    "closetime": "close_time",
    "close_timestamp": "close_time",
    "quote_asset_volume": "quote_volume",
    "quotevolume": "quote_volume",
    "count": "trades",
    "number_of_trades": "trades",
    "num_trades": "trades",
    "trade_count": "trades",
    "taker_buy_base": "taker_buy_volume",
    "taker_buy_base_volume": "taker_buy_volume",
    "taker_buy_base_asset_volume": "taker_buy_volume",
    "taker_buy_quote": "taker_buy_quote_volume",
    "taker_buy_quote_asset_volume": "taker_buy_quote_volume",
}
_AMBIGUOUS_TIMES: Final = frozenset(
    {"timestamp", "time", "date", "datetime", "unix", "ts", "t", "open_date", "start", "start_time"}
)
_OTHER_KINDS: Final = (
    ({"agg_trade_id", "is_buyer_maker", "transact_time", "first_trade_id"}, "trades (aggTrades)"),
    ({"last_funding_rate", "funding_rate", "funding_time", "calc_time"}, "funding rates"),
    ({"bids", "asks", "best_bid_price", "best_ask_price", "update_id"}, "an order book"),
)


@dataclass(frozen=True, eq=False)
class Klines:
    """Closed bars, what was rejected on the way, and where bars are missing.

    `rows_read == len(bars) + len(quarantine) + duplicates`: no row is lost without a trace.

    Attributes:
        bars: one row per closed bar, `KLINE_COLUMNS`, RangeIndex, ascending unique `open_time`; times are
            `datetime64[ns, UTC]`, measures float64 (NaN where the source gives none).
        quarantine: one row per rejected row, `QUARANTINE_COLUMNS`, in the order received.
        gaps: `GAP_COLUMNS`, by start (see `find_gaps`).
        rows_read: rows received.
        duplicates: rows dropped because another row says exactly the same.
        out_of_order: rows received after a row with a later open_time.
        stamp_units: how many open times were numbers in s, ms, us or ns; more than one unit is a file put
            together from several.
    """

    bars: pd.DataFrame
    quarantine: pd.DataFrame
    gaps: pd.DataFrame
    rows_read: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    stamp_units: Mapping[str, int] = field(default_factory=dict)


def canonical_name(name: object) -> str:
    """Return the name that truebar gives to a column, or the name in snake case if it knows none.

    >>> canonical_name("Taker buy base asset volume"), canonical_name("count"), canonical_name("VWAP")
    ('taker_buy_volume', 'trades', 'vwap')
    """
    snake = re.sub(r"[^0-9a-z]+", "_", str(name).strip().lower()).strip("_")
    return _ALIASES.get(snake, snake)


def canonical_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of `frame` that truebar knows, under its own names, index reset.

    Raises:
        SchemaError: when a required column is missing or two columns mean the same.
    """
    if canonical_name(frame.index.name) == "open_time" and "open_time" not in map(
        canonical_name, frame.columns
    ):
        frame = frame.reset_index()
    names = [canonical_name(name) for name in frame.columns]
    _require_columns(names, [str(name) for name in frame.columns])
    known = [position for position, name in enumerate(names) if name in KLINE_COLUMNS]
    chosen = frame.iloc[:, known].reset_index(drop=True)
    chosen.columns = pd.Index([names[position] for position in known])
    return chosen


def _require_columns(names: list[str], found: list[str]) -> None:
    missing = [name for name in REQUIRED_COLUMNS if name not in names]
    if missing:
        raise SchemaError(
            f"columns {', '.join(missing)} are missing; klines need {', '.join(REQUIRED_COLUMNS)}; "
            f"found {', '.join(found) or 'no columns'}.{_advice(names, missing)}"
        )
    for name in KLINE_COLUMNS:
        same = [given for given, canonical in zip(found, names, strict=True) if canonical == name]
        if len(same) > 1:
            raise SchemaError(
                f"columns {', '.join(same)} all mean {name}; which one is right cannot be known. "
                "Drop or rename all but one."
            )


def _advice(names: Iterable[str], missing: list[str]) -> str:
    given = set(names)
    for marks, kind in _OTHER_KINDS:
        if marks & given:
            return f" These look like {kind}, not klines; give the klines of the market instead."
    times = sorted(_AMBIGUOUS_TIMES & given)
    if missing == ["open_time"] and times:
        return (
            f" {times[0]!r} may be the open or the close of a bar, and a wrong guess would let a model see "
            "one bar ahead: rename it to open_time if it is the start of the bar."
        )
    if missing == ["volume"]:
        return " Mark and index price klines have no volume and are not market.klines."
    return ""
