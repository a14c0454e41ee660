"""Kernel of the family `flow`: who crosses the spread, buyers or sellers, lately and on average."""

from __future__ import annotations

from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.compiled import compiled_as_numpy, compiled_in_place
from truebar.feature_columns import SETTLED, TAKER_SPANS
from truebar.features.decaying import average_in, ema_factor, fade, is_known
from truebar.features.fields import SLOT, TAKER_VOLUME, VOLUME
from truebar.features.memory import (
    FIRST,
    HEADER_SIZE,
    RING_MASK,
    RING_SLOTS,
    blank_memory,
    clear_missing,
    step_to,
)
from truebar.features.sliding import (
    SPREAD_COUNT,
    TOTALS,
    is_complete,
    slide_spread,
    slide_sums,
    slider_size,
    spread_deviation,
    spread_mean,
    spread_size,
)

_KNOWN: Final = 0  # of the takers' volume
_VOLUME: Final = 1
_IMBALANCE: Final = 2  # bought less sold by takers
_SHARED: Final = 3  # 1 where something was traded, so that there is a share
_SHARE: Final = 4
_CHANNELS: Final = 5

_RING: Final = HEADER_SIZE
_SUMS_8: Final = _RING + RING_SLOTS * _CHANNELS
_SUMS_24: Final = _SUMS_8 + slider_size(8, 3)
_SUMS_96: Final = _SUMS_24 + slider_size(24, 3)
_SPREAD: Final = _SUMS_96 + slider_size(96, 3)
_AVERAGES: Final = _SPREAD + spread_size(96)  # weight and mean of each span
_SIZE: Final = _AVERAGES + 2 * len(TAKER_SPANS)

_FACTORS: Final = tuple(ema_factor(span) for span in TAKER_SPANS)
_SETTLED: Final = tuple(SETTLED[f"taker_share_{span}"] for span in TAKER_SPANS)

_OUT_SHARE: Final = 0
_OUT_IMBALANCE: Final = len(TAKER_SPANS)
_OUT_SCORE: Final = _OUT_IMBALANCE + 3


def blank() -> FloatArray:
    """Return the memory of a kernel that has seen no bar."""
    return blank_memory(_SIZE)


@compiled_as_numpy
def fold(memory: FloatArray, fields: FloatArray, out: FloatArray) -> None:
    """Bring the memory through n bars and write each bar's columns, float64[columns, n]."""
    for place in range(fields.shape[1]):
        update(memory, fields, place, out)


@compiled_in_place
def update(memory: FloatArray, fields: FloatArray, place: int, out: FloatArray) -> None:
    """Bring the memory to one bar and write its columns."""
    slot = int(fields[SLOT, place])
    steps = step_to(memory, slot)
    clear_missing(memory, _RING, _CHANNELS, slot, steps, 0.0)
    volume, bought = fields[VOLUME, place], fields[TAKER_VOLUME, place]
    known = not np.isnan(volume) and not np.isnan(bought)
    shared = known and volume > 0.0
    share = bought / volume if shared else np.nan
    entry = _RING + (slot & RING_MASK) * _CHANNELS
    memory[entry + _KNOWN] = 1.0 if known else 0.0
    memory[entry + _VOLUME] = volume if known else 0.0
    memory[entry + _IMBALANCE] = bought - (volume - bought) if known else 0.0
    memory[entry + _SHARED] = 1.0 if shared else 0.0
    memory[entry + _SHARE] = share if shared else 0.0
    age = slot - int(memory[FIRST])
    _write_averages(memory, steps, age, share, place, out)
    _write_windows(memory, slot, age, share, place, out)


@compiled_in_place
def _write_averages(
    memory: FloatArray, steps: int, age: int, share: float, place: int, out: FloatArray
) -> None:
    for k in range(len(TAKER_SPANS)):
        average = _AVERAGES + 2 * k
        fade(memory, average, _FACTORS[k], steps - 1)
        if np.isnan(share):
            fade(memory, average, _FACTORS[k], 1)
        else:
            average_in(memory, average, _FACTORS[k], share)
        is_settled = age >= _SETTLED[k] and is_known(memory, average)
        out[_OUT_SHARE + k, place] = memory[average + 1] if is_settled else np.nan


@compiled_in_place
def _write_windows(
    memory: FloatArray, slot: int, age: int, share: float, place: int, out: FloatArray
) -> None:
    slide_sums(memory, _SUMS_8, 8, 3, _RING, _CHANNELS, slot)
    slide_sums(memory, _SUMS_24, 24, 3, _RING, _CHANNELS, slot)
    slide_sums(memory, _SUMS_96, 96, 3, _RING, _CHANNELS, slot)
    out[_OUT_IMBALANCE, place] = _imbalance(memory, _SUMS_8, 8, age)
    out[_OUT_IMBALANCE + 1, place] = _imbalance(memory, _SUMS_24, 24, age)
    out[_OUT_IMBALANCE + 2, place] = _imbalance(memory, _SUMS_96, 96, age)
    slide_spread(memory, _SPREAD, 96, _RING, _CHANNELS, _SHARE, _SHARED, slot)
    deviation = spread_deviation(memory, _SPREAD)
    has_score = age >= 95 and is_complete(memory[_SPREAD + SPREAD_COUNT], 96) and deviation > 0.0
    out[_OUT_SCORE, place] = (share - spread_mean(memory, _SPREAD)) / deviation if has_score else np.nan


@compiled_in_place
def _imbalance(memory: FloatArray, slider: int, window: int, age: int) -> float:
    totals = slider + TOTALS
    volume = memory[totals + _VOLUME]
    if age < window - 1 or not is_complete(memory[totals + _KNOWN], window) or not volume > 0.0:
        return np.nan
    result: float = memory[totals + _IMBALANCE] / volume
    return result
