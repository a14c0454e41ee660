"""Averages whose weights decay from slot to slot (EMA, Wilder), with an honest weight for what is missing.

An average with factor α gives the value k slots ago the weight α(1-α)^k. Values that are missing (NaN), and
those before the first bar, have the same weight and no value: the average is that of the values there are,
and `weight` is the share of the whole weight that they hold. While it is below 95 %, as after a gap, the
average is not known: the rule of windows (one in twenty may be missing), for weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_in_place, compiled_part
from truebar.features.memory import LEFT_OUT, ONE, SIZE, Layout, Size, SizeArray

KNOWN_WEIGHT_MIN: Final = 0.95

FULL_WEIGHT: Final = 1.0 - 1e-12
"""More is taken for all of it, 1: from there on an average only takes values in."""

FORGOTTEN: Final = 1e-9
"""Weight of what lies before the first bar, below which an average no longer depends on where it began."""

_INPUT, _MEAN, _KNOWN, _PLACE = range(4)
"""Columns of averages: row of values, row of means, row of what is known, place of weight and mean."""


@dataclass(frozen=True)
class Averages:
    """Averages that are taken together.

    Attributes:
        table: uint64[k, 4], for `average`.
        factors: float64[k], the α of each.
        mean_row: first row of the means; those of the others follow.
        known_row: first row of 1 where an average is known, NaN elsewhere.
    """

    table: SizeArray
    factors: FloatArray
    mean_row: int
    known_row: int


def averages(layout: Layout, taken: Sequence[tuple[int, float]]) -> Averages:
    """Return averages of rows of the work, each given with its α."""
    mean_row, known_row = layout.row(len(taken)), layout.row(len(taken))
    place = layout.place(2 * len(taken))
    table = [(row, mean_row + k, known_row + k, place + 2 * k) for k, (row, _) in enumerate(taken)]
    factors = np.array([factor for _, factor in taken])
    return Averages(np.array(table, dtype=np.uint64), factors, mean_row, known_row)


def ema_factor(span: int) -> float:
    """Return α of an exponential average over `span` bars, 2 / (span + 1)."""
    return 2.0 / (span + 1)


def wilder_factor(span: int) -> float:
    """Return α of Wilder's average over `span` bars, 1 / span (Wilder 1978)."""
    return 1.0 / span


def settled_bars(factor: float, *, twice: bool = False) -> int:
    """Return after how many bars the weight of what lies before them has fallen to `FORGOTTEN`.

    Args:
        factor: α.
        twice: for an average of an average, both with α: the weight is then (1 + αn)(1 - α)^n.

    >>> settled_bars(0.5), settled_bars(0.5, twice=True)
    (30, 35)
    """
    if factor >= 1.0:
        return 0
    bars = 0
    while (1.0 + (factor * bars if twice else 0.0)) * (1.0 - factor) ** bars > FORGOTTEN:
        bars += 1
    return bars


@compiled_part
def average(
    table: SizeArray, factors: FloatArray, memory: FloatArray, work: FloatArray, piece: IntArray
) -> None:
    """Bring averages through a piece.

    Writes the means, which say something even where they are not known, and the rows of what is known.
    """
    if piece[LEFT_OUT] > 0:
        for k in range(table.shape[0]):
            memory[table[k, _PLACE]] *= math.pow(1.0 - factors[k], float(piece[LEFT_OUT]))
    slots = Size(piece[SIZE])
    if slots > ONE and _are_full(table, memory, work, slots):
        _take_in(table, factors, memory, work, slots)
        return
    # Slot by slot: the averages of one slot do not wait for each other, as one average's slots do.
    for slot in range(slots):
        for k in range(table.shape[0]):
            place, factor, value = table[k, _PLACE], factors[k], work[table[k, _INPUT], slot]
            weight, mean = memory[place] * (1.0 - factor), memory[place + ONE]
            if not np.isnan(value):
                weight += factor
                weight = 1.0 if weight > FULL_WEIGHT else weight
                mean += factor / weight * (value - mean)
            memory[place], memory[place + ONE] = weight, mean
            work[table[k, _MEAN], slot] = mean
            work[table[k, _KNOWN], slot] = 1.0 if weight >= KNOWN_WEIGHT_MIN else np.nan


@compiled_in_place
def _are_full(table: SizeArray, memory: FloatArray, work: FloatArray, slots: Size) -> bool:
    """Return whether every average has all of its weight, and no value of the piece is missing."""
    for k in range(table.shape[0]):
        if memory[table[k, _PLACE]] < 1.0:
            return False
        values, missing = work[table[k, _INPUT]], 0
        for slot in range(slots):
            missing += np.isnan(values[slot])
        if missing > 0:
            return False
    return True


@compiled_in_place
def _take_in(
    table: SizeArray, factors: FloatArray, memory: FloatArray, work: FloatArray, slots: Size
) -> None:
    """Bring full averages through a piece: what `average` does, without asking for weights and values."""
    for slot in range(slots):
        for k in range(table.shape[0]):
            place = table[k, _PLACE] + ONE
            mean = memory[place]
            mean += factors[k] * (work[table[k, _INPUT], slot] - mean)
            memory[place] = work[table[k, _MEAN], slot] = mean
    for k in range(table.shape[0]):
        known = work[table[k, _KNOWN]]
        for slot in range(slots):
            known[slot] = 1.0
