"""All five estimators in one pass over the bars (METHOD §1).

Slots are cut into blocks of one window, counted from 1970: a window is the end of one block and the beginning
of the next (van Herk 1992; Gil & Werman 1993, for extremes). Sums that run from the beginning of a block meet
sums that run to the end of the block before it. Nothing is ever subtracted: a value depends on the bars of
its window alone, wherever the history begins, and a huge bar leaves no trace after it has left. What is kept
between two blocks fits into the processor's cache, and that is where the speed comes from.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np

from truebar.arrays import FloatArray, IntArray
from truebar.compiled import compiled_as_numpy, compiled_in_place

Four: TypeAlias = tuple[FloatArray, FloatArray, FloatArray, FloatArray]
"""Open, high, low and close of each bar."""

Five: TypeAlias = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]
"""One array for each estimator."""

YANG_ZHANG, GARMAN_KLASS, PARKINSON, ATR, REALIZED = range(5)
"""Rows of the result, in the order of `truebar.config.Estimator`."""

MAX_MISSING_SHARE: Final = (1, 20)
"""At most one in twenty bars of a window may be missing."""

MIN_SIGMA_TICKS: Final = 0.1
"""Below a tenth of a tick over price, a volatility measures the price grid and nothing else."""

SIGMA_PER_RANGE: Final = math.sqrt(math.pi / 8)
"""Standard deviation of a Brownian path over its expected range (Feller 1951): makes ATR one of five."""

_PARKINSON_FACTOR: Final = 1 / (4 * math.log(2))
_CLOSE_FACTOR: Final = 2 * math.log(2) - 1
_SERIES_UP_TO: Final = 0.05

_OVERNIGHT, _WITHIN, _RETURN, _RANGE, _KLASS, _ROGERS = range(6)
"""Rows of a block's terms, in logs: o-c₋₁, c-o, (c-c₋₁)², (h-l)², Garman-Klass's and Rogers-Satchell's."""

_NIGHTS, _NIGHT_MEAN, _NIGHT_SQUARES, _MEAN, _SQUARES, _RETURNS, _RANGES, _KLASSES, _ROGERSES = range(9)
"""Rows of sums over bars: count, mean and squared deviations of o-c₋₁, the last two of c-o, four sums."""

_NONE, _OWN_BARS, _AND_ONE_BEFORE = range(3)
"""What a row's window is good for: nothing, estimators of its own bars, and those of the bar before too."""


@compiled_as_numpy
def five_estimators(
    slot: IntArray, prices: Four, volume: FloatArray, window: int, tick_size: float
) -> FloatArray:
    """Return float64[5, n], one row for each estimator, NaN where METHOD §1 gives no volatility.

    Args:
        slot: int64[n], ascending places on the grid.
        prices: checked prices.
        volume: of each bar; NaN is not zero.
        window: bars, at least 2.
        tick_size: smallest price step; 0 leaves the tick rule out.
    """
    sigma = np.empty((5, slot.size))
    longest = min(window, slot.size)
    terms, since = np.empty((6, longest)), np.zeros((9, longest + 1))
    places = np.empty((3, longest), dtype=np.int64)
    present, earlier, use = places[0], places[1], places[2]
    inverse = np.ones(window + 1)
    for count in range(2, window + 1):
        inverse[count] = 1 / count
    zero = 0 * window  # a bare 0 is a constant to numba, which then compiles each helper twice
    start, start_before, first, dead, wilder = zero, zero, zero, zero, 0.0
    while start < slot.size:
        end = _block_end(slot, start, window)
        size = end - start
        block = _rows_of(sigma, start, end)
        _set_terms(slot, prices, start, end, terms)
        least = zero + _AND_ONE_BEFORE
        for place in range(size):
            row = start + place
            dead += volume[row] == 0
            while slot[first] <= slot[row] - window:
                dead -= volume[first] == 0
                first += 1
            present[place] = row - first + 1
            # The last place of `since` stays zero, for windows that begin in their own block.
            earlier[place] = first - start_before if first < start else longest
            use[place] = _use_of(present[place], dead, slot[row] - slot[0], window)
            least = min(least, use[place])
        _set_squares(terms, since, present[:size], earlier, inverse, block)
        wilder = _set_wilder(slot, prices, start, end, window, wilder, block[ATR])
        _finish(block, use[:size], least, prices[3][start:end], tick_size)
        _sum_backward(terms, size, inverse, since)
        start_before, start = start, end
    return sigma


@compiled_as_numpy
def _rows_of(sigma: FloatArray, start: int, end: int) -> Five:
    """Return a block's part of each row; contiguous, unlike a part of all rows, and so faster."""
    part = slice(start, end)
    return sigma[0][part], sigma[1][part], sigma[2][part], sigma[3][part], sigma[4][part]


@compiled_in_place
def _block_end(slot: IntArray, start: int, window: int) -> int:
    """Return the first row after the block of row `start`."""
    last_slot = slot[start] - slot[start] % window + window - 1
    end = start + 1
    while end < slot.size and slot[end] <= last_slot:
        end += 1
    return end


@compiled_in_place
def _use_of(present: int, dead: int, age: int, window: int) -> int:
    """Return what a window is good for: it must be full, nearly complete, and mostly traded."""
    numerator, denominator = MAX_MISSING_SHARE
    complete = (window - present) * denominator <= window * numerator
    if age < window - 1 or not complete or dead * 2 > present:
        return _NONE
    return _OWN_BARS if age < window else _AND_ONE_BEFORE


@compiled_as_numpy
def _set_terms(slot: IntArray, prices: Four, start: int, end: int, terms: FloatArray) -> None:
    """Compute the terms of rows `start` … `end`-1; those that reach over a gap are NaN."""
    size, begin = end - start, max(start, 1)
    opened, close = prices[0][start:end], prices[3][start:end]
    night, within = terms[_OVERNIGHT][:size], terms[_WITHIN][:size]
    up, down = terms[_RANGE][:size], terms[_KLASS][:size]  # h-o and l-o, until their rows are due
    night[0] = np.nan
    _set_log_ratios(prices[0][begin:end], prices[3][begin - 1 : end - 1], night[begin - start :])
    _set_log_ratios(close, opened, within)
    _set_log_ratios(prices[1][start:end], opened, up)
    _set_log_ratios(prices[2][start:end], opened, down)
    returns, rogers = terms[_RETURN][:size], terms[_ROGERS][:size]
    for row in range(begin, end):
        if slot[row] - slot[row - 1] != 1:
            night[row - start] = np.nan
    # Two loops: one over all six rows has too many pairs that might overlap to be vectorised.
    for place in range(size):
        returns[place] = (night[place] + within[place]) * (night[place] + within[place])
    for place in range(size):
        move, high, low = within[place], up[place], down[place]
        # Rounding may leave a term that is zero in exact arithmetic a little below it.
        rogers[place] = max((high - move) * high + (low - move) * low, 0.0)
        squared = (high - low) * (high - low)
        up[place] = squared
        down[place] = max(squared / 2 - _CLOSE_FACTOR * (move * move), 0.0)


@compiled_as_numpy
def _set_log_ratios(above: FloatArray, below: FloatArray, out: FloatArray) -> None:
    """Set out = ln(above / below) = 2 artanh(s), s = (above - below) / (above + below).

    Up to a tenth the series is cut where its rest is under half a unit in the last place; beyond, the
    logarithm itself is taken. The difference of two logs would lose the digits that they share, and takes
    several times as long.
    """
    far = 0
    for place in range(out.size):
        s = (above[place] - below[place]) / (above[place] + below[place])
        q = s * s
        out[place] = 2 * s * (1 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q / 11)))))
        far += q > _SERIES_UP_TO * _SERIES_UP_TO
    if far > 0:
        for place in range(out.size):
            s = (above[place] - below[place]) / (above[place] + below[place])
            if s * s > _SERIES_UP_TO * _SERIES_UP_TO:
                smaller = min(above[place], below[place])
                size = math.log1p(abs(above[place] - below[place]) / smaller)
                out[place] = size if s > 0 else -size


@compiled_in_place
def _deviation(value: float, mean: float, squares: float, share: float) -> tuple[float, float]:
    """Return mean and squared deviations with one more value, 1/share of them (Welford 1962)."""
    delta = value - mean
    mean += delta * share
    return mean, squares + delta * (value - mean)


@compiled_as_numpy
def _sum_backward(terms: FloatArray, size: int, inverse: FloatArray, since: FloatArray) -> None:
    """Sum the terms from each bar to the end of its block."""
    nights, night_mean, night_squares, mean, squares = 0, 0.0, 0.0, 0.0, 0.0
    returns, ranges, klasses, rogerses = 0.0, 0.0, 0.0, 0.0
    for back in range(size):
        place = size - 1 - back
        overnight = terms[_OVERNIGHT, place]
        if not np.isnan(overnight):
            nights += 1
            night_mean, night_squares = _deviation(overnight, night_mean, night_squares, inverse[nights])
            returns += terms[_RETURN, place]
        mean, squares = _deviation(terms[_WITHIN, place], mean, squares, inverse[back + 1])
        ranges += terms[_RANGE, place]
        klasses += terms[_KLASS, place]
        rogerses += terms[_ROGERS, place]
        since[_NIGHTS, place], since[_NIGHT_MEAN, place] = nights, night_mean
        since[_NIGHT_SQUARES, place], since[_MEAN, place], since[_SQUARES, place] = (
            night_squares,
            mean,
            squares,
        )
        since[_RETURNS, place], since[_RANGES, place] = returns, ranges
        since[_KLASSES, place], since[_ROGERSES, place] = klasses, rogerses


@compiled_as_numpy
def _set_squares(
    terms: FloatArray,
    since: FloatArray,
    present: IntArray,
    earlier: IntArray,
    inverse: FloatArray,
    sigma: Five,
) -> None:
    """Set the squares of the four windowed estimators; κ from Yang & Zhang (2000), equation 11.

    Sums from the beginning of the block are joined with those to the end of the block before.
    """
    window = inverse.size - 1
    kappa = 0.34 / (1.34 + (window + 1) / (window - 1))
    nights, night_mean, night_squares, mean, squares = 0, 0.0, 0.0, 0.0, 0.0
    returns, ranges, klasses, rogerses = 0.0, 0.0, 0.0, 0.0
    for place in range(present.size):
        overnight = terms[_OVERNIGHT, place]
        if not np.isnan(overnight):
            nights += 1
            night_mean, night_squares = _deviation(overnight, night_mean, night_squares, inverse[nights])
            returns += terms[_RETURN, place]
        mean, squares = _deviation(terms[_WITHIN, place], mean, squares, inverse[place + 1])
        ranges += terms[_RANGE, place]
        klasses += terms[_KLASS, place]
        rogerses += terms[_ROGERS, place]
        old, bars = earlier[place], present[place]
        share = inverse[bars]
        old_nights = int(since[_NIGHTS, old])
        within = _variance(
            place + 1, mean, bars - place - 1, since[_MEAN, old], squares + since[_SQUARES, old], inverse
        )
        between = _variance(
            nights, night_mean, old_nights, since[_NIGHT_MEAN, old],
            night_squares + since[_NIGHT_SQUARES, old], inverse,
        )  # fmt: skip
        drift_free = (rogerses + since[_ROGERSES, old]) * share
        sigma[YANG_ZHANG][place] = between + kappa * within + (1 - kappa) * drift_free
        sigma[GARMAN_KLASS][place] = (klasses + since[_KLASSES, old]) * share
        sigma[PARKINSON][place] = (ranges + since[_RANGES, old]) * share * _PARKINSON_FACTOR
        count = nights + old_nights
        sigma[REALIZED][place] = (returns + since[_RETURNS, old]) * inverse[count] if count > 0 else np.nan


@compiled_in_place
def _variance(
    one: int, one_mean: float, other: int, other_mean: float, squares: float, inverse: FloatArray
) -> float:
    """Return the sample variance of two groups from counts, means and squares (Chan et al. 1979)."""
    count = one + other
    if count < 2:
        return np.nan
    delta = one_mean - other_mean
    return float((squares + delta * delta * (one * other * inverse[count])) * inverse[count - 1])


@compiled_as_numpy
def _set_wilder(
    slot: IntArray, prices: Four, start: int, end: int, window: int, value: float, sigma: FloatArray
) -> float:
    """Set Wilder's ATR (1978) over close and √(8/π) for rows `start` … `end`-1; return its last value.

    Seeded at row n with the mean true range of rows 1 … n, then ATR + (TR - ATR)/n. The true range of the
    first bar after a gap is its own high - low: what happened across the gap is left out. NaN before row n.
    """
    high, low, close = prices[1][start:end], prices[2][start:end], prices[3][start:end]
    slots, share = slot[start:end], 1 / window
    for place in range(end - start):
        sigma[place] = high[place] - low[place]
    for place in range(1, end - start):
        last = close[place - 1]
        reach = max(abs(high[place] - last), abs(low[place] - last))
        follows = slots[place] - slots[place - 1] == 1
        sigma[place] = max(sigma[place], reach) if follows else sigma[place]
    if start > 0 and slot[start] - slot[start - 1] == 1:
        last = prices[3][start - 1]
        sigma[0] = max(sigma[0], abs(high[0] - last), abs(low[0] - last))
    for place in range(end - start):
        row = start + place
        if row > window:
            value += (sigma[place] - value) * share
        elif row > 0:
            value += sigma[place] * share
        sigma[place] = value if row >= window else np.nan
    for place in range(end - start):
        sigma[place] *= SIGMA_PER_RANGE / close[place]
    return value


@compiled_as_numpy
def _finish(sigma: Five, use: IntArray, least: int, close: FloatArray, tick_size: float) -> None:
    """Take the roots; blank what a window is not good for and what is below a tenth of a tick over price."""
    for estimator in range(5):
        values = sigma[estimator]
        own_bars = estimator == GARMAN_KLASS or estimator == PARKINSON  # noqa: PLR1714 (numba has no `in`)
        needed = _OWN_BARS if own_bars else _AND_ONE_BEFORE
        if estimator != ATR:
            for place in range(use.size):
                values[place] = math.sqrt(values[place])
        if least < needed:
            for place in range(use.size):
                values[place] = values[place] if use[place] >= needed else np.nan
        if tick_size > 0:
            for place in range(use.size):
                if values[place] < MIN_SIGMA_TICKS * tick_size / close[place]:
                    values[place] = np.nan
