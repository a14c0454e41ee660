"""What the engine is given, checked and brought into the arrays it runs on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import BoolArray, FloatArray
from truebar.backtest.account import Market, Rates
from truebar.bars import columns_of, grid_of, prices_of
from truebar.config import BacktestConfig
from truebar.decision import MAY_HOLD
from truebar.errors import ConfigurationError, SchemaError, TooFewRowsError
from truebar.funding import funding_due
from truebar.times import ascending_nanoseconds
from truebar.units import BASIS_POINT


def halted(bars: pd.DataFrame) -> BoolArray:
    """Return bool[n]: bars in which nothing traded (zero volume, open = high = low = close)."""
    opened, high, low, close, volume = columns_of(bars, ("open", "high", "low", "close", "volume"))
    return np.asarray((volume == 0) & (opened == high) & (high == low) & (low == close))


def _mark_columns(bars: pd.DataFrame, mark: pd.DataFrame | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return open, high and low of the mark price at each bar; where it is missing, the bar's own."""
    own = columns_of(bars, ("open", "high", "low"))
    if mark is None or mark.empty:
        return own[0], own[1], own[2]
    opens, marked = ascending_nanoseconds(bars["open_time"]), ascending_nanoseconds(mark["open_time"], "mark")
    place = np.minimum(np.searchsorted(marked, opens), marked.size - 1)
    there = marked[place] == opens
    found = [values[place] for values in columns_of(mark, ("open", "high", "low"))]
    usable = there & np.all([np.isfinite(values) & (values > 0) for values in found], axis=0)
    opened, high, low = (np.where(usable, new, old) for new, old in zip(found, own, strict=True))
    return opened, high, low


def market_arrays(
    bars: pd.DataFrame,
    funding: pd.DataFrame | None,
    mark: pd.DataFrame | None,
    *,
    timeframe: str | None = None,
) -> Market:
    """Return the arrays that the account runs on.

    Args:
        bars: closed klines, ascending: open_time, open, high, low, close, volume.
        funding: `market.funding` or None.
        mark: `market.mark_klines` or None.
        timeframe: of the bars; their smallest step by default.

    Raises:
        SchemaError: when a column is missing.
        CorruptDataError: for unsorted times, times off the grid of `timeframe`, or prices that are missing
            or not positive.
        WrongTimeframeError: when no two bars are one `timeframe` apart.
        TooFewRowsError: with fewer than two bars.
    """
    if "open_time" not in bars.columns:
        raise SchemaError(f"bars have no column open_time; found {', '.join(map(str, bars.columns))}.")
    if len(bars) < 2:
        raise TooFewRowsError(f"a backtest needs at least 2 bars; found {len(bars)}.")
    if timeframe is not None:
        grid_of(bars, timeframe)
    opened, _, _, close = prices_of(bars)
    mark_open, mark_high, mark_low = _mark_columns(bars, mark)
    due = funding_due(bars["open_time"], funding, mark_open, timeframe=timeframe)
    return Market(
        open=opened,
        close=close,
        worst_long=mark_low,
        worst_short=mark_high,
        tradable=~halted(bars),
        funding_before_fill=due.before_fill,
        funding_within_bar=due.within_bar,
    )


def cost_rates(config: BacktestConfig) -> Rates:
    """Return the configured costs and limits as plain shares."""
    return Rates(
        fee=config.costs.fee_bps * BASIS_POINT,
        slippage=config.costs.slippage_bps * BASIS_POINT,
        liquidation_fee=config.execution.liquidation_fee_bps * BASIS_POINT,
        maintenance_margin=config.execution.maintenance_margin,
        rebalance_leverage=config.execution.rebalance_leverage,
    )


def checked_target(target_position: npt.ArrayLike, rows: int, position_mode: str) -> FloatArray:
    """Return the target as float64[rows] after checking every value.

    Raises:
        SchemaError: when there is not one target per bar.
        ConfigurationError: when a target is NaN, outside [-1, 1], or on a side that may not be held.
    """
    target = np.ascontiguousarray(target_position, dtype=np.float64)
    if target.shape != (rows,):
        raise SchemaError(
            f"target_position has shape {target.shape}; expected one value for each of {rows} bars."
        )
    bad = ~(np.abs(target) <= 1)  # NaN compares false
    if bad.any():
        row = int(np.argmax(bad))
        raise ConfigurationError(
            f"target_position is {target[row]} in row {row} ({np.count_nonzero(bad)} such rows); expected a "
            "share of equity in [-1, 1]. Use 0 where there is no valid prediction."
        )
    may_long, may_short = MAY_HOLD[position_mode]
    forbidden = ((target > 0) & (not may_long)) | ((target < 0) & (not may_short))
    if forbidden.any():
        row = int(np.argmax(forbidden))
        raise ConfigurationError(
            f"target_position is {target[row]} in row {row}, which position_mode {position_mode} does not "
            "allow. Decide with the same mode as the backtest."
        )
    return target
