"""Coarser bars from finer ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.bars import columns_of, grid_of
from truebar.errors import ConfigurationError, CorruptDataError
from truebar.market.schema import FLOW_COLUMNS, KLINE_COLUMNS, MEASURE_COLUMNS, PRICE_COLUMNS
from truebar.market.spacing import infer_timeframe
from truebar.times import utc_index
from truebar.units import timeframe_nanoseconds


def resample(bars: pd.DataFrame, *, to: str) -> pd.DataFrame:
    """Return the coarser bars that `bars` make up completely.

    A coarse bar is made only of all its fine bars. One that has begun before the first fine bar, that has
    not closed with the last, or that misses a bar inside is left out, and `find_gaps` lists it as missing:
    a high, a low or a volume over part of the bar would look like the whole one. Halted fine bars (zero
    volume) are bars. Known at the coarse close_time, which is the last fine one's.

    Args:
        bars: ascending, unique open_time; open, high, low, close, volume; the other columns of
            `market.klines` where present. Their timeframe is close_time - open_time, else the smallest step.
        to: timeframe, a whole multiple of that of `bars`; the same one returns the bars as they are.

    Returns:
        `KLINE_COLUMNS`, RangeIndex. open is the first, close the last, high the greatest, low the smallest;
        volumes and trades are sums, NaN if a summand is NaN. `source` is `resampled from <timeframe>`.

    Raises:
        ConfigurationError: `to` is finer than the bars or no whole multiple.
        SchemaError: a column is missing, or the bars have no known timeframe.
        CorruptDataError: times are missing, repeated, out of order or off the grid.
        TooFewRowsError: fewer than two bars without close_time show no timeframe.
    """
    timeframe = infer_timeframe(bars)
    ratio = _ratio(timeframe, to)
    if ratio == 1:
        return bars.copy()
    open_time = grid_of(bars, timeframe).open_time
    if (open_time % timeframe_nanoseconds(timeframe)).any():
        raise CorruptDataError(f"bars are off the {timeframe} grid; pass them through validate_klines first.")
    buckets = open_time // timeframe_nanoseconds(to)
    starts = np.flatnonzero(np.r_[True, np.diff(buckets) != 0])
    complete = np.diff(np.r_[starts, len(buckets)]) == ratio
    coarse = _aggregate(bars, starts)
    coarse["open_time"] = utc_index(buckets[starts] * timeframe_nanoseconds(to))
    coarse["close_time"] = utc_index((buckets[starts] + 1) * timeframe_nanoseconds(to))
    coarse["source"] = resampled_source(timeframe)
    whole: pd.DataFrame = coarse.loc[complete].reindex(columns=list(KLINE_COLUMNS)).reset_index(drop=True)
    return whole


def resampled_source(timeframe: str) -> str:
    """Return what `source` says of bars made from bars of `timeframe`.

    >>> resampled_source("1h")
    'resampled from 1h'
    """
    return f"resampled from {timeframe}"


def _ratio(timeframe: str, to: str) -> int:
    fine, coarse = timeframe_nanoseconds(timeframe), timeframe_nanoseconds(to)
    if coarse < fine or coarse % fine:
        raise ConfigurationError(
            f"{timeframe} bars cannot be resampled to {to}: expected a whole multiple of {timeframe}. "
            f"Import {to} klines instead."
        )
    return coarse // fine


def _aggregate(bars: pd.DataFrame, starts: npt.NDArray[np.intp]) -> pd.DataFrame:
    """Return the measures of each stretch of rows that begins at `starts`."""
    ends = np.r_[starts[1:], len(bars)] - 1
    names = [name for name in MEASURE_COLUMNS if name in bars.columns or name in (*PRICE_COLUMNS, "volume")]
    value = dict(zip(names, columns_of(bars, names), strict=True))
    columns = {
        "open": value["open"][starts],
        "high": np.maximum.reduceat(value["high"], starts),
        "low": np.minimum.reduceat(value["low"], starts),
        "close": value["close"][ends],
    }
    for name in ("volume", *FLOW_COLUMNS):
        if name in value:
            columns[name] = np.add.reduceat(value[name], starts)
    return pd.DataFrame(columns)
