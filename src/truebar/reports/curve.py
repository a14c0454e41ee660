"""The equity curve of a vault, thinned to what a screen can show without losing its extremes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import FloatArray
from truebar.backtest.metrics import drawdown
from truebar.errors import MissingDataError, SchemaError
from truebar.times import ascending_nanoseconds, utc_index

COLUMNS: Final = ("open_time", "equity", "close")

BUCKETS: Final = 600
"""Two rows for each of them, three lines: 3,600 points, below the 4,000 that a page may have."""


@dataclass(frozen=True)
class Curve:
    """Returns since the start, as shares: 0.1 is ten percent. All arrays have one length.

    Attributes:
        times: ISO texts, UTC.
        strategy: return of the account after costs.
        hold: return of the price, without costs; NaN where the bar has no price.
        hold_drawdown: deepest share of the price below an earlier high, over every bar; None without prices.
        drawdown: share below the highest equity so far, 0 or negative.
    """

    times: tuple[str, ...]
    strategy: FloatArray
    hold: FloatArray
    drawdown: FloatArray
    hold_drawdown: float | None

    @property
    def hold_return(self) -> float | None:
        """Return of the price up to its last known bar; None without prices."""
        known = self.hold[np.isfinite(self.hold)]
        return float(known[-1]) if known.size else None


def checked(equity: pd.DataFrame) -> pd.DataFrame:
    """Return the frame if it can be drawn.

    Raises:
        SchemaError: when a column is missing.
        MissingDataError: when there is no row, or equity is not finite.
    """
    absent = [name for name in COLUMNS if name not in equity.columns]
    if absent:
        raise SchemaError(f"the equity frame lacks {', '.join(absent)}; expected {', '.join(COLUMNS)}.")
    if equity.empty:
        raise MissingDataError("the equity frame has no row; pass None where there is no equity yet.")
    if not np.isfinite(equity["equity"].to_numpy(dtype=np.float64)).all():
        raise MissingDataError("equity has NaN or infinite values; every bar of a backtest has an equity.")
    return equity


def hold_returns(close: FloatArray) -> FloatArray:
    """Return close over the first known close, less 1; NaN where there is no price."""
    known = np.flatnonzero(np.isfinite(close) & (close > 0))
    return np.full(close.size, np.nan) if known.size == 0 else close / close[known[0]] - 1.0


def kept_rows(equity: FloatArray) -> npt.NDArray[np.int64]:
    """Return ascending row numbers to draw: ends, lowest and highest of each bucket, deepest drawdown."""
    if equity.size <= 2 * BUCKETS:
        return np.arange(equity.size, dtype=np.int64)
    edges = np.linspace(0, equity.size, BUCKETS + 1).astype(np.int64)
    kept = {0, equity.size - 1, int(drawdown(equity).argmax())}
    for start, end in pairwise(edges):
        part = equity[start:end]
        kept.update((int(start + part.argmin()), int(start + part.argmax())))
    return np.array(sorted(kept), dtype=np.int64)


def curve_of(equity: pd.DataFrame, initial_capital: float) -> Curve:
    """Return the curve of a checked frame.

    Args:
        equity: open_time, equity (quote currency), close (price, NaN where the bar is missing).
        initial_capital: equity before the first bar, quote currency.

    Raises:
        CorruptDataError: when times do not ascend.
    """
    values = checked(equity)["equity"].to_numpy(dtype=np.float64)
    rows = kept_rows(values)
    close = equity["close"].to_numpy(dtype=np.float64)
    prices = close[np.isfinite(close) & (close > 0)]
    times = utc_index(ascending_nanoseconds(equity["open_time"])[rows])
    return Curve(
        tuple(times.strftime("%Y-%m-%dT%H:%M:%S")),
        (values / initial_capital - 1.0)[rows],
        hold_returns(close)[rows],
        -drawdown(values)[rows],
        float(drawdown(prices).max()) if prices.size else None,
    )
