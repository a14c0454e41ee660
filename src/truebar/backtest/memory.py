"""Large arrays in few pages: touching fresh memory page by page takes longer than the loop that fills it."""

from __future__ import annotations

from typing import Final

import numpy as np

from truebar.arrays import FloatArray

HUGE_PAGE: Final = 2 * 1024 * 1024
"""Bytes. numpy asks for pages of this size for what it allocates; they begin at multiples of it."""


def empty(size: int) -> FloatArray:
    """Return float64[size] with any content; a large one begins at a huge page and ends within one.

    A year of minutes is 4 MB: 3 huge pages instead of 500 small ones beside 1 huge one.

    >>> empty(3).size, empty(400_000).ctypes.data % HUGE_PAGE
    (3, 0)
    """
    if size * 8 < HUGE_PAGE // 2:
        return np.empty(size)
    around = np.empty(size + 2 * HUGE_PAGE // 8)
    begin = -around.ctypes.data % HUGE_PAGE // 8
    return around[begin : begin + size]
