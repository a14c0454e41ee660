"""What is known about the klines of one partition: what was read and rejected, and where nothing traded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from truebar.bars import columns_of
from truebar.market.gaps import DELISTED_TAIL, HALTED, MISSING
from truebar.market.schema import FLOW_COLUMNS

LISTED_GAPS: Final = 12
"""Longest gaps that are listed one by one; the others are in the counts."""

HARMLESS_REASONS: Final = ("open_candle", "earlier_state_of_candle")
"""A candle that was still forming when it was exported is no fault of its source."""

_GAP_WORDS: Final = {
    MISSING: ("missing", "missing"),
    HALTED: ("halt", "halts"),
    DELISTED_TAIL: ("frozen stretch after the last trade", "frozen stretches after the last trade"),
}


@dataclass(frozen=True)
class Gap:
    """A stretch without a trade, from the open_time of its first bar to the close_time of its last."""

    start: pd.Timestamp
    end: pd.Timestamp
    bars: int
    reason: str


@dataclass(frozen=True)
class GapCount:
    """How many stretches of one reason there are, and how many bars in all."""

    stretches: int = 0
    bars: int = 0


@dataclass(frozen=True)
class KlinesQuality:
    """Everything that was found about published klines, in numbers.

    Attributes:
        bars: published bars.
        first_open_time: UTC; None without bars.
        last_close_time: UTC; None without bars.
        rejected: rows in quarantine by reason.
        holes: rejected rows that left a hole: no fault of a forming candle, and no good bar came later.
        gaps: by reason (`missing`, `halted`, `delisted_tail`).
        longest_gaps: the longest `LISTED_GAPS` of them, by start.
        zero_volume_bars: bars without a trade, whatever their prices do.
        moves: bars that close at another price than the bar before.
        absent_columns: measures that no bar has.
        imports: files and frames that were read.
        duplicates: rows that repeated another one exactly.
        out_of_order: rows after one with a later open_time.
        mixed_stamps: files whose open times are numbers in several units, with the counts of each.
        checksums_verified: files that had a CHECKSUM beside them; a wrong one is never read.
    """

    bars: int
    first_open_time: pd.Timestamp | None
    last_close_time: pd.Timestamp | None
    rejected: Mapping[str, int]
    holes: int
    gaps: Mapping[str, GapCount]
    longest_gaps: tuple[Gap, ...]
    zero_volume_bars: int
    moves: int
    absent_columns: tuple[str, ...] = ()
    imports: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    mixed_stamps: Mapping[str, str] = field(default_factory=dict)
    checksums_verified: int = 0

    def gap(self, reason: str) -> GapCount:
        """Return the count of one reason; zero where there is none."""
        return self.gaps.get(reason, GapCount())

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values; times are ISO 8601 texts."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    def sentences(self) -> tuple[str, ...]:
        """Return what was found, in words, the most important first."""
        if self.first_open_time is None or self.last_close_time is None:
            return ("There are no bars.",)
        told = [
            f"{self.bars:,} bars, {_minute(self.first_open_time)} to {_minute(self.last_close_time)} UTC.",
            _rejections(self.rejected),
            *(self._gap_sentence(reason) for reason in (MISSING, HALTED, DELISTED_TAIL)),
            *(
                f"{name} mixes stamps: {units}; each was read in its own."
                for name, units in self.mixed_stamps.items()
            ),
        ]
        if self.duplicates or self.out_of_order:
            told.append(
                f"{self.duplicates:,} rows repeated another exactly and {self.out_of_order:,} came late; "
                "one of each was kept, in order of time."
            )
        if self.absent_columns:
            told.append(
                f"The sources do not give {', '.join(self.absent_columns)}; features of them are missing."
            )
        if self.imports:
            met = (
                f"{self.checksums_verified:,} with a CHECKSUM and as it says"
                if self.checksums_verified
                else ""
            )
            told.append(f"{_counted(self.imports, 'import')}, {met or 'without a CHECKSUM'}.")
        return tuple(told)

    def _gap_sentence(self, reason: str) -> str:
        count = self.gap(reason)
        one, many = _GAP_WORDS[reason]
        if not count.stretches:
            return "No bar is missing." if reason == MISSING else f"No {one}."
        listed = [gap for gap in self.longest_gaps if gap.reason == reason]
        places = "; ".join(
            f"{_minute(gap.start)} to {_minute(gap.end)} ({_counted(gap.bars, 'bar')})" for gap in listed
        )
        more = count.stretches - len(listed)
        what = f"{_counted(count.bars, 'bar')} missing in {_counted(count.stretches, 'stretch')}"
        if reason != MISSING:
            noun = one if count.stretches == 1 else many
            what = f"{count.stretches:,} {noun}, {_counted(count.bars, 'bar')} in all"
        if not listed:
            return f"{what}, each shorter than the gaps listed."
        return f"{what}: {places}{f'; and {more:,} shorter ones' if more else ''}."


def klines_quality(
    bars: pd.DataFrame, *, quarantine: pd.DataFrame, gaps: pd.DataFrame, imports: pd.DataFrame
) -> KlinesQuality:
    """Return what is known about published klines.

    Args:
        bars: open_time, close_time, close, volume and `FLOW_COLUMNS`, ascending; may be empty.
        quarantine: open_time (NaT where it could not be read) and reason.
        gaps: start, end, bars, reason (see `truebar.market.find_gaps`).
        imports: file, duplicates, out_of_order, stamp_units and checksum_verified of each import; counts are
            NULL in imports of older versions.

    Raises:
        SchemaError: a column of the bars is missing.
    """
    close, volume = columns_of(bars, ("close", "volume"))
    by_reason = {str(reason): stretches for reason, stretches in gaps.groupby("reason")["bars"]}
    units = imports.set_index("file")["stamp_units"].fillna("")
    return KlinesQuality(
        bars=len(bars),
        first_open_time=None if bars.empty else bars["open_time"].iloc[0],
        last_close_time=None if bars.empty else bars["close_time"].iloc[-1],
        rejected={str(reason): int(rows) for reason, rows in quarantine["reason"].value_counts().items()},
        holes=unreplaced(quarantine, bars),
        gaps={reason: GapCount(len(found), int(found.sum())) for reason, found in by_reason.items()},
        longest_gaps=_longest(gaps),
        zero_volume_bars=int((volume == 0).sum()),
        moves=int((np.diff(close) != 0).sum()),
        absent_columns=tuple(name for name in FLOW_COLUMNS if not bars.empty and bars[name].isna().all()),
        imports=len(imports),
        duplicates=int(pd.to_numeric(imports["duplicates"]).sum()),
        out_of_order=int(pd.to_numeric(imports["out_of_order"]).sum()),
        mixed_stamps={str(file): str(text) for file, text in units.items() if "," in str(text)},
        checksums_verified=int(imports["checksum_verified"].eq(other=True).sum()),
    )


def unreplaced(quarantine: pd.DataFrame, bars: pd.DataFrame) -> int:
    """Return how many rejected rows left a hole: no fault of a forming candle, and no good bar came later.

    Args:
        quarantine: open_time (NaT where it could not be read) and reason.
        bars: open_time of the published bars.
    """
    harmful = ~quarantine["reason"].isin(HARMLESS_REASONS)
    return int((harmful & ~quarantine["open_time"].isin(bars["open_time"])).sum())


def _longest(gaps: pd.DataFrame) -> tuple[Gap, ...]:
    chosen = (
        gaps.sort_values(["bars", "start"], ascending=[False, True]).head(LISTED_GAPS).sort_values("start")
    )
    rows = zip(chosen["start"], chosen["end"], chosen["bars"], chosen["reason"], strict=True)
    return tuple(Gap(start, end, int(bars), str(reason)) for start, end, bars, reason in rows)


def _rejections(rejected: Mapping[str, int]) -> str:
    if not rejected:
        return "No row was rejected."
    listed = ", ".join(f"{rows:,} {reason}" for reason, rows in sorted(rejected.items()))
    return f"{sum(rejected.values()):,} rows were rejected: {listed}."


def _counted(count: int, noun: str) -> str:
    plural = noun + ("es" if noun.endswith("ch") else "s")
    return f"{count:,} {noun if count == 1 else plural}"


def _minute(time: pd.Timestamp) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time.second == 0 else f"{time:%Y-%m-%d %H:%M:%S}"


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
