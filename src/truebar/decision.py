"""The decision at each close: enter, keep, flip or leave (METHOD §3).

One compiled step takes the position held and one row, and returns the position to hold. Tuning, backtest,
paper, live and the API all call it; the batch is the same step folded over the rows. Its only state is the
position, so that a restart needs nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray
from truebar.compiled import compiled
from truebar.config import PositionMode
from truebar.errors import ConfigurationError, SchemaError

MAY_HOLD: Final[dict[str, tuple[bool, bool]]] = {
    "long_short": (True, True),
    "long_only": (True, False),
    "short_only": (False, True),
}
"""(long, short) that each position mode allows."""


class EntryRule(Protocol):
    """Edges that open and close a position, in log-return units; `truebar.thresholds.Thresholds` is one."""

    @property
    def long(self) -> float:
        """Edge above which a long position is entered."""

    @property
    def short(self) -> float:
        """Edge of the short side above which a short position is entered."""

    @property
    def exit(self) -> float:
        """Edge of the side held below which it is left."""


@dataclass(frozen=True)
class FixedRule:
    """An entry rule given by its three numbers."""

    long: float
    short: float
    exit: float = 0.0


class StepRule(NamedTuple):
    """An entry rule and the sides that may be held, in the form that compiled code takes."""

    theta_long: float
    theta_short: float
    exit_edge: float
    may_long: bool
    may_short: bool


@compiled
def decide(side: int, edge_long: float, edge_short: float, rule: StepRule) -> int:
    """Return the side to hold, -1, 0 or 1, from the side held and the edges of both sides at one close.

    Flat: the side whose edge exceeds its threshold. In a position: flip if the other side's edge exceeds
    its threshold; else leave if the held side's edge is below the exit; else keep. An edge that is no finite
    number means flat. A side that may not be held is never entered, and left at once. Edges are log returns.
    """
    if not (math.isfinite(edge_long) and math.isfinite(edge_short)):
        return 0
    enter_long = rule.may_long and edge_long > rule.theta_long
    enter_short = rule.may_short and edge_short > rule.theta_short
    chosen = 0
    if side > 0 and rule.may_long:
        keep = edge_long >= rule.exit_edge
        chosen = -1 if enter_short else (1 if keep else 0)
    elif side < 0 and rule.may_short:
        keep = edge_short >= rule.exit_edge
        chosen = 1 if enter_long else (-1 if keep else 0)
    elif enter_long:
        chosen = 1
    elif enter_short:
        chosen = -1
    return chosen


@compiled
def _step(position: float, edge: float, funding: float, size: float, rule: StepRule) -> float:
    """Return the position to hold; its size is set where its side is entered and kept until it ends."""
    held = 1 if position > 0 else (-1 if position < 0 else 0)
    side = decide(held, edge - funding, funding - edge, rule)
    if side == held:
        return position
    # A side whose size at entry is zero or unknown is not entered.
    return side * size if side != 0 and size > 0 else 0.0


@compiled
def _fold(
    edge: FloatArray, funding: FloatArray, size: FloatArray, rule: StepRule, position: float
) -> FloatArray:
    """Return the position after each row, beginning with `position`."""
    out = np.empty(edge.size)
    for row in range(edge.size):
        position = _step(position, edge[row], funding[row], size[row], rule)
        out[row] = position
    return out


def step_rule(rule: EntryRule, position_mode: PositionMode) -> StepRule:
    """Return `rule` under `position_mode` for `decide`, after checking both.

    Raises:
        ConfigurationError: for a threshold that is negative or not finite, or an unknown mode.
    """
    numbers = (float(rule.long), float(rule.short), float(rule.exit))
    if not all(math.isfinite(number) for number in numbers) or numbers[0] < 0 or numbers[1] < 0:
        raise ConfigurationError(
            f"thresholds are long {rule.long}, short {rule.short}, exit {rule.exit}; expected finite "
            "log returns, with long and short not below zero."
        )
    if position_mode not in MAY_HOLD:
        raise ConfigurationError(f"position_mode {position_mode!r} is not one of {', '.join(MAY_HOLD)}.")
    return StepRule(*numbers, *MAY_HOLD[position_mode])


def _check_position(position: float) -> float:
    if not math.isfinite(position) or abs(position) > 1:
        raise ConfigurationError(f"the position held is {position}; expected a share of equity in [-1, 1].")
    return float(position)


def next_position(
    position: float,
    edge: float,
    rule: EntryRule,
    *,
    size: float = 1.0,
    funding: float = 0.0,
    position_mode: PositionMode = "long_short",
) -> float:
    """Return the position to hold after one close, a signed share of equity.

    Args:
        position: what is held, in [-1, 1]; the whole state of the decision.
        edge: e of this row, log return; NaN or infinite (an invalid prediction) means flat.
        rule: the thresholds, log returns.
        size: share of equity if a side is entered now, in (0, 1]; NaN or 0 means that none is.
        funding: g, funding expected over the horizon, positive for who is long, share of notional.
        position_mode: sides that may be held.

    Known at the close of the row's bar, filled at the next open.

    Raises:
        ConfigurationError: for thresholds, mode, size or position outside their bounds.

    >>> next_position(0.0, 0.004, FixedRule(0.003, 0.003), size=0.5)
    0.5
    >>> next_position(0.5, -0.001, FixedRule(0.003, 0.003), size=0.9)
    0.0
    """
    checked = step_rule(rule, position_mode)
    if not math.isnan(size) and not 0 <= size <= 1:
        raise ConfigurationError(f"size is {size}; expected a share of equity in [0, 1].")
    return float(_step(_check_position(position), edge, funding, size, checked))


def target_positions(
    edge: npt.ArrayLike,
    rule: EntryRule,
    *,
    size: float | npt.ArrayLike = 1.0,
    funding: float | npt.ArrayLike = 0.0,
    position_mode: PositionMode = "long_short",
    position: float = 0.0,
) -> FloatArray:
    """Return float64[n], `next_position` folded over the rows: what `truebar.backtest.run` trades.

    Args:
        edge: float[n], e of each row in time order; NaN or infinite means flat.
        rule: the thresholds, log returns.
        size: share of equity at entry, one number or float[n]; NaN or 0 means no entry.
        funding: g, one number or float[n].
        position_mode: sides that may be held.
        position: what is held before the first row.

    Row t is known at the close of bar t and filled at the open of bar t+1. No warm-up: the fold over the
    first rows does not depend on the later ones.

    Raises:
        ConfigurationError: for thresholds, mode, size or position outside their bounds.
        SchemaError: when the lengths differ.

    >>> target_positions([0.004, 0.001, -0.001, -0.004], FixedRule(0.003, 0.003)).tolist()
    [1.0, 1.0, 0.0, -1.0]
    """
    checked = step_rule(rule, position_mode)
    edges = np.ascontiguousarray(edge, dtype=np.float64)
    if edges.ndim != 1:
        raise SchemaError(f"edge has shape {edges.shape}; expected one value per bar.")
    sizes, costs = (np.asarray(values, dtype=np.float64) for values in (size, funding))
    for name, values in (("size", sizes), ("funding", costs)):
        if values.shape not in {(), edges.shape}:
            raise SchemaError(f"{name} has shape {values.shape}; expected one value, or {edges.size}.")
    if np.any((sizes < 0) | (sizes > 1)):
        raise ConfigurationError("a size is outside [0, 1]; expected shares of equity.")
    full_costs, full_sizes = (np.ascontiguousarray(np.broadcast_to(v, edges.shape)) for v in (costs, sizes))
    return _fold(edges, full_costs, full_sizes, checked, _check_position(position))
