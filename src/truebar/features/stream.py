"""Features bar by bar: the state of every family's kernel, which can be peeked at, saved and restored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from truebar.arrays import FloatArray
from truebar.bars import Grid, grid_of
from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError, WrongTimeframeError
from truebar.features.fields import FIELD_OF, FIELDS, OPTIONAL, REQUIRED, SLOT, complete, fields_of
from truebar.features.registry import families_of
from truebar.features.snapshot import Saved, kernel_digest
from truebar.times import utc_index
from truebar.units import TIMEFRAME_SECONDS, describe_length, timeframe_nanoseconds

_STEPS: Final = frozenset(seconds * 1_000_000_000 for seconds in TIMEFRAME_SECONDS.values())


@dataclass
class _Clock:
    """Where a stream stands in time, nanoseconds; None: not known yet.

    Attributes:
        step: length of a bar.
        latest: open_time of the latest bar.
    """

    step: int | None = None
    latest: int | None = None


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
        self.columns = tuple(name for family in families for name in family.columns)
        self.kernel = kernel_digest(families)
        self._families = families
        blanks = [family.blank() for family in families]
        self._ends = np.cumsum([0, *(blank.size for blank in blanks)]).tolist()
        self._rows = np.cumsum([0, *(len(family.columns) for family in families)]).tolist()
        self._memory = np.concatenate(blanks)
        self._parts = self._parts_of(self._memory)
        self._clock = _Clock(None if timeframe is None else timeframe_nanoseconds(timeframe))
        self._held: FloatArray | None = None  # the first bar, while the step is not known
        self._bar = np.full((FIELDS, 1), np.nan)

    @property
    def latest(self) -> pd.Timestamp | None:
        """open_time of the latest bar, UTC; None before the first."""
        return None if self._clock.latest is None else pd.Timestamp(self._clock.latest, tz="UTC")

    def update(self, bar: Any) -> FloatArray:
        """Take one closed bar in and return its features, float64[columns], known at its close.

        Args:
            bar: has the columns of `market.klines` as attributes: open_time, open, high, low, close, volume,
                and where there are trades and taker_buy_volume (None or NaN: missing). Later than any before.

        Raises:
            SchemaError: an attribute is missing, or is no time or number.
            CorruptDataError: the bar is not later than the latest, lies off the grid, or is impossible.
            WrongTimeframeError: its close_time says that it is of another timeframe.

        The stream is as it was before when this raises.
        """
        open_time = self._read(bar)
        if self._clock.step is None and self._clock.latest is not None:
            self._settle(open_time - self._clock.latest)
        values = self._fold_bar(self._parts, open_time)
        if self._clock.step is None:
            self._held = self._bar.copy()
            self._memory[:] = self._blank()
        self._clock.latest = open_time
        return values

    def peek(self, bar: Any) -> FloatArray:
        """Return what `update` would, and leave the stream as it is: for a bar that still forms."""
        open_time = self._read(bar)
        memory = self._memory.copy()
        parts = self._parts_of(memory)
        step = self._clock.step
        if step is None and self._clock.latest is not None:
            step = open_time - self._clock.latest
            self._fold_held(parts, step)
        return self._fold_bar(parts, open_time, step)

    def extend(self, bars: pd.DataFrame) -> pd.DataFrame:
        """Take many closed bars in and return their features, as `batch` does.

        Raises:
            ConfigurationError, SchemaError, CorruptDataError, WrongTimeframeError: as `batch`, and when the
                first bar is not later than the latest, or lies off its grid.
            TooFewRowsError: for a first single bar without a timeframe.
        """
        grid = self._grid_of(bars)
        fields = fields_of(bars, grid)
        matrix = np.empty((len(self.columns), len(bars)))
        if len(bars):
            if self._clock.step is None:
                self._settle(grid.step)
            self._fold(self._parts, fields, matrix)
            self._clock.latest = int(grid.open_time[-1])
        frame = pd.DataFrame(matrix.T, columns=list(self.columns), copy=False)
        frame.insert(0, "available_at", utc_index(grid.open_time + grid.step))
        frame.insert(0, "open_time", utc_index(grid.open_time))
        return frame

    def snapshot(self) -> bytes:
        """Return all that the stream has seen, to be given to `restore`."""
        return Saved(
            self.feature_set, self.kernel, self._clock.step, self._clock.latest, self._memory, self._held
        ).to_bytes()

    def restore(self, snapshot: bytes) -> None:
        """Make this stream the one that gave `snapshot`.

        Raises:
            SnapshotError: the bytes are damaged, or of another feature set, kernel or version; the stream
                stays as it was.
        """
        saved = Saved.from_bytes(snapshot, self.feature_set, self.kernel, self._memory.size)
        self._memory[:] = saved.memory
        self._held = saved.held
        self._clock = _Clock(saved.step, saved.latest)

    def _parts_of(self, memory: FloatArray) -> list[FloatArray]:
        return [memory[begin:end] for begin, end in zip(self._ends, self._ends[1:], strict=False)]

    def _blank(self) -> FloatArray:
        return np.concatenate([family.blank() for family in self._families])

    def _fold(self, parts: list[FloatArray], fields: FloatArray, out: FloatArray) -> None:
        for family, part, begin, end in zip(self._families, parts, self._rows, self._rows[1:], strict=False):
            family.fold(part, fields, out[begin:end])

    def _fold_bar(self, parts: list[FloatArray], open_time: int, step: int | None = None) -> FloatArray:
        """Fold the bar that was read into `parts`; before the step is known it stands alone at slot 0."""
        known = step or self._clock.step
        self._bar[SLOT, 0] = 0 if known is None else open_time // known
        out = np.empty((len(self.columns), 1))
        self._fold(parts, self._bar, out)
        return out[:, 0]

    def _fold_held(self, parts: list[FloatArray], step: int) -> None:
        """Fold the first bar, which was held back until the step is known."""
        if self._held is not None and self._clock.latest is not None:
            held = self._held.copy()
            held[SLOT, 0] = self._clock.latest // step
            self._fold(parts, held, np.empty((len(self.columns), 1)))

    def _settle(self, step: int) -> None:
        """Make `step` the length of a bar."""
        self._fold_held(self._parts, step)
        self._clock.step, self._held = step, None

    def _read(self, bar: Any) -> int:
        """Read a bar into `self._bar`, check it, and return its open_time."""
        open_time = _moment(getattr(bar, "open_time", None))
        try:
            for name in REQUIRED:
                self._bar[FIELD_OF[name], 0] = getattr(bar, name)
            for name in OPTIONAL:
                value = getattr(bar, name, None)
                self._bar[FIELD_OF[name], 0] = np.nan if value is None else value
        except (AttributeError, TypeError, ValueError) as error:
            raise SchemaError(
                f"bar {utc_index(np.array([open_time]))[0]}: {error}; expected the attributes open_time, "
                f"{', '.join(REQUIRED)} as numbers, and {', '.join(OPTIONAL)} where the source gives them."
            ) from error
        complete(self._bar, np.array([open_time]))
        self._check_time(open_time, getattr(bar, "close_time", None))
        return open_time

    def _check_time(self, open_time: int, close_time: Any) -> None:
        """Refuse a bar that does not come after the latest on its grid; learn the step from the first."""
        clock = self._clock
        told = None if close_time is None or close_time is pd.NaT else _moment(close_time) - open_time
        if told in _STEPS and clock.step is not None and told != clock.step:
            raise WrongTimeframeError(
                f"expected bars of {describe_length(clock.step)}, found one of {describe_length(told)}; give "
                "a stream bars of one timeframe."
            )
        if clock.latest is not None:
            _check_order(open_time, clock.latest, clock.step)
        elif told in _STEPS and clock.step is None:
            clock.step = told

    def _grid_of(self, bars: pd.DataFrame) -> Grid:
        """Return the grid of bars to come, which must go on from the latest."""
        clock = self._clock
        timeframe = None
        if clock.step in _STEPS:
            timeframe = next(n for n, s in TIMEFRAME_SECONDS.items() if s * 1_000_000_000 == clock.step)
        if timeframe is None and len(bars) == 1 and clock.step is None:
            raise TooFewRowsError("one bar does not show when it closes; give its timeframe.")
        grid = grid_of(bars, timeframe)
        if clock.step is not None:
            grid = Grid(grid.open_time, clock.step, grid.open_time // clock.step)
        if clock.latest is not None and len(bars):
            _check_order(int(grid.open_time[0]), clock.latest, grid.step)
        return grid


def _check_order(open_time: int, latest: int, step: int | None) -> None:
    ahead = open_time - latest
    found, before = utc_index(np.array([open_time, latest]))
    if ahead <= 0:
        raise CorruptDataError(
            f"bar {found} comes after bar {before}; expected a later one. Give each closed bar once, "
            "in order of time."
        )
    if step is not None and ahead % step:
        raise CorruptDataError(
            f"bar {found} opens {describe_length(ahead)} after the latest, no multiple of "
            f"{describe_length(step)}. Give bars of one timeframe, and name it when the stream is made."
        )


def _moment(time: Any) -> int:
    """Return nanoseconds since 1970 UTC of one time; naive is UTC."""
    if not isinstance(time, (datetime, np.datetime64)):
        raise SchemaError(f"expected a time, found {time!r}; integers and text carry no unit.")
    stamp = time if isinstance(time, pd.Timestamp) else pd.Timestamp(time)
    if pd.isna(stamp):
        raise CorruptDataError("a bar's time is missing; every bar needs its open_time.")
    return int(stamp.value)
