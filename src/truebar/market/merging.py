"""New bars put into stored ones: which are new, which change what is known, which are older than it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import BoolArray, FloatArray
from truebar.bars import columns_of
from truebar.market.schema import MEASURE_COLUMNS
from truebar.times import ascending_nanoseconds

CLOSE_ROUNDING: Final = 1e-9
"""Two files that wrote one price with other digits differ by less than this share of it."""


@dataclass(frozen=True, eq=False)
class Merged:
    """What incoming bars do to stored ones.

    Attributes:
        bars: all bars after the merge, ascending open_time.
        changed: incoming bars that are new or differ; the only ones to write.
        revised: how many of `changed` stand in place of a stored bar.
        earlier: incoming bars that are earlier states of a stored candle; not taken.
        shared: how many incoming bars have a stored one of the same time.
        apart: how many of these close elsewhere than the stored one, by more than rounding.
    """

    bars: pd.DataFrame
    changed: pd.DataFrame
    revised: int
    earlier: pd.DataFrame
    shared: int
    apart: int


def merge(stored: pd.DataFrame, incoming: pd.DataFrame) -> Merged:
    """Return the bars to write so that `incoming` wins over `stored`.

    A bar differs if a measure that it gives differs: a NaN says nothing, so a file with fewer columns does
    not wipe out what a fuller one brought. A bar that differs takes the place of the stored one as a whole,
    since one candle from two sources would not add up.

    One case loses: an export made while a candle was open ends with its state at that moment. The last
    incoming bar is such an earlier state if the stored one has the same open, a range that contains it, and
    more volume (a candle only grows).

    Args:
        stored: ascending, unique open_time; `MEASURE_COLUMNS`. May be empty.
        incoming: the same columns; not empty.

    Raises:
        SchemaError: a column is missing.
        CorruptDataError: times are missing, repeated or out of order.
    """
    old_time, new_time = (ascending_nanoseconds(bars["open_time"]) for bars in (stored, incoming))
    place = np.searchsorted(old_time, new_time)
    matched = np.flatnonzero(np.isin(new_time, old_time, assume_unique=True))
    old = columns_of(stored.iloc[place[matched]], MEASURE_COLUMNS)
    new = columns_of(incoming.iloc[matched], MEASURE_COLUMNS)
    differs = np.zeros(len(matched), dtype=np.bool_)
    for before, after in zip(old, new, strict=True):
        differs |= ~np.isnan(after) & (after != before)
    earlier = differs & (matched == len(incoming) - 1) & _is_earlier_state(new, old)
    to_write = np.ones(len(incoming), dtype=np.bool_)
    to_write[matched] = differs & ~earlier
    changed = incoming.loc[to_write].reset_index(drop=True)
    return Merged(
        bars=_united(stored, changed),
        changed=changed,
        revised=int((differs & ~earlier).sum()),
        earlier=incoming.iloc[matched[earlier]].reset_index(drop=True),
        shared=len(matched),
        apart=_closing_apart(new, old),
    )


def _closing_apart(new: list[FloatArray], old: list[FloatArray]) -> int:
    close = MEASURE_COLUMNS.index("close")
    return int((~np.isclose(new[close], old[close], rtol=CLOSE_ROUNDING, atol=0)).sum())


def _is_earlier_state(new: list[FloatArray], old: list[FloatArray]) -> BoolArray:
    """Return where a candle may have grown from `new` to `old`."""
    was = dict(zip(MEASURE_COLUMNS, new, strict=True))
    became = dict(zip(MEASURE_COLUMNS, old, strict=True))
    grown: npt.NDArray[np.bool_] = (
        (was["open"] == became["open"])
        & (was["high"] <= became["high"])
        & (was["low"] >= became["low"])
        & (was["volume"] < became["volume"])
    )
    return grown


def _united(stored: pd.DataFrame, changed: pd.DataFrame) -> pd.DataFrame:
    if stored.empty or changed.empty:
        return changed if stored.empty else stored
    kept = stored.loc[~stored["open_time"].isin(changed["open_time"])]
    shared = [name for name in stored.columns if name in changed.columns]
    united = pd.concat([kept[shared], changed[shared]], ignore_index=True)
    return united.sort_values("open_time", ignore_index=True)
