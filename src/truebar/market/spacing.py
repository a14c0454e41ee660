"""How far apart bars are: which timeframe a set of stamps shows, and whether it is the one claimed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from truebar.arrays import IntArray
from truebar.bars import MIN_STEPS
from truebar.errors import SchemaError, WrongTimeframeError
from truebar.times import NANOSECONDS_PER_SECOND, ascending_nanoseconds, nanoseconds, timeframe_of
from truebar.units import TIMEFRAME_OF_NANOSECONDS, TIMEFRAMES, describe_length, timeframe_nanoseconds


def require_spacing(open_time: IntArray, timeframe: str) -> None:
    """Raise if more than half of the steps between stamps are one length and it is not `timeframe`.

    Args:
        open_time: nanoseconds, any order, repeats allowed.
        timeframe: the one claimed.

    Raises:
        WrongTimeframeError: names the timeframe that the stamps show.
    """
    steps, counts = np.unique(np.diff(np.unique(open_time)), return_counts=True)
    total = int(counts.sum())
    if total < MIN_STEPS:
        return
    position = int(counts.argmax())
    step, count = int(steps[position]), int(counts[position])
    if step == timeframe_nanoseconds(timeframe) or 2 * count <= total:
        return
    looks = describe_length(step)
    known = (
        f"give timeframe {looks}"
        if step in TIMEFRAME_OF_NANOSECONDS
        else f"truebar knows {', '.join(TIMEFRAMES)}"
    )
    raise WrongTimeframeError(
        f"expected {timeframe} bars, found bars {looks} apart ({count:,} of {total:,} steps); "
        f"the data look like {looks}: {known}, or take another file."
    )


def infer_timeframe(bars: pd.DataFrame) -> str:
    """Return the timeframe of bars: close_time - open_time where that is given, else the smallest step.

    A close_time up to a second early (exchanges print the last instant of a bar) counts as the full bar.

    Raises:
        SchemaError: there is no open_time, or bars have several lengths or one that is no timeframe.
        CorruptDataError: times are missing, repeated or out of order.
        TooFewRowsError: no close_time and fewer than two bars.
        UnknownTimeframeError: the smallest step is no timeframe.
    """
    if "open_time" not in bars.columns:
        raise SchemaError(f"bars have no column open_time; found {', '.join(map(str, bars.columns))}.")
    if "close_time" not in bars.columns or not len(bars):
        return timeframe_of(bars["open_time"])
    open_time = ascending_nanoseconds(bars["open_time"])
    lengths = np.unique(nanoseconds(bars["close_time"], "close_time") - open_time)
    for step, name in TIMEFRAME_OF_NANOSECONDS.items():
        if lengths[0] > 0 and step - NANOSECONDS_PER_SECOND <= lengths[0] and lengths[-1] <= step:
            return name
    raise SchemaError(
        f"bars are {', '.join(describe_length(int(length)) for length in lengths[:5])} long "
        f"(close_time - open_time); expected one of {', '.join(TIMEFRAMES)}, the same for all. "
        "Pass the frame through validate_klines first."
    )
