"""Features of bars: families of declared columns, each known at its bar's close."""

from truebar.features.family import Column, Family
from truebar.features.registry import FAMILIES, FEATURE_SETS, batch, families_of

__all__ = ["FAMILIES", "FEATURE_SETS", "Column", "Family", "batch", "families_of"]
