"""From values to places on a picture, and the round values at which an axis is marked."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from truebar.arrays import FloatArray


@dataclass(frozen=True)
class Scale:
    """A straight map of values onto one side of a picture.

    Attributes:
        low: value at `start`.
        high: value at `end`; above `low`.
        start: place of `low`, pixels.
        end: place of `high`, pixels.
    """

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: FloatArray, start: float, end: float, *, margin: float = 0.0) -> Scale:
        """Return the scale that shows all finite values, with a share of their range free at each side.

        Where there is none, or all are the same, a range of one around them.
        """
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        spread = (high - low) * margin if high > low else max(abs(high), 1.0) / 2
        return cls(low - spread, high + spread if high + spread > low - spread else low + 1.0, start, end)

    def place(self, value: float) -> float:
        """Return where a value stands, pixels."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, count: int = 5) -> list[float]:
        """Return about `count` round values within the scale, ascending.

        >>> Scale(0.0, 97.0, 0, 1).ticks()
        [0.0, 20.0, 40.0, 60.0, 80.0]
        """
        raw = (self.high - self.low) / count
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(power * factor for factor in (1.0, 2.0, 5.0, 10.0) if power * factor >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def shown(value: float) -> str:
    """Return a number as an axis shows it.

    >>> [shown(value) for value in (0.0, 12500.0, 0.25, 2e-05)]
    ['0', '12,500', '0.25', '2e-05']
    """
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
