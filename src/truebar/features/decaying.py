"""Averages whose weights decay from bar to bar (EMA, Wilder), with an honest weight for what is missing.

An average with factor α gives the value k grid bars ago the weight α(1-α)^k. Bars that are missing, and
bars before the first one, have the same weight and no value: the average is that of the values there are,
and `weight` is the share of the whole weight that they hold. While it is below 95 %, as after a gap, the
average is not known: the rule of windows (one in twenty may be missing), for weights.

An average lies in the memory as: weight, then one value for each quantity that it is taken of.
"""

from __future__ import annotations

import math
from typing import Final

from truebar.arrays import FloatArray
from truebar.compiled import compiled_in_place

KNOWN_WEIGHT_MIN: Final = 0.95

FULL_WEIGHT: Final = 1.0 - 1e-12
"""More is as good as all of it: the division by it is left out."""

FORGOTTEN: Final = 1e-9
"""Weight of what lies before the first bar, below which an average no longer depends on where it began."""


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
    (30, 34)
    """
    if factor >= 1.0:
        return 0
    bars = 0
    while (1.0 + (factor * bars if twice else 0.0)) * (1.0 - factor) ** bars > FORGOTTEN:
        bars += 1
    return bars


@compiled_in_place
def fade(memory: FloatArray, average: int, factor: float, steps: int) -> None:
    """Let `steps` grid bars without a value pass."""
    if steps > 0:
        memory[average] *= math.pow(1.0 - factor, float(steps))


@compiled_in_place
def gain_of(memory: FloatArray, average: int, factor: float) -> float:
    """Let one bar with a value pass, and return by which share of its distance the average moves to it."""
    weight = memory[average] * (1.0 - factor) + factor
    memory[average] = weight
    if weight > FULL_WEIGHT:
        return factor
    share: float = factor / weight
    return share


@compiled_in_place
def average_in(memory: FloatArray, average: int, factor: float, value: float) -> float:
    """Let one bar with a value pass in an average of one quantity, and return the average."""
    mean = memory[average + 1] + gain_of(memory, average, factor) * (value - memory[average + 1])
    memory[average + 1] = mean
    result: float = mean
    return result


@compiled_in_place
def is_known(memory: FloatArray, average: int) -> bool:
    """Return whether the average rests on at least 95 % of its weight."""
    result: bool = memory[average] >= KNOWN_WEIGHT_MIN
    return result
