"""The choice of a calibration method: the simplest that is not clearly worse than the best."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray, Times
from truebar.calibration.cross_fitting import calibration_sides, cross_fit
from truebar.calibration.inputs import read_training_rows
from truebar.calibration.isotonic import FEWEST_ROWS
from truebar.calibration.methods import METHODS
from truebar.errors import ConfigurationError, TooFewRowsError
from truebar.scores.activity import log_loss_rows
from truebar.validation.significance import bootstrap_standard_error


def choose(
    candidates: Iterable[str],
    probabilities: npt.ArrayLike,
    labels: npt.ArrayLike,
    fold: npt.ArrayLike,
    *,
    mean_block_bars: float,
    open_time: Times | None = None,
    label_end: Times | None = None,
) -> str:
    """Return the simplest candidate whose log loss is within one standard error of the best (METHOD §5.2).

    Log losses are of the cross-fitted rows. The standard error is that of the mean difference from the best
    candidate, row by row, under the stationary bootstrap: the losses themselves differ far more from row to
    row than two calibrators do. It is computed without drawing, so that the choice depends on no seed.

    Args:
        candidates: of none, temperature, platt, isotonic; simple is in this order.
        probabilities: [n, 3] out-of-fold rows in time order, or a frame with p_down, p_flat, p_up. No NaN.
        labels: [n], -1, 0 or 1, no missing values.
        fold: [n], the number of the fold that the row was left out in.
        mean_block_bars: mean block of the bootstrap, in rows; at least twice the label's horizon.
        open_time: as in `cross_fit`.
        label_end: as in `cross_fit`.

    Isotonic is no candidate where the rows left for a fit are fewer than 10,000. The choice may be
    used from the last label_end of the rows given.

    Raises:
        ConfigurationError: when there is no candidate, an unknown one, or a block below one row.
        TooFewRowsError: when isotonic is the only candidate and there are too few rows for it.
        TruebarError: what `cross_fit` raises.
    """
    _, classes = read_training_rows(probabilities, labels)
    came = np.eye(3)[classes]
    sides = calibration_sides(fold, classes.size, open_time, label_end)
    times = {"open_time": open_time, "label_end": label_end}
    losses = {
        method: log_loss_rows(cross_fit(method, probabilities, labels, fold, **times), came)
        for method in _possible(candidates, min(int(others.sum()) for _, others in sides))
    }
    best = min(losses.values(), key=np.mean)
    return next(method for method, loss in losses.items() if _is_as_good(loss, best, mean_block_bars))


def _possible(candidates: Iterable[str], rows_left: int) -> list[str]:
    """Return the candidates that the fewest rows of a fit suffice for, the simplest first."""
    wanted = set(candidates)
    unknown = sorted(wanted - set(METHODS))
    if unknown or not wanted:
        raise ConfigurationError(
            f"the candidates for calibration are {sorted(wanted)}; expected some of {', '.join(METHODS)}."
        )
    possible = [
        method
        for method in METHODS
        if method in wanted and (method != "isotonic" or rows_left >= FEWEST_ROWS)
    ]
    if not possible:
        raise TooFewRowsError(
            f"isotonic is the only candidate and has {rows_left:,} rows beside one of the folds; expected "
            f"at least {FEWEST_ROWS:,}. Add a candidate, or use more rows."
        )
    return possible


def _is_as_good(loss: FloatArray, best: FloatArray, mean_block_bars: float) -> bool:
    """Return whether the mean loss is within one standard error of the difference from the best."""
    worse = loss - best
    return float(worse.mean()) <= bootstrap_standard_error(worse, mean_block=mean_block_bars)
