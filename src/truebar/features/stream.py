"""Features bar by bar: the state of every family's kernel, which can be peeked at, saved and restored."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from truebar.arrays import FloatArray
from truebar.bars import Grid, grid_of
from truebar.errors import CorruptDataError, TooFewRowsError, WrongTimeframeError
from truebar.features.fields import SLOT, fields_of, refuse_broken
from truebar.features.folding import Folding
from truebar.features.reading import BarReader
from truebar.features.registry import families_of
from truebar.features.snapshot import Saved, kernel_digest
from truebar.times import NANOSECONDS_PER_SECOND, utc_index
from truebar.units import TIMEFRAME_SECONDS, describe_length, timeframe_nanoseconds

_STEPS: Final = {seconds * NANOSECONDS_PER_SECOND: name for name, seconds in TIMEFRAME_SECONDS.items()}
"""Timeframe of each length in nanoseconds."""


class FeatureStream:
    """The features of a feature set, one closed bar after the other, each as `batch` gives it.

    Args:
        feature_set: "core", or the name of one family; see `FEATURE_SETS`.
        timeframe: length of a bar. By default that of the first bar's close_time, or else the step from the
            first bar to the second; give it where bars may be missing between these two.

    What has been seen is all in one flat array: `snapshot` saves it, `restore` brings it back, and the
    stream goes on bit for bit as if it had never stopped.

    >>> bars = pd.DataFrame({"open_time": pd.date_range("2025-01-01", periods=2, freq="1h", tz="UTC"),
    ...     "open": 100.0, "high": 103.0, "low": 99.0, "close": [100.0, 102.0], "volume": 1.0})
    >>> stream = FeatureStream()
    >>> values = [stream.update(bar) for bar in bars.itertuples()][-1]
    >>> round(float(values[stream.columns.index("return_1")]), 6)
    0.019803
    """

    def __init__(self, feature_set: str = "core", *, timeframe: str | None = None) -> None:
        families = families_of(feature_set)
        self.feature_set = feature_set
        self.kernel = kernel_digest(families)
        self._folding = Folding(families)
        self._scratch: Folding | None = None  # for bars that are looked at and not taken in
        self._families = families
        self._reader = BarReader(self._folding.bar)
        # Nanoseconds; None: not known yet.
        self._step = None if timeframe is None else timeframe_nanoseconds(timeframe)
        self._latest: int | None = None
        self._held: FloatArray | None = None  # the first bar, while the step is not known

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return self._folding.columns

    @property
    def latest(self) -> pd.Timestamp | None:
        """open_time of the latest bar, UTC; None before the first."""
        return None if self._latest is None else pd.Timestamp(self._latest, tz="UTC")

    def update(self, bar: Any) -> FloatArray:
        """Take one closed bar in and return its features, float64[columns], known at its close.

        Args:
            bar: has the columns of `market.klines` as attributes: open_time, open, high, low, close, volume,
                and where there are trades and taker_buy_volume (None, NA or NaN: missing). Later than any
                before.

        Raises:
            SchemaError: an attribute is missing, or is no time or number.
            CorruptDataError: the bar is not later than the latest, lies off the grid, or is impossible.
            WrongTimeframeError: its close_time says that it is of another timeframe.

        The stream is as it was before when this raises.
        """
        open_time, told = self._reader.read(bar)
        step = self._step
        if step is None or told != step or open_time - step != self._latest:  # not simply the next bar
            step = self._length_of(open_time, told)
            if step is None:
                return self._hold(open_time)
            if step != self._step:
                refuse_broken(self._folding.bar, [open_time])
                self._settle(step)
        values = self._folding.fold_bar(open_time // step, open_time)
        self._latest = open_time
        return values

    def peek(self, bar: Any) -> FloatArray:
        """Return what `update` would, and leave the stream as it is: for a bar that still forms."""
        open_time, told = self._reader.read(bar)
        step = self._length_of(open_time, told)
        return self._peeked(open_time, 0 if step is None else open_time // step, step)

    def extend(self, bars: pd.DataFrame) -> pd.DataFrame:
        """Take many closed bars in and return their features, as `batch` does.

        Raises:
            ConfigurationError, SchemaError, CorruptDataError, WrongTimeframeError: as `batch`, and when the
                first bar is not later than the latest, or lies off its grid.
            TooFewRowsError: for a first single bar without a timeframe.
        """
        grid = self._grid_of(bars)
        fields = fields_of(bars, grid)
        if len(bars) and grid.step != self._step:
            refuse_broken(fields, grid.open_time)
            self._settle(grid.step)
        matrix = self._folding.fold_bars(fields, grid.open_time)
        if len(bars):
            self._latest = int(grid.open_time[-1])
        opens, closes = utc_index(grid.open_time), utc_index(grid.open_time + grid.step)
        times = pd.DataFrame({"open_time": opens, "available_at": closes}, copy=False)
        columns = pd.DataFrame(matrix.T, columns=list(self.columns), copy=False)
        # A copy of all values takes a sixth of the time of computing them; the stubs do not know `copy`.
        return pd.concat([times, columns], axis="columns", copy=False)  # type: ignore[call-overload, no-any-return]

    def snapshot(self) -> bytes:
        """Return all that the stream has seen, to be given to `restore`."""
        memory = self._folding.memory
        return Saved(self.feature_set, self.kernel, self._step, self._latest, memory, self._held).to_bytes()

    def restore(self, snapshot: bytes) -> None:
        """Make this stream the one that gave `snapshot`.

        Raises:
            SnapshotError: the bytes are damaged, or of another feature set, kernel or version; the stream
                stays as it was.
        """
        saved = Saved.from_bytes(snapshot, self.feature_set, self.kernel, self._folding.memory.size)
        self._folding.memory[:] = saved.memory
        self._step, self._latest, self._held = saved.step, saved.latest, saved.held

    def _peeked(self, open_time: int, slot: int, step: int | None = None) -> FloatArray:
        """Fold the bar that was read on a copy of the memory."""
        scratch = self._scratch_of_families()
        scratch.memory[:] = self._folding.memory
        if step is not None:
            self._fold_held(scratch, step)
        scratch.bar[:] = self._folding.bar
        return scratch.fold_bar(slot, open_time)

    def _scratch_of_families(self) -> Folding:
        if self._scratch is None:
            self._scratch = Folding(self._families)
        return self._scratch

    def _hold(self, open_time: int) -> FloatArray:
        """Keep the first bar that was read until the step is known, and return its features."""
        values = self._peeked(open_time, 0)
        self._held = self._scratch_of_families().bar.copy()
        self._latest = open_time
        return values

    def _fold_held(self, folding: Folding, step: int) -> None:
        """Fold the first bar, which is held back until the step is known."""
        if self._held is not None and self._latest is not None:
            held = self._held.copy()
            held[SLOT, 0] = self._latest // step
            folding.fold_bars(held, np.array([self._latest]))

    def _settle(self, step: int | None) -> None:
        """Make `step` the length of a bar."""
        if step is not None:
            self._fold_held(self._folding, step)
            self._step, self._held = step, None

    def _length_of(self, open_time: int, told: int | None) -> int | None:
        """Return the length of a bar, which must come after the latest on its grid.

        It is the stream's, or else what the bar's close_time told, or else the step from the first bar to it.
        """
        step = self._step
        if told != step and step is not None and told in _STEPS:
            raise WrongTimeframeError(
                f"expected bars of {describe_length(step)}, found one of {describe_length(told)}; give a "
                "stream bars of one timeframe."
            )
        if self._latest is not None:
            if open_time - self._latest != step:
                _check_order(open_time, self._latest, step)
            return open_time - self._latest if step is None else step
        return told if step is None and told in _STEPS else step

    def _grid_of(self, bars: pd.DataFrame) -> Grid:
        """Return the grid of bars to come, which must go on from the latest."""
        step = self._step
        if len(bars) == 1 and step is None:
            raise TooFewRowsError("one bar does not show when it closes; give its timeframe.")
        grid = grid_of(bars, None if step is None else _STEPS.get(step))
        if step is not None and len(bars) < 2:
            grid = Grid(grid.open_time, step, grid.open_time // step)
        if self._latest is not None and len(bars):
            _check_order(int(grid.open_time[0]), self._latest, grid.step)
        return grid


def _check_order(open_time: int, latest: int, step: int | None) -> None:
    """Do nothing for a bar that comes later, a multiple of the step later.

    Raises:
        CorruptDataError: for any other.
    """
    ahead = open_time - latest
    if ahead > 0 and (step is None or ahead % step == 0):
        return
    found, before = pd.Timestamp(open_time, tz="UTC"), pd.Timestamp(latest, tz="UTC")
    if ahead <= 0:
        raise CorruptDataError(
            f"bar {found} comes after bar {before}; expected a later one. Give each closed bar once, "
            "in order of time."
        )
    raise CorruptDataError(
        f"bar {found} opens {describe_length(ahead)} after the latest, no multiple of "
        f"{describe_length(step or ahead)}. Give bars of one timeframe, and name it when the stream is made."
    )
