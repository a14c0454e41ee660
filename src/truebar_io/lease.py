"""A lease keeps two runs from working on one partition at once.

Writers of the warehouse queue on file locks; a whole run is refused instead, since two runs that interleave
their steps would each build on the other's half-finished work. The kernel frees the lock when its process
dies, so nothing has to be cleaned up after a kill.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from truebar.errors import PartitionBusyError
from truebar.partitions import Partition
from truebar_io.durable import is_locked, open_lock, take_lock
from truebar_io.home import Home

_PATIENCE_S: Final = 0.2


def _lease_path(home: Home, partition: Partition) -> Path:
    return home.leases / f"{partition.symbol}_{partition.timeframe}.lock"


@dataclass(frozen=True)
class Lease:
    """The right to work on one partition, held until `release` or the end of the process."""

    partition: Partition
    owner: str
    descriptor: int

    @classmethod
    def acquire(cls, home: Home, partition: Partition, owner: str) -> Self:
        """Take the lease or refuse.

        It is tried for 0.2 s, since who only asks whether it is taken (`is_leased`) holds it for a moment.

        Args:
            home: where the lock files lie; they are never deleted.
            partition: what is to be worked on.
            owner: who asks (a run's id), told to whoever is refused.

        Raises:
            PartitionBusyError: when another run holds it; the message names that run and its process.
        """
        path = _lease_path(home, partition)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = open_lock(path)
        if not take_lock(descriptor, patience_s=_PATIENCE_S):
            holder = os.read(descriptor, 1_000).decode("utf-8", "replace").strip() or "another run"
            os.close(descriptor)
            raise PartitionBusyError(
                f"{partition} is being worked on by {holder}; two runs on one partition would mix their "
                "results. Wait for that run to end, or stop it, then start this one again."
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"run {owner} (process {os.getpid()})\n".encode(), 0)
        return cls(partition, owner, descriptor)

    def release(self) -> None:
        """Give the partition back; others may take it at once, and nobody is told this owner any more."""
        os.ftruncate(self.descriptor, 0)
        os.close(self.descriptor)


def is_leased(home: Home, partition: Partition) -> bool:
    """Return whether some process holds the lease of `partition` now."""
    return is_locked(_lease_path(home, partition))
