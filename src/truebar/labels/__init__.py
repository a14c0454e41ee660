"""Labels of bars: the direction of the return over a horizon, in units of volatility (METHOD §1)."""

from truebar.labels.volatility_scaled import vol_scaled, vol_scaled_all

__all__ = ["vol_scaled", "vol_scaled_all"]
