"""What each derived table was made from, so that nothing is made twice and nothing stale passes for fresh."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib import metadata, resources
from typing import TYPE_CHECKING, Any, Final

from truebar.feature_columns import COLUMN_FAMILIES
from truebar.fingerprint import fingerprint

if TYPE_CHECKING:
    from truebar.partitions import Partition
    from truebar_io.warehouse import Warehouse

MATRIX_FAMILIES: Final = (*COLUMN_FAMILIES, "context")
"""Families of the matrix, in order: those of Python first, then dbt's."""

UPSTREAM: Final[dict[str, tuple[str, ...]]] = {
    **{f"features.{family}": ("market.klines",) for family in MATRIX_FAMILIES},
    "features.matrix": tuple(f"features.{family}" for family in MATRIX_FAMILIES),
    "labels.volatility": ("market.klines",),
    "labels.vol_scaled": ("market.klines", "labels.volatility"),
}
"""The tables that each derived table is computed from."""


CODE: Final = ("truebar", "truebar_io.stages", "truebar_io.studies")
"""Packages and modules that compute, or decide what is computed from what."""

PAGES: Final = ("truebar/reports/", "truebar_io.stages/report_parts.py", "truebar_io.stages/reporting.py")
"""What of them draws the reports and their index."""

SHOWS: Final = (*PAGES, "truebar/figures/", "truebar_io.stages/pictures.py")
"""What of them only draws what is computed: a page that looks otherwise makes no model stale."""

LIBRARIES: Final = ("numba", "numpy", "optuna", "pandas", "scikit-learn", "scipy", "xgboost")
"""Distributions whose version can change a number."""


def _sources(package: str) -> list[tuple[str, bytes]]:
    """Return name and content of every Python source of a package, or of a module."""
    parent, _, name = package.rpartition(".")
    if parent and (module := resources.files(parent) / f"{name}.py").is_file():
        return [(package, module.read_bytes())]
    root = resources.files(package)
    stack, found = [root], []
    while stack:
        for entry in stack.pop().iterdir():
            if entry.is_dir():
                stack.append(entry)
            elif entry.name.endswith(".py"):
                found.append((package + str(entry).removeprefix(str(root)), entry.read_bytes()))
    return sorted(found)


def computing_sources() -> list[tuple[str, bytes]]:
    """Return name and content of every Python source that can change a number, in a fixed order."""
    return [source for package in CODE for source in _sources(package) if not source[0].startswith(SHOWS)]


def drawing_sources() -> list[tuple[str, bytes]]:
    """Return name and content of every Python source that draws reports, in a fixed order."""
    return [source for package in CODE for source in _sources(package) if source[0].startswith(PAGES)]


def _digest(sources: list[tuple[str, bytes]], libraries: tuple[str, ...]) -> str:
    digest = sha256()
    for name, content in sources:
        digest.update(name.encode() + b"\0" + sha256(content).digest())
    for library in libraries:
        digest.update(f"{library}=={metadata.version(library)}".encode())
    return digest.hexdigest()


@cache
def code_digest() -> str:
    """Return a digest of the code that computes: truebar's sources, and the versions of the libraries."""
    return _digest(computing_sources(), LIBRARIES)


@cache
def page_digest() -> str:
    """Return a digest of the code that draws reports: truebar's sources, and the version of plotly."""
    return _digest(drawing_sources(), ("plotly",))


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
