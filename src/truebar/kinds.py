"""The model kinds; each has a schema of tables, a group of assets and a folder of bundles of its name."""

from typing import Final

KINDS: Final[tuple[str, ...]] = ("xgboost",)
