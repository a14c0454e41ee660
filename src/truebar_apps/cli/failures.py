"""What stopped some partitions of a command that worked on several."""

from __future__ import annotations

from collections.abc import Mapping

from truebar.errors import TruebarError, joined
from truebar.partitions import Partition


def raise_failures(failures: Mapping[Partition, TruebarError]) -> None:
    """Do nothing if there is no failure.

    Raises:
        TruebarError: the only one as it is, or one in place of all that names every partition.
    """
    found = list(failures.items())
    if len(found) == 1:
        raise found[0][1]
    if found:
        raise joined(
            [error for _, error in found], "\n".join(f"{partition}: {error}" for partition, error in found)
        )
