"""What the engine is given, checked and brought into the arrays it runs on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import FloatArray, IntArray
from truebar.backtest.account import Market, Rates
from truebar.backtest.simulation import Bounds, are_within
from truebar.bars import PRICES, columns_of, grid_of, prices_of
from truebar.config import BacktestConfig
from truebar.decision import MAY_HOLD
from truebar.errors import ConfigurationError, SchemaError, TooFewRowsError
from truebar.funding import funding_due
from truebar.opens import Opens
from truebar.times import NO_TIME, ascending_nanoseconds, nanoseconds, timeframe_of
from truebar.units import BASIS_POINT, TIMEFRAME_OF_NANOSECONDS, timeframe_nanoseconds


@dataclass(frozen=True)
class Prices:
    """Checked columns of n bars, to read from: views into the frame where it holds them as float64.

    Attributes:
        open_time: int64[n], nanoseconds since 1970 UTC, strictly ascending.
        opens: the same, kept small.
        timeframe: of the bars.
        open, high, low, close: float64[n], quote currency.
        volume: float64[n]. Nothing fills where it is zero and open = high = low = close; a missing volume is
            not zero.
    """

    open_time: IntArray
    opens: Opens
    timeframe: str
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray


def _times_of(bars: pd.DataFrame, timeframe: str | None) -> tuple[IntArray, Opens, str]:
    """Return the opens of at least two bars, as they are and kept small, and their timeframe."""
    open_time = nanoseconds(bars["open_time"], missing_allowed=True)
    opens = Opens.of(open_time)
    # A missing time is the least of all and breaks the order, unless its step wraps around at the end.
    if opens.step <= 0 or open_time[-1] == NO_TIME:
        ascending_nanoseconds(bars["open_time"])  # names the first row that does not ascend
    if timeframe is not None:
        grid_of(bars, timeframe)
        return open_time, opens, timeframe
    return open_time, opens, TIMEFRAME_OF_NANOSECONDS.get(opens.step) or timeframe_of(bars["open_time"])


def prices_at(bars: pd.DataFrame, timeframe: str | None = None) -> Prices:
    """Return the columns that the engine reads, after checking their times but not their values.

    Args:
        bars: closed klines, ascending: open_time, open, high, low, close, volume.
        timeframe: of the bars; their smallest step by default, which must then be a known timeframe.

    Raises:
        SchemaError: when a column is missing.
        CorruptDataError: for unsorted times, or times off the grid of `timeframe`.
        UnknownTimeframeError: when the timeframe, or without one the smallest step, is not known.
        WrongTimeframeError: when no two bars are one `timeframe` apart.
        TooFewRowsError: with fewer than two bars.
    """
    if "open_time" not in bars.columns:
        raise SchemaError(f"bars have no column open_time; found {', '.join(map(str, bars.columns))}.")
    if len(bars) < 2:
        raise TooFewRowsError(f"a backtest needs at least 2 bars; found {len(bars)}.")
    open_time, opens, timeframe = _times_of(bars, timeframe)
    return Prices(open_time, opens, timeframe, *columns_of(bars, (*PRICES, "volume")))


def checked_prices(bars: pd.DataFrame, timeframe: str | None = None) -> Prices:
    """Return the columns that the engine reads, after checking every value.

    Args:
        bars: closed klines, ascending: open_time, open, high, low, close, volume.
        timeframe: of the bars; their smallest step by default, which must then be a known timeframe.

    Raises:
        TruebarError: as `prices_at`.
        CorruptDataError: for prices that are missing or not positive.
    """
    prices = prices_at(bars, timeframe)
    prices_of(bars)
    return prices


def _mark_columns(prices: Prices, mark: pd.DataFrame | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return open, high and low of the mark price at each bar; where it is missing, the bar's own."""
    own = (prices.open, prices.high, prices.low)
    if mark is None or mark.empty:
        return own
    if "open_time" not in mark.columns:
        raise SchemaError(f"mark has no column open_time; found {', '.join(map(str, mark.columns))}.")
    marked = ascending_nanoseconds(mark["open_time"], "mark")
    place = np.minimum(np.searchsorted(marked, prices.open_time), marked.size - 1)
    there = marked[place] == prices.open_time
    found = [values[place] for values in columns_of(mark, ("open", "high", "low"))]
    usable = there & np.all([np.isfinite(values) & (values > 0) for values in found], axis=0)
    opened, high, low = (np.where(usable, new, old) for new, old in zip(found, own, strict=True))
    return opened, high, low


def market_of(prices: Prices, funding: pd.DataFrame | None, mark: pd.DataFrame | None) -> Market:
    """Return the arrays that the account runs on.

    Args:
        prices: from `checked_prices`.
        funding: `market.funding` or None.
        mark: `market.mark_klines` or None.

    Raises:
        SchemaError: when a column is missing.
        CorruptDataError: for mark times that do not ascend, or bad funding rows.
    """
    mark_open, mark_high, mark_low = _mark_columns(prices, mark)
    due = funding_due(prices.opens, timeframe_nanoseconds(prices.timeframe), funding, mark_open)
    return Market(
        open=prices.open,
        high=prices.high,
        low=prices.low,
        close=prices.close,
        volume=prices.volume,
        worst_long=mark_low,
        worst_short=mark_high,
        alarm_long=mark_low if mark_low is prices.low else np.minimum(mark_low, prices.open),
        alarm_short=mark_high if mark_high is prices.high else np.maximum(mark_high, prices.open),
        funding_bar=np.append(due.bar, prices.close.size),
        funding_within=np.append(due.within, False),
        funding_per_unit=np.append(due.per_unit, 0.0),
    )


def market_arrays(
    bars: pd.DataFrame,
    funding: pd.DataFrame | None,
    mark: pd.DataFrame | None,
    *,
    timeframe: str | None = None,
) -> Market:
    """Return `market_of` checked bars: for who runs the account over one market many times.

    Raises:
        TruebarError: as `checked_prices` and `market_of`.
    """
    return market_of(checked_prices(bars, timeframe), funding, mark)


def cost_rates(config: BacktestConfig) -> Rates:
    """Return the configured costs and limits as plain shares."""
    return Rates(
        fee=config.costs.fee_bps * BASIS_POINT,
        slippage=config.costs.slippage_bps * BASIS_POINT,
        liquidation_fee=config.execution.liquidation_fee_bps * BASIS_POINT,
        maintenance_margin=config.execution.maintenance_margin,
        rebalance_leverage=config.execution.rebalance_leverage,
    )


def bounds_of(position_mode: str) -> Bounds:
    """Return which targets a position mode allows.

    >>> bounds_of("long_only")
    Bounds(least=0.0, most=1.0)
    """
    may_long, may_short = MAY_HOLD[position_mode]
    return Bounds(-1.0 if may_short else 0.0, 1.0 if may_long else 0.0)


def target_at(target_position: npt.ArrayLike, rows: int) -> FloatArray:
    """Return the target as float64[rows]; its values are not checked.

    Raises:
        SchemaError: when there is not one target per bar.
    """
    target = np.ascontiguousarray(target_position, dtype=np.float64)
    if target.shape != (rows,):
        raise SchemaError(
            f"target_position has shape {target.shape}; expected one value for each of {rows} bars."
        )
    return target


def checked_target(target_position: npt.ArrayLike, rows: int, position_mode: str) -> FloatArray:
    """Return the target as float64[rows] after checking every value.

    Raises:
        SchemaError: when there is not one target per bar.
        ConfigurationError: when a target is NaN, outside [-1, 1], or on a side that may not be held.
    """
    target = target_at(target_position, rows)
    if not are_within(target, *bounds_of(position_mode)):
        _refuse_target(target, position_mode)
    return target


def _refuse_target(target: FloatArray, position_mode: str) -> None:
    """Raise a ConfigurationError that names the first target that is no share of equity, or forbidden."""
    bad = ~(np.abs(target) <= 1)  # NaN compares false
    if bad.any():
        row = int(np.argmax(bad))
        raise ConfigurationError(
            f"target_position is {target[row]} in row {row} ({np.count_nonzero(bad)} such rows); expected a "
            "share of equity in [-1, 1]. Use 0 where there is no valid prediction."
        )
    may_long, may_short = MAY_HOLD[position_mode]
    forbidden = ((target > 0) & (not may_long)) | ((target < 0) & (not may_short))
    row = int(np.argmax(forbidden))
    raise ConfigurationError(
        f"target_position is {target[row]} in row {row}, which position_mode {position_mode} does not "
        "allow. Decide with the same mode as the backtest."
    )
