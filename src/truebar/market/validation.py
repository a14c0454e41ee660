"""Rows as received, sorted into bars, quarantine and gaps."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import BoolArray
from truebar.errors import CorruptDataError, FutureBarError
from truebar.market.cells import stamp_units
from truebar.market.gaps import find_gaps
from truebar.market.rules import NO_REASON, NOT_CLOSED_REASONS, OFF_GRID, Rows, read_rows, rejections
from truebar.market.schema import (
    KLINE_COLUMNS,
    MEASURE_COLUMNS,
    QUARANTINE_COLUMNS,
    Klines,
    canonical_frame,
)
from truebar.market.spacing import require_spacing
from truebar.times import NO_TIME, nanoseconds, utc_index
from truebar.units import timeframe_nanoseconds, validate_timeframe

CONFLICTING_DUPLICATE: Final = "conflicting_duplicate"

CORRUPT_SHARE: Final = 0.5
CORRUPT_MIN_ROWS: Final = 100
"""More rows with wrong values than both of these make a wrong file, not a file with a few wrong rows."""


def validate_klines(
    frame: pd.DataFrame, *, timeframe: str, now: datetime | None = None, source: str = ""
) -> Klines:
    """Return the closed bars of `frame`, the rows it rejects with the reason of each, and the gaps.

    Nothing is clipped, filled or repaired. A row is rejected for the first of the rules of
    `truebar.market.rules` that it breaks. Of rows with one open_time that say the same, one is kept (which
    is counted); of rows that differ, the last received wins and the others are rejected as
    `conflicting_duplicate`. Rows are sorted by open_time.

    Args:
        frame: open_time, open, high, low, close, volume, and where given close_time, quote_volume, trades,
            taker_buy_volume, taker_buy_quote_volume, source, under these names or those of exchange archives
            and API clients; other columns are ignored. Times are datetimes (naive ones are UTC), ISO 8601
            texts, or numbers in s, ms, us or ns, each recognised by its magnitude; numbers may be texts. A
            given close_time must be open_time + timeframe, or one unit (s, ms, us, ns) before it.
        timeframe: the length of a bar; the open times must lie on its grid from 1970-01-01 UTC.
        now: as-of time (naive is UTC): a bar that closes later is rejected as `open_candle` or `future`.
            None: not asked, and the last bar of an export may be one that was still open.
        source: what to write in `source`; empty: the frame's own column, else "".

    Returns:
        Klines. A bar may be used from its close_time on. Columns that are not given, and empty cells of
        quote volume, trades and taker volume, are NaN.

    Raises:
        UnknownTimeframeError: `timeframe` is none of truebar's.
        SchemaError: a required column is missing, or two columns mean the same.
        WrongTimeframeError: the rows are another timeframe than claimed; the message says which.
        FutureBarError: every row closes after `now`.
        CorruptDataError: no rows, none left, or more than half of at least 100 have wrong values.
    """
    validate_timeframe(timeframe)
    as_of = None if now is None else int(nanoseconds([now], "now")[0])
    canonical = canonical_frame(frame)
    if canonical.empty:
        raise CorruptDataError("expected klines, found no rows; check the export or download it again.")
    rows = read_rows(canonical)
    require_spacing(rows.open_time[rows.open_time != NO_TIME], timeframe)
    reasons = rejections(rows, timeframe=timeframe, now=as_of)
    _require_sound(rows, reasons, timeframe)
    order, losers, duplicates = _settle_duplicates(rows, reasons == NO_REASON)
    reasons[losers] = CONFLICTING_DUPLICATE
    sources = _sources(canonical, source)
    bars = _bars(rows, sources, order, timeframe)
    times = rows.open_time[rows.open_time != NO_TIME]
    return Klines(
        bars=bars,
        quarantine=_quarantine(frame, rows, reasons, sources, as_of),
        gaps=find_gaps(bars, timeframe=timeframe),
        rows_read=len(frame),
        duplicates=duplicates,
        out_of_order=int((times[1:] < np.maximum.accumulate(times)[:-1]).sum()),
        stamp_units=stamp_units(canonical["open_time"]),
    )


def _require_sound(rows: Rows, reasons: npt.NDArray[np.object_], timeframe: str) -> None:
    """Raise when nothing, or too little to trust the file, is left."""
    counts = Counter(reasons.tolist())
    kept, total = counts.pop(NO_REASON, 0), len(reasons)
    wrong = total - kept - sum(counts[reason] for reason in NOT_CLOSED_REASONS)
    listed = ", ".join(f"{count:,} {reason}" for reason, count in counts.most_common() if count)
    if not kept and not wrong:
        raise FutureBarError(
            f"none of {total:,} {timeframe} rows is a closed bar yet ({listed}); "
            "come back after the first one has closed, or check the clock."
        )
    if not kept or (wrong >= CORRUPT_MIN_ROWS and wrong > CORRUPT_SHARE * total):
        raise CorruptDataError(
            f"{wrong:,} of {total:,} {timeframe} rows are no klines ({listed}).{_offset(rows, timeframe)} "
            "Nothing of this file is taken; correct it at its source."
        )


def _offset(rows: Rows, timeframe: str) -> str:
    """Return what off-grid rows have in common, if they all do."""
    step = timeframe_nanoseconds(timeframe)
    offsets = np.unique(rows.open_time[rows.open_time != NO_TIME] % step)
    if len(offsets) != 1 or offsets[0] == 0:
        return ""
    return (
        f" Every open_time is {offsets[0] / 1e9:g} s past the {timeframe} grid ({OFF_GRID}): "
        "are these close times, or local times?"
    )


def _settle_duplicates(
    rows: Rows, sound: BoolArray
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], int]:
    """Return the sound rows to keep by open_time, those that contradict them, and how many repeat them."""
    valid = np.flatnonzero(sound)
    by_time = valid[np.argsort(rows.open_time[valid], kind="stable")]
    times = rows.open_time[by_time]
    last_of_time = np.r_[times[1:] != times[:-1], True]
    winner = by_time[last_of_time][np.cumsum(last_of_time) - last_of_time]
    same = np.logical_and.reduce(
        [
            (column[by_time] == column[winner]) | (np.isnan(column[by_time]) & np.isnan(column[winner]))
            for column in rows.measures.values()
        ]
    )
    return by_time[last_of_time], by_time[~same], int((same & ~last_of_time).sum())


def _sources(canonical: pd.DataFrame, source: str) -> npt.NDArray[np.object_]:
    if not source and "source" in canonical.columns:
        return canonical["source"].astype(object).to_numpy()
    return np.full(len(canonical), source, dtype=object)


def _bars(
    rows: Rows, sources: npt.NDArray[np.object_], order: npt.NDArray[np.intp], timeframe: str
) -> pd.DataFrame:
    open_time = rows.open_time[order]
    columns = {
        "open_time": utc_index(open_time),
        "close_time": utc_index(open_time + timeframe_nanoseconds(timeframe)),
        **{name: rows.measures[name][order] for name in MEASURE_COLUMNS},
        "source": sources[order],
    }
    return pd.DataFrame(columns, columns=list(KLINE_COLUMNS))


def _quarantine(
    frame: pd.DataFrame,
    rows: Rows,
    reasons: npt.NDArray[np.object_],
    sources: npt.NDArray[np.object_],
    now: int | None,
) -> pd.DataFrame:
    rejected = np.flatnonzero(reasons != NO_REASON)
    columns = {
        "open_time": utc_index(rows.open_time[rejected]),
        "row": np.array(rows_as_json(frame.iloc[rejected]), dtype=object),
        "reason": reasons[rejected],
        "source": sources[rejected],
        "seen_at": utc_index(np.full(len(rejected), NO_TIME if now is None else now, dtype=np.int64)),
    }
    return pd.DataFrame(columns, columns=list(QUARANTINE_COLUMNS))


def rows_as_json(frame: pd.DataFrame) -> list[str]:
    """Return each row as received: its own column names, empty cells null, what JSON lacks as text."""
    cells = frame.astype(object).where(frame.notna(), None)
    names = [str(name) for name in frame.columns]
    return [
        json.dumps(dict(zip(names, map(_plain, row), strict=True)), ensure_ascii=False)
        for row in cells.itertuples(index=False, name=None)
    ]


def _plain(cell: object) -> object:
    if isinstance(cell, np.generic):
        cell = cell.item()
    if isinstance(cell, float) and not np.isfinite(cell):
        return str(cell)
    return cell if cell is None or isinstance(cell, str | int | float | bool) else str(cell)
