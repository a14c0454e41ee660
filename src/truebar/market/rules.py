"""Why a row is no kline: every rule with its name, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import BoolArray, FloatArray, IntArray
from truebar.market.cells import is_missing, to_float64, to_nanoseconds
from truebar.market.schema import FLOW_COLUMNS, MEASURE_COLUMNS, PRICE_COLUMNS
from truebar.times import NO_TIME
from truebar.units import timeframe_nanoseconds

Rule = tuple[str, BoolArray]

NO_REASON: Final = ""
OFF_GRID: Final = "off_grid"
NOT_CLOSED_REASONS: Final = ("open_candle", "future")
"""The row may be right; it is only too early for it."""

TAKER_TOLERANCE: Final = 1e-9
"""Share by which taker volume may pass volume: sums of the same trades, rounded in another order."""

# Exchanges print the last instant of a bar in their own unit; others print the next bar's open.
_CLOSE_TIME_SLACKS: Final = (0, 1, 1_000, 1_000_000, 1_000_000_000)


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows as received, read into numbers.

    Attributes:
        open_time: nanoseconds int64[n], `NO_TIME` where there is none.
        open_time_given: where the cell was not empty.
        close_time: as open_time; None when the source has no such column.
        close_time_given: where the cell was not empty.
        measures: float64[n] by column, `MEASURE_COLUMNS`, NaN where missing or unreadable.
        unreadable: rows with a cell that is neither empty nor a number.
    """

    open_time: IntArray
    open_time_given: BoolArray
    close_time: IntArray | None
    close_time_given: BoolArray
    measures: Mapping[str, FloatArray]
    unreadable: BoolArray


def read_rows(frame: pd.DataFrame) -> Rows:
    """Return the cells of a frame with canonical column names as numbers."""
    unreadable = np.zeros(len(frame), dtype=np.bool_)
    measures = {}
    for name in MEASURE_COLUMNS:
        if name in frame.columns:
            measures[name], bad = to_float64(frame[name])
            unreadable |= bad
        else:
            measures[name] = np.full(len(frame), np.nan)
    given: pd.Series[Any] | None = frame["close_time"] if "close_time" in frame.columns else None
    return Rows(
        open_time=to_nanoseconds(frame["open_time"]),
        open_time_given=~is_missing(frame["open_time"]),
        close_time=None if given is None else to_nanoseconds(given),
        close_time_given=np.zeros(len(frame), dtype=np.bool_) if given is None else ~is_missing(given),
        measures=measures,
        unreadable=unreadable,
    )


def rejections(rows: Rows, *, timeframe: str, now: int | None) -> npt.NDArray[np.object_]:
    """Return the first rule that each row breaks, object[n]; `NO_REASON` where it breaks none.

    Args:
        rows: as read.
        timeframe: length of a bar.
        now: nanoseconds; bars that close later are not closed. None: that is not asked.
    """
    reasons = np.full(len(rows.open_time), NO_REASON, dtype=object)
    for reason, broken in (*_time_rules(rows, timeframe_nanoseconds(timeframe), now), *_value_rules(rows)):
        reasons[broken & (reasons == NO_REASON)] = reason
    return reasons


def _time_rules(rows: Rows, step: int, now: int | None) -> Iterator[Rule]:
    timed = rows.open_time != NO_TIME
    open_time = np.where(timed, rows.open_time, 0)
    yield "missing_open_time", ~rows.open_time_given
    yield "unreadable_open_time", rows.open_time_given & ~timed
    yield OFF_GRID, open_time % step != 0
    if rows.close_time is not None:
        early = open_time + step - rows.close_time
        agrees = np.isin(early, [slack for slack in _CLOSE_TIME_SLACKS if slack < step])
        yield "close_time_mismatch", rows.close_time_given & ~(agrees & (rows.close_time != NO_TIME))
    if now is not None:
        yield "future", open_time > now
        yield "open_candle", open_time + step > now


def _value_rules(rows: Rows) -> Iterator[Rule]:
    value = rows.measures
    yield "unreadable_number", rows.unreadable
    yield "missing_price", _any(np.isnan(value[name]) for name in PRICE_COLUMNS)
    yield "missing_volume", np.isnan(value["volume"])
    yield "not_finite", _any(np.isinf(value[name]) for name in MEASURE_COLUMNS)
    yield "non_positive_price", _any(value[name] <= 0 for name in PRICE_COLUMNS)
    yield "high_below_low", value["high"] < value["low"]
    yield "high_below_open_or_close", value["high"] < np.maximum(value["open"], value["close"])
    yield "low_above_open_or_close", value["low"] > np.minimum(value["open"], value["close"])
    yield "negative_volume", _any(value[name] < 0 for name in ("volume", *FLOW_COLUMNS))
    yield "fractional_trades", (np.floor(value["trades"]) != value["trades"]) & ~np.isnan(value["trades"])
    yield (
        "taker_above_volume",
        _any(
            value[taker] > value[whole] * (1 + TAKER_TOLERANCE)
            for taker, whole in (("taker_buy_volume", "volume"), ("taker_buy_quote_volume", "quote_volume"))
        ),
    )


def _any(masks: Iterator[BoolArray]) -> BoolArray:
    return np.asarray(np.logical_or.reduce(list(masks)), dtype=np.bool_)
