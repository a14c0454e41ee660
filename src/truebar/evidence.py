"""What a verdict rests on, as digests: change any of it and it is another verdict."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pandas as pd

from truebar.arrays import FloatArray, IntArray
from truebar.fingerprint import fingerprint
from truebar.history import History, concatenated
from truebar.times import NO_TIME, nanoseconds
from truebar.validation import Vault, vault_rows

TRADED_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Evidence:
    """The rows that a model learns from and is judged on, and their digests.

    Attributes:
        dev: labelled rows before the vault, purged.
        vault: labelled rows whose whole interval lies in the vault.
        purged_rows: labelled rows that reach over the vault's start.
        data_digest: of dev and vault: labels, features, and all that the vault's account reads.
        vault_digest: of the vault alone.
    """

    dev: IntArray
    vault: IntArray
    purged_rows: int
    data_digest: str
    vault_digest: str


def account_digest(bars: pd.DataFrame, history: History, vault: Vault) -> str:
    """Return the digest of what the account over the vault reads: bars, features, sigma and tau.

    Args:
        bars: klines that open in the vault.
        history: of the partition.
        vault: half-open interval.
    """
    content = sha256(nanoseconds(bars["open_time"]).tobytes())
    for name in TRADED_COLUMNS:
        content.update(np.ascontiguousarray(bars[name].to_numpy(dtype=np.float64, na_value=np.nan)).tobytes())
    open_time = nanoseconds(history.open_time)
    inside = np.flatnonzero((open_time >= vault.start.value) & (open_time < vault.end.value))
    return fingerprint([content.hexdigest(), history.inputs_digest(inside)])


def gather(history: History, bars: pd.DataFrame, vault: Vault) -> Evidence:
    """Return the evidence of one history and one vault.

    Args:
        history: of the partition.
        bars: klines that open in the vault.
        vault: registered or to be registered.

    Bars appended after the vault change nothing.

    Raises:
        TooFewRowsError: when dev or vault has no labelled row.
    """
    rows = vault_rows(history.open_time, history.labels["label_end"], vault)
    label_end = nanoseconds(history.labels["label_end"], "label_end", missing_allowed=True)
    up_to_end = int(np.count_nonzero((label_end != NO_TIME) & (label_end <= vault.end.value)))
    account = account_digest(bars, history, vault)
    return Evidence(
        dev=rows["dev"],
        vault=rows["vault"],
        purged_rows=up_to_end - len(rows["dev"]) - len(rows["vault"]),
        data_digest=fingerprint([history.digest(concatenated(rows["dev"], rows["vault"])), account]),
        vault_digest=fingerprint([history.digest(rows["vault"]), account]),
    )


def labels_within(history: History, vault: Vault) -> FloatArray:
    """Return the labels that end within the vault, NaN elsewhere; shape (n,).

    A label that ends later reads prices of the next vault.
    """
    label_end = nanoseconds(history.labels["label_end"], "label_end", missing_allowed=True)
    known = (label_end != NO_TIME) & (label_end <= vault.end.value)
    return np.where(known, history.label, np.nan)
