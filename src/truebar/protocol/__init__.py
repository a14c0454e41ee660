"""The protocol: from a recipe and rows to what is judged, and to what may trade (METHOD §5)."""

from truebar.protocol.deploying import LEAST_EDGE_CORRELATION, Guard, deploy_rows, guard_of
from truebar.protocol.fitting import (
    FittedRecipe,
    choose_calibration,
    cross_calibrated,
    fit_recipe,
    tune_thresholds,
)
from truebar.protocol.leakage import leakage_of
from truebar.protocol.registry import Look, RegisteredVault, VaultRegistry

__all__ = [
    "LEAST_EDGE_CORRELATION",
    "FittedRecipe",
    "Guard",
    "Look",
    "RegisteredVault",
    "VaultRegistry",
    "choose_calibration",
    "cross_calibrated",
    "deploy_rows",
    "fit_recipe",
    "guard_of",
    "leakage_of",
    "tune_thresholds",
]
