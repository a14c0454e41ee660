"""Every feature family, and the sets of families that models read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pandas as pd

from truebar.bars import grid_of
from truebar.errors import ConfigurationError, TooFewRowsError
from truebar.features.family import Family
from truebar.features.price import PRICE
from truebar.times import utc_index

FAMILIES: Final[Mapping[str, Family]] = MappingProxyType({family.name: family for family in (PRICE,)})
"""Families by name; their order is the order of the columns in `features.matrix`."""

FEATURE_SETS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"core": tuple(FAMILIES)})
"""Families of each feature set, in order."""


def families_of(feature_set: str) -> tuple[Family, ...]:
    """Return the families of a feature set, in order.

    Raises:
        ConfigurationError: for an unknown set; the message lists the known ones.
    """
    if feature_set not in FEATURE_SETS:
        raise ConfigurationError(
            f"feature set {feature_set!r} is unknown; expected one of {', '.join(FEATURE_SETS)}."
        )
    return tuple(FAMILIES[name] for name in FEATURE_SETS[feature_set])


def batch(bars: pd.DataFrame, feature_set: str = "core", *, timeframe: str | None = None) -> pd.DataFrame:
    """Return the features of every bar of a history.

    Args:
        bars: n closed klines, ascending.
        feature_set: which families; see `FEATURE_SETS`.
        timeframe: length of a bar; the smallest step between bars by default.

    Returns:
        A frame of n rows, fresh index: open_time, available_at (the bar's close_time: no value of the row
        may be used earlier), and the columns, float64, in registry order. NaN as `Family.compute` says.

    Raises:
        ConfigurationError: for an unknown feature set or timeframe.
        SchemaError, CorruptDataError: as `Family.compute`.
        TooFewRowsError: for a single bar without a timeframe: when it closes is unknown.

    >>> bars = pd.DataFrame({"open_time": pd.date_range("2025-01-01", periods=2, freq="1h", tz="UTC"),
    ...     "open": 100.0, "high": 103.0, "low": 99.0, "close": [100.0, 102.0], "volume": 1.0})
    >>> batch(bars)[["available_at", "return_1"]].round(6)
                   available_at  return_1
    0 2025-01-01 01:00:00+00:00       NaN
    1 2025-01-01 02:00:00+00:00  0.019803
    """
    families = families_of(feature_set)
    if len(bars) == 1 and timeframe is None:
        raise TooFewRowsError("one bar does not show when it closes; give its timeframe.")
    grid = grid_of(bars, timeframe)
    frames = [family.compute(bars, timeframe=timeframe)[list(family.columns)] for family in families]
    times = pd.DataFrame(
        {"open_time": utc_index(grid.open_time), "available_at": utc_index(grid.open_time + grid.step)}
    )
    return pd.concat([times, *frames], axis=1)
