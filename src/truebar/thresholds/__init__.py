"""Entry thresholds: the edge above which a position is taken (METHOD §3)."""

from truebar.thresholds.tuning import optimise
from truebar.thresholds.values import CurvePoint, Thresholds, at_cost

__all__ = ["CurvePoint", "Thresholds", "at_cost", "optimise"]
