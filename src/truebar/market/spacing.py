"""How far apart bars are: which timeframe a set of stamps shows, and whether it is the one claimed."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError, WrongTimeframeError
from truebar.market.cells import NO_TIME, to_nanoseconds
from truebar.units import TIMEFRAMES, timeframe_nanoseconds

MIN_SPACINGS: Final = 4
"""Fewer spacings than this do not show a timeframe: gaps could explain them."""

_NAME_OF: Final = {timeframe_nanoseconds(name): name for name in TIMEFRAMES}


def describe_length(nanoseconds: int) -> str:
    """Return a length in words: a timeframe's name where it is one, else seconds.

    >>> describe_length(900_000_000_000), describe_length(180_000_000_000)
    ('15m', '180 s')
    """
    return _NAME_OF.get(nanoseconds, f"{nanoseconds / 1e9:g} s")


def require_spacing(open_time: npt.NDArray[np.int64], timeframe: str) -> None:
    """Raise if more than half of the steps between stamps are one length and it is not `timeframe`.

    Args:
        open_time: nanoseconds, any order, repeats allowed.
        timeframe: the one claimed.

    Raises:
        WrongTimeframeError: names the timeframe that the stamps show.
    """
    steps, counts = np.unique(np.diff(np.unique(open_time)), return_counts=True)
    total = int(counts.sum())
    if total < MIN_SPACINGS:
        return
    position = int(counts.argmax())
    step, count = int(steps[position]), int(counts[position])
    if step == timeframe_nanoseconds(timeframe) or 2 * count <= total:
        return
    looks = describe_length(step)
    known = f"give timeframe {looks}" if step in _NAME_OF else f"truebar knows {', '.join(TIMEFRAMES)}"
    raise WrongTimeframeError(
        f"expected {timeframe} bars, found bars {looks} apart ({count:,} of {total:,} steps); "
        f"the data look like {looks}: {known}, or take another file."
    )


def ascending_times(bars: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return `open_time` in nanoseconds, int64[n].

    Raises:
        SchemaError: there is no open_time.
        CorruptDataError: a time is missing, repeated or out of order.
    """
    if "open_time" not in bars.columns:
        raise SchemaError(
            f"bars have no open_time; found {', '.join(map(str, bars.columns)) or 'no columns'}."
        )
    open_time = to_nanoseconds(bars["open_time"])
    if (open_time == NO_TIME).any() or (np.diff(open_time) <= 0).any():
        raise CorruptDataError(
            "open_time must be present, ascending and unique; pass the frame through validate_klines first."
        )
    return open_time


def infer_timeframe(bars: pd.DataFrame) -> str:
    """Return the timeframe of bars: close_time - open_time where given, else the smallest step.

    Raises:
        TooFewRowsError: no close_time and fewer than two bars.
        SchemaError: the length is no timeframe of truebar, or bars have several lengths.
    """
    open_time = ascending_times(bars)
    lengths = np.diff(open_time)
    if "close_time" in bars.columns and len(bars) and bars["close_time"].notna().all():
        lengths = to_nanoseconds(bars["close_time"]) - open_time
        if (lengths != lengths[0]).any():
            raise SchemaError("bars have several lengths (close_time - open_time); expected one timeframe.")
    if not len(lengths):
        raise TooFewRowsError(f"{len(bars)} bars show no timeframe; expected at least two, or close_time.")
    length = int(lengths.min())
    if length not in _NAME_OF:
        raise SchemaError(
            f"bars are {describe_length(length)} long; expected one of {', '.join(TIMEFRAMES)}. "
            "Pass the frame through validate_klines first."
        )
    return _NAME_OF[length]
