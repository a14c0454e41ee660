"""The stationary bootstrap: resamples of rows in time order, as rows or as how often each row is drawn."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from truebar.compiled import compiled
from truebar.counts import whole_number
from truebar.errors import ConfigurationError

N_RESAMPLES: Final = 1_000
"""B of METHOD §6."""

CountArray = npt.NDArray[np.int32]
IndexArray = npt.NDArray[np.int64]


@compiled
def _length_scale(mean_block: float) -> float:
    """Return what an exponential number is multiplied with, so that 1 + its whole part is geometric.

    The whole part of E / λ is at least k with probability exp(-λk); a block goes on with 1 - 1/mean_block.
    """
    return -1.0 / math.log1p(-1.0 / mean_block) if mean_block > 1.0 else 0.0


@compiled
def _draw_counts(rows: int, mean_block: float, resamples: int, generator: np.random.Generator) -> CountArray:
    """Return int32[resamples, rows]: how often each row is drawn, blocks running round the end."""
    counts = np.zeros((resamples, rows), np.int32)
    scale = _length_scale(mean_block)
    for resample in range(resamples):
        steps = counts[resample]  # first where blocks begin and end, then summed up
        drawn = 0
        while drawn < rows:
            start = int(generator.random() * rows)
            length = min(1 + int(generator.standard_exponential() * scale), rows - drawn)
            drawn += length
            end = start + length
            steps[start] += 1
            if end < rows:
                steps[end] -= 1
            elif end > rows:
                steps[0] += 1
                steps[end - rows] -= 1
        running = np.int32(0)
        for row in range(rows):
            running += steps[row]
            steps[row] = running
    return counts


@compiled
def _draw_rows(rows: int, mean_block: float, resamples: int, generator: np.random.Generator) -> IndexArray:
    """Return int64[resamples, rows], the rows themselves, of the same draws as `_draw_counts`."""
    drawn_rows = np.empty((resamples, rows), np.int64)
    scale = _length_scale(mean_block)
    for resample in range(resamples):
        drawn = 0
        while drawn < rows:
            start = int(generator.random() * rows)
            length = min(1 + int(generator.standard_exponential() * scale), rows - drawn)
            before_end = min(length, rows - start)
            for step in range(before_end):
                drawn_rows[resample, drawn + step] = start + step
            for step in range(before_end, length):
                drawn_rows[resample, drawn + step] = start + step - rows
            drawn += length
    return drawn_rows


def checked_bootstrap(n_rows: int, mean_block: float, n_resamples: int) -> tuple[int, float, int]:
    """Return the three as the numbers that a bootstrap is drawn with.

    Raises:
        ConfigurationError: for counts that are no whole numbers of at least 1, or a block that is below 1 or
            not finite.
    """
    rows, resamples = whole_number("n_rows", n_rows, 1), whole_number("n_resamples", n_resamples, 1)
    if not 1 <= mean_block < math.inf:
        raise ConfigurationError(
            f"mean_block is {mean_block}; a stationary bootstrap of {rows} rows needs a finite number of at "
            "least 1 row."
        )
    return rows, float(mean_block), resamples


def stationary_bootstrap(
    n_rows: int, *, mean_block: float, n_resamples: int = N_RESAMPLES, generator: np.random.Generator
) -> IndexArray:
    """Return int64[n_resamples, n_rows], row indices of stationary-bootstrap resamples.

    Blocks begin at uniform rows, have geometric lengths of mean `mean_block`, and run round the end
    (Politis & Romano 1994). Take `values[indices]` and compute the statistic of each resample.

    Args:
        n_rows: rows in time order.
        mean_block: mean block length in rows, at least 1; see `mean_block_length`.
        n_resamples: B.
        generator: source of randomness; the same state gives the same resamples.

    Raises:
        ConfigurationError: for counts or a block below 1.

    >>> rows = stationary_bootstrap(5, mean_block=2, n_resamples=3, generator=np.random.default_rng(0))
    >>> rows.shape
    (3, 5)
    """
    return _draw_rows(*checked_bootstrap(n_rows, mean_block, n_resamples), generator)


def bootstrap_counts(
    n_rows: int, *, mean_block: float, n_resamples: int = N_RESAMPLES, generator: np.random.Generator
) -> CountArray:
    """Return int32[n_resamples, n_rows]: how often each resample of `stationary_bootstrap` has each row.

    The same generator state gives the same resamples in both forms; counts are faster where a statistic
    can weigh its rows. Same arguments and errors.
    """
    return _draw_counts(*checked_bootstrap(n_rows, mean_block, n_resamples), generator)
