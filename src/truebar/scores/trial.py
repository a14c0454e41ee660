"""The score of a trial: how much of the return its edge explains, by a yardstick no trial can change."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from truebar.arrays import floats
from truebar.errors import CorruptDataError, SchemaError, TooFewRowsError

LARGEST_RETURN: Final = 5.0
"""Returns are clipped at so many volatilities of the horizon: one crash is no better a judge than ten."""

LARGEST_EDGE: Final = 3.0
"""Edges are clipped at so many volatilities of the horizon."""


def trial_score(future_return: npt.ArrayLike, edge: npt.ArrayLike, yardstick: npt.ArrayLike) -> float:
    """Return the out-of-fold R² of the implied edge, 1 - Σ(z - ẑ)² / Σz² (METHOD §4).

    z = clip(future_return / yardstick, ±5) and ẑ = clip(edge / yardstick, ±3). 0 is no skill: an edge of zero
    everywhere. Below 0 is overconfidence: the edge is further off than zero would be. 1 is reached only by
    an edge that equals the return on every row, all returns within 3 yardsticks. There are no costs in it:
    they belong to the thresholds. Every edge moves it, so that a search never sees a plateau: only edges
    beyond 3 yardsticks are as good as those at 3.

    Args:
        future_return: float[n], log return over the horizon of h bars.
        edge: float[n], implied edge of the row out of fold, log return, with m of the fold's training side
            (`truebar.edge.implied_edge`).
        yardstick: float[n], s·√h, log return: s is the realized volatility per bar of the last 96 bars,
            whatever estimator the trial uses.

    Give the rows that are valid for every k and estimator on offer, so that all trials are judged on the
    same ones. A row without a finite return, edge or yardstick is refused, not left out: a trial could
    choose the rows it is judged on. The score may be used from the last label_end of the rows on.

    Raises:
        SchemaError: when lengths differ.
        CorruptDataError: when a value is missing or infinite, or a yardstick not positive.
        TooFewRowsError: without rows, or where no return differs from zero.

    >>> round(trial_score([0.02, -0.01], [0.01, -0.01], [0.01, 0.01]), 3)
    0.8
    """
    returns, edges, scales = floats(future_return), floats(edge), floats(yardstick)
    if returns.ndim != 1 or not returns.shape == edges.shape == scales.shape:
        raise SchemaError(
            f"future_return, edge and yardstick have shapes {returns.shape}, {edges.shape} and "
            f"{scales.shape}; expected three columns of the same rows."
        )
    for name, values in (("future_return", returns), ("edge", edges), ("yardstick", scales)):
        bad = ~np.isfinite(values) | ((values <= 0) if name == "yardstick" else False)
        if bad.any():
            raise CorruptDataError(
                f"{name} cannot be scored in {np.count_nonzero(bad)} of {bad.size} rows, first in row "
                f"{int(np.argmax(bad))} ({values[np.argmax(bad)]}). Give only rows that are valid for every "
                "k and estimator, each with a valid prediction."
            )
    came = np.clip(returns / scales, -LARGEST_RETURN, LARGEST_RETURN)
    said = np.clip(edges / scales, -LARGEST_EDGE, LARGEST_EDGE)
    total = float(came @ came)
    if total == 0:
        raise TooFewRowsError(
            f"none of {came.size} returns differs from zero, so there is nothing to explain."
        )
    return 1.0 - float((came - said) @ (came - said)) / total
