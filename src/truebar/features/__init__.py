"""Features of bars: families of declared columns, each known at its bar's close, in batch and bar by bar."""

from truebar.feature_columns import Column
from truebar.features.batch import batch
from truebar.features.family import Family
from truebar.features.registry import FAMILIES, FEATURE_SETS, families_of
from truebar.features.stream import FeatureStream

__all__ = ["FAMILIES", "FEATURE_SETS", "Column", "Family", "FeatureStream", "batch", "families_of"]
