"""Cells as received (numbers, texts, stamps of any unit) turned into float64 and nanoseconds."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from truebar.arrays import BoolArray, FloatArray, IntArray
from truebar.times import NO_TIME

_NANOSECONDS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
# Magnitude tells the unit of an integer stamp: each range is 1973-03-03 to 5138-11-16 in its unit, but for
# seconds, which start there, and nanoseconds, which end where int64 does (2262).
_MAGNITUDES: Final = ((1e8, "s"), (1e11, "ms"), (1e14, "us"), (1e17, "ns"))


def is_missing(values: pd.Series[Any]) -> BoolArray:
    """Return where a cell is null, NaN, NaT or an empty text."""
    missing = values.isna().to_numpy(dtype=np.bool_)
    if values.dtype == object or isinstance(values.dtype, pd.StringDtype):
        blank = [isinstance(value, str) and not value.strip() for value in values]
        missing = missing | np.array(blank, dtype=np.bool_)
    return missing


def to_float64(values: pd.Series[Any]) -> tuple[FloatArray, BoolArray]:
    """Return the cells as float64[n], and where a cell that is not empty is no number.

    Missing and unreadable cells are NaN; infinities are kept for the caller to judge.
    """
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return numbers, np.zeros(len(values), dtype=np.bool_)
    missing = is_missing(values)
    cells = values.astype(object).to_numpy(copy=True)
    cells[missing] = np.nan
    try:
        return cells.astype(np.float64), np.zeros(len(values), dtype=np.bool_)
    except (TypeError, ValueError):
        numbers = np.array([_float_or_nan(cell) for cell in cells], dtype=np.float64)
    named_nan = np.array([isinstance(c, str) and c.strip().lower() == "nan" for c in cells], dtype=np.bool_)
    return numbers, np.isnan(numbers) & ~missing & ~named_nan


def _float_or_nan(cell: object) -> float:
    try:
        return float(cell)  # type: ignore[arg-type]  # anything else than a number raises, which is the test
    except (TypeError, ValueError):
        return float("nan")


def to_nanoseconds(values: pd.Series[Any]) -> IntArray:
    """Return stamps as nanoseconds since 1970 UTC, int64[n]; `NO_TIME` where missing or unreadable.

    Accepts datetimes of any unit (naive ones are UTC), ISO 8601 texts, and numbers in s, ms, us or ns,
    each recognised by its own magnitude, so that units may be mixed. Day-month orders are never guessed.

    >>> import pandas as pd
    >>> to_nanoseconds(pd.Series([1735689600, 1735689600000, 1735689600000000]))
    array([1735689600000000000, 1735689600000000000, 1735689600000000000])
    """
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    if isinstance(values.dtype, np.dtype) and values.dtype.kind == "M":
        return _from_datetimes(values.to_numpy())
    if pd.api.types.is_integer_dtype(values.dtype):
        return _from_integers(values.to_numpy(dtype=np.int64, na_value=NO_TIME))
    if pd.api.types.is_float_dtype(values.dtype):
        return _from_floats(values.to_numpy(dtype=np.float64, na_value=np.nan))
    return _from_objects(values.astype(object))


def _from_datetimes(stamps: npt.NDArray[Any]) -> IntArray:
    unit, count = np.datetime_data(stamps.dtype)
    if unit not in _NANOSECONDS:
        stamps, unit, count = stamps.astype("datetime64[s]"), "s", 1
    return _scale(stamps.view(np.int64), _NANOSECONDS[unit] * count)


def _scale(ticks: IntArray, factor: int) -> IntArray:
    """Return ticks * factor; what does not fit int64 (before 1678, after 2262) is no time."""
    fits = np.abs(ticks) <= np.iinfo(np.int64).max // factor
    fits &= ticks != NO_TIME  # its absolute value overflows to itself
    return np.where(fits, np.where(fits, ticks, 0) * factor, NO_TIME)


def _from_integers(ticks: IntArray) -> IntArray:
    nanoseconds = np.full(len(ticks), NO_TIME, dtype=np.int64)
    for position, (low, unit) in enumerate(_MAGNITUDES):
        high = _MAGNITUDES[position + 1][0] if position + 1 < len(_MAGNITUDES) else np.inf
        chosen = (ticks >= low) & (ticks < high)
        nanoseconds[chosen] = ticks[chosen] * _NANOSECONDS[unit]
    return nanoseconds


def _from_floats(ticks: FloatArray) -> IntArray:
    """Return float stamps by their whole and fractional ticks: one product in float64 would round."""
    usable = np.isfinite(ticks) & (np.abs(ticks) < 2.0**63)
    whole = np.where(usable, np.floor(np.where(usable, ticks, 0.0)), 0.0)
    fraction = np.where(usable, ticks, 0.0) - whole
    nanoseconds = _from_integers(np.where(usable, whole, 0.0).astype(np.int64))
    for position, (low, unit) in enumerate(_MAGNITUDES):
        high = _MAGNITUDES[position + 1][0] if position + 1 < len(_MAGNITUDES) else np.inf
        chosen = (whole >= low) & (whole < high)
        nanoseconds[chosen] += np.rint(fraction[chosen] * _NANOSECONDS[unit]).astype(np.int64)
    return nanoseconds


def _from_objects(values: pd.Series[Any]) -> IntArray:
    cells = values.to_numpy()
    if set(map(type, cells)) <= {str, int}:  # a float among them would be cut to whole ticks without a word
        try:
            return _from_integers(cells.astype(np.int64))
        except (ValueError, OverflowError):
            pass  # at least one text is no whole number: cell by cell below
    numeric = np.array([_is_number(cell) for cell in cells], dtype=np.bool_)
    nanoseconds = np.full(len(cells), NO_TIME, dtype=np.int64)
    nanoseconds[numeric] = [_one_number(cell) for cell in cells[numeric]]
    texts = pd.Series(cells[~numeric], dtype=object)
    texts = texts.map(_date_text)
    parsed = pd.to_datetime(texts, utc=True, errors="coerce", format="ISO8601")
    nanoseconds[~numeric] = _from_datetimes(parsed.dt.tz_localize(None).to_numpy())
    return nanoseconds


def stamp_units(values: pd.Series[Any]) -> dict[str, int]:
    """Return how many stamps are in each unit that numbers were recognised to be in: s, ms, us, ns.

    Datetimes and ISO 8601 texts have no unit that could be mistaken, and are not counted.

    >>> import pandas as pd
    >>> stamp_units(pd.Series([1735689600000, 1735690500000000, "2025-01-01T00:30:00Z"]))
    {'ms': 1, 'us': 1}
    """
    if isinstance(values.dtype, pd.DatetimeTZDtype) or getattr(values.dtype, "kind", "") == "M":
        return {}
    ticks = to_float64(values)[0]
    edges = [low for low, _ in _MAGNITUDES]
    places = np.searchsorted(edges, ticks[np.isfinite(ticks)], side="right")
    counts = np.bincount(places, minlength=len(edges) + 1)[1:]
    return {unit: int(count) for (_, unit), count in zip(_MAGNITUDES, counts, strict=True) if count}


def _date_text(cell: object) -> object:
    """Return a text that starts with a digit as it is, without ` UTC`; other texts ("now") are no stamps."""
    if not isinstance(cell, str):
        return cell
    text = cell.strip().removesuffix(" UTC")
    return text if text[:1].isdigit() else None


def _is_number(cell: object) -> bool:
    return not isinstance(cell, bool) and not np.isnan(_float_or_nan(cell))


def _one_number(cell: object) -> int:
    """Return a numeric text or number as nanoseconds, through int where whole (float64 has 53 bits)."""
    try:
        ticks = int(str(cell))
    except ValueError:
        return int(_from_floats(np.array([_float_or_nan(cell)]))[0])
    if abs(ticks) > np.iinfo(np.int64).max:
        return NO_TIME
    return int(_from_integers(np.array([ticks], dtype=np.int64))[0])
