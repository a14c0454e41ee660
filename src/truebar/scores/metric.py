"""One number with what it has to be read beside: no-skill value, interval, count, and why it is missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import SupportsFloat

UNDEFINED = "not a finite number"


def _finite(value: SupportsFloat | None) -> float | None:
    """Return `value` as a float, or None where it is missing, NaN or infinite."""
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


@dataclass(frozen=True)
class Metric:
    """A metric; `value` is None where it is undefined, and `reason` then says why.

    Attributes:
        value: the number, in the unit that the metric's name says; never NaN or infinite.
        no_skill: what the metric is without any skill on the same rows; None where there is no such thing.
        low: lower end of the 95 % interval.
        high: upper end of the 95 % interval.
        n: how many rows, bars or round trips the value rests on.
        reason: why the value is missing; None where it is there.

    >>> Metric(float("nan"), no_skill=0.5, n=3, reason="no row is up").to_json()["value"] is None
    True
    """

    value: float | None
    no_skill: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        for name in ("value", "no_skill", "low", "high"):
            object.__setattr__(self, name, _finite(getattr(self, name)))
        object.__setattr__(self, "n", None if self.n is None else int(self.n))
        if self.value is None:
            object.__setattr__(self, "reason", self.reason or UNDEFINED)
            object.__setattr__(self, "low", None)
            object.__setattr__(self, "high", None)
        else:
            object.__setattr__(self, "reason", None)

    @classmethod
    def undefined(cls, reason: str, *, no_skill: float | None = None, n: int | None = None) -> Metric:
        """Return a metric that could not be computed, with the reason."""
        return cls(None, no_skill=no_skill, n=n, reason=reason)

    def to_json(self) -> dict[str, float | int | str | None]:
        """Return the six fields as plain numbers, text and null."""
        return {
            "value": self.value,
            "no_skill": self.no_skill,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "reason": self.reason,
        }
