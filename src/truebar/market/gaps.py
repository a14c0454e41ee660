"""Where bars are missing, and where they are there but nothing traded."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import BoolArray, IntArray
from truebar.bars import columns_of, grid_of
from truebar.market.schema import GAP_COLUMNS, PRICE_COLUMNS
from truebar.times import utc_index
from truebar.units import bars_per_day

MISSING: Final = "missing"
HALTED: Final = "halted"
DELISTED_TAIL: Final = "delisted_tail"

DELISTED_TAIL_DAYS: Final = 1
MIN_DELISTED_TAIL_BARS: Final = 2
"""One daily bar without a trade is a halt; two at the end of the data are a tail."""


def is_halted(bars: pd.DataFrame) -> BoolArray:
    """Return which bars are halts: zero volume with open = high = low = close. A NaN makes it False.

    Known at the bar's close_time.
    """
    opened, high, low, close, volume = columns_of(bars, (*PRICE_COLUMNS, "volume"))
    return np.asarray((volume == 0) & (opened == high) & (high == low) & (low == close))


def find_gaps(bars: pd.DataFrame, *, timeframe: str) -> pd.DataFrame:
    """List the stretches of the time grid on which nothing traded.

    Reasons:
        missing: no row. Only between the first and the last bar: what should lie outside is not known.
        halted: rows with zero volume and open = high = low = close. The rows stay in the data.
        delisted_tail: halted rows from the last traded bar to the end of the data, if together they last at
            least `DELISTED_TAIL_DAYS` and `MIN_DELISTED_TAIL_BARS`. After a delisting exchanges keep serving
            such frozen bars. It looks at the end of the data: the next traded bar turns it into `halted`.

    Args:
        bars: ascending, unique open_time; open, high, low, close, volume.
        timeframe: length of a bar.

    Returns:
        One row per maximal stretch: start (open_time of its first bar), end (close_time of its last,
        exclusive), bars (int64), reason. By start; (start, reason) is unique.

    Raises:
        SchemaError: a column is missing.
        CorruptDataError: times are missing, repeated, out of order, or not whole bars apart.
    """
    grid = grid_of(bars, timeframe)
    open_time, step, spacings = grid.open_time, grid.step, np.diff(grid.open_time)
    holes = np.flatnonzero(spacings > step)
    starts, ends = [open_time[holes] + step], [open_time[holes + 1]]
    reasons = [np.full(len(holes), MISSING, dtype=object)]
    for first, last, reason in _halts(bars, spacings > step, timeframe):
        starts.append(open_time[[first]])
        ends.append(open_time[[last]] + step)
        reasons.append(np.array([reason], dtype=object))
    return _gap_frame(np.concatenate(starts), np.concatenate(ends), np.concatenate(reasons), step)


def _halts(bars: pd.DataFrame, hole_after: BoolArray, timeframe: str) -> list[tuple[int, int, str]]:
    """Return (first row, last row, reason) of each run of halted rows; a hole in the grid ends a run."""
    halted = is_halted(bars)
    rows = np.flatnonzero(halted)
    if not len(rows):
        return []
    breaks = np.flatnonzero((np.diff(rows) > 1) | hole_after[rows[:-1]]) + 1
    traded = np.flatnonzero(~halted)
    tail_start = int(traded[-1]) + 1 if len(traded) else 0
    tail_bars = len(bars) - tail_start
    is_tail = tail_bars >= max(DELISTED_TAIL_DAYS * bars_per_day(timeframe), MIN_DELISTED_TAIL_BARS)
    return [
        (int(run[0]), int(run[-1]), DELISTED_TAIL if is_tail and run[0] >= tail_start else HALTED)
        for run in np.split(rows, breaks)
    ]


def _gap_frame(start: IntArray, end: IntArray, reason: npt.NDArray[np.object_], step: int) -> pd.DataFrame:
    order = np.argsort(start, kind="stable")
    columns = {
        "start": utc_index(start[order]),
        "end": utc_index(end[order]),
        "bars": (end - start)[order] // step,
        "reason": reason[order],
    }
    return pd.DataFrame(columns, columns=list(GAP_COLUMNS))
