"""Volatility of bars: realized, parkinson, garman_klass, yang_zhang and atr (METHOD §1)."""

from truebar.volatility.estimators import ESTIMATORS, estimate, estimate_all

__all__ = ["ESTIMATORS", "estimate", "estimate_all"]
