"""What each derived table was made from, so that nothing is made twice and nothing stale passes for fresh."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from truebar.fingerprint import fingerprint

if TYPE_CHECKING:
    from truebar.partitions import Partition
    from truebar_io.warehouse import Warehouse

UPSTREAM: Final[dict[str, tuple[str, ...]]] = {
    "features.price": ("market.klines",),
    "features.context": ("market.klines",),
    "features.matrix": ("features.price", "features.context"),
    "labels.volatility": ("market.klines",),
    "labels.vol_scaled": ("market.klines", "labels.volatility"),
}
"""The tables that each derived table is computed from."""


@cache
def code_digest() -> str:
    """Return a digest of every Python source of the `truebar` package: the code that computes."""
    digest = sha256()
    root = resources.files("truebar")
    stack = [root]
    sources: list[tuple[str, bytes]] = []
    while stack:
        folder = stack.pop()
        for entry in folder.iterdir():
            if entry.is_dir():
                stack.append(entry)
            elif entry.name.endswith(".py"):
                sources.append((str(entry).removeprefix(str(root)), entry.read_bytes()))
    for name, content in sorted(sources):
        digest.update(name.encode() + b"\0" + sha256(content).digest())
    return digest.hexdigest()


def made_from(store: Warehouse, partition: Partition, table: str, *, code: str, settings: Any = None) -> str:
    """Return the fingerprint of what `table` would be computed from now.

    Args:
        store: the warehouse that holds the upstream tables.
        partition: whose tables.
        table: a derived table.
        code: digest of the code that computes it.
        settings: JSON value of the settings that it depends on.
    """
    summary = store.summary(partition)
    upstream = {name: summary[name].digest if name in summary else None for name in UPSTREAM[table]}
    return fingerprint({"table": table, "code": code, "settings": settings, "upstream": upstream})
