"""What a training on the data of now would rest on: request, history, rows, vault and their digests."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from truebar.evidence import Evidence, gather
from truebar.fingerprint import fingerprint
from truebar.history import History
from truebar.models.recipe import Request
from truebar.partitions import Partition
from truebar.validation import Vault
from truebar_io.configuration import Configuration
from truebar_io.lineage import code_digest
from truebar_io.stages.history import current_vault, load_bars, load_history, request_of
from truebar_io.warehouse import Warehouse


@dataclass(frozen=True, eq=False)
class Plan:
    """What is asked for, and the data it is asked of.

    Attributes:
        request: what is fixed and what is on offer.
        bars: all klines.
        history: features, and the labels of the request, of the same rows.
        vault: what is kept from all work before the verdict; it may not be registered yet.
        evidence: rows of dev and vault, and their digests.
    """

    request: Request
    bars: pd.DataFrame
    history: History
    vault: Vault
    evidence: Evidence

    @property
    def training(self) -> str:
        """What tells two trainings apart: request, data and code."""
        return fingerprint([self.request.digest(), self.evidence.data_digest, code_digest()])

    @property
    def study(self) -> str:
        """Name of the study of this training, whatever number of trials is asked for."""
        return self.training[:16]


def plan_of(store: Warehouse, partition: Partition, settings: Configuration) -> Plan:
    """Return the plan of a training on the data and the configuration of now."""
    label = settings.data.labels.for_partition(partition)
    bars = load_bars(store, partition)
    history = load_history(store, partition, label, bars)
    request = request_of(settings, partition, history.feature_columns)
    vault = current_vault(store, partition, history, request.validation.vault)
    return Plan(request, bars, history, vault, evidence_on(bars, history, vault))


def evidence_on(bars: pd.DataFrame, history: History, vault: Vault) -> Evidence:
    """Return the rows and digests that a training or a verdict on this vault rests on."""
    inside = (bars["open_time"] >= vault.start) & (bars["open_time"] < vault.end)
    return gather(history, bars[inside], vault)
