"""Every feature family with its kernel, and the sets of families that models read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from truebar.errors import ConfigurationError
from truebar.feature_columns import COLUMN_FAMILIES
from truebar.features import averages, flow, kernels, price, volatility, volume
from truebar.features.family import Family

FAMILIES: Final[Mapping[str, Family]] = MappingProxyType(
    {
        name: Family(COLUMN_FAMILIES[name], number, kernel.blank, kernel.fold, kernel.OUT)
        for name, number, kernel in (
            ("price", kernels.PRICE, price),
            ("averages", kernels.AVERAGES, averages),
            ("volatility", kernels.VOLATILITY, volatility),
            ("volume", kernels.VOLUME, volume),
            ("flow", kernels.FLOW, flow),
        )
    }
)
"""Families by name; their order is the order of the columns in `features.matrix`."""

FEATURE_SETS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"core": tuple(FAMILIES)})
"""Families of each feature set, in order. The name of a family stands for the set of it alone."""


def families_of(feature_set: str) -> tuple[Family, ...]:
    """Return the families of a feature set, or of the set of one family, in order.

    Raises:
        ConfigurationError: for an unknown set; the message lists the known ones.
    """
    names = FEATURE_SETS.get(feature_set, (feature_set,))
    if not set(names) <= set(FAMILIES):
        raise ConfigurationError(
            f"feature set {feature_set!r} is unknown; expected one of "
            f"{', '.join([*FEATURE_SETS, *FAMILIES])}."
        )
    return tuple(FAMILIES[name] for name in names)
