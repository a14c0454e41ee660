"""Splits that cannot leak: purged from the labels' own ends, embargoed, with a vault nobody has seen."""

from truebar.validation.beside import training_beside
from truebar.validation.dev_vault import dev_vault
from truebar.validation.purged import CombinatorialPurgedKFold, PurgedKFold
from truebar.validation.splits import default_embargo_bars
from truebar.validation.timeline import timeline
from truebar.validation.vaults import Vault, next_vault, vault_rows
from truebar.validation.walk_forward import PurgedWalkForward

__all__ = [
    "CombinatorialPurgedKFold",
    "PurgedKFold",
    "PurgedWalkForward",
    "Vault",
    "default_embargo_bars",
    "dev_vault",
    "next_vault",
    "timeline",
    "training_beside",
    "vault_rows",
]
