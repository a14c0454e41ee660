"""What dbt's manifest.json says of the project, read without importing dbt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final

from truebar.errors import ConfigurationError

SOURCE_SUFFIXES: Final = frozenset({".sql", ".yml", ".yaml", ".csv"})
SOURCE_FOLDERS: Final = ("models", "macros", "tests", "seeds")
STORED: Final = frozenset({"table", "incremental"})
"""Materializations that leave rows to publish; a view is gone with the workbench."""


@dataclass(frozen=True)
class Column:
    """One documented column of a model."""

    name: str
    data_type: str
    description: str
    sources: tuple[str, ...]
    """Columns of what the model reads that it is made from, as far as the project says so (`meta: from`)."""


@dataclass(frozen=True)
class Model:
    """One dbt model; `table` is its name in the warehouse and, with a slash, its asset key."""

    unique_id: str
    table: str
    description: str
    sql: str
    checksum: str
    is_stored: bool
    owners: tuple[str, ...]
    columns: tuple[Column, ...]
    reads: tuple[str, ...]
    """Tables it selects from: other models' and sources'."""


@dataclass(frozen=True)
class DataTest:
    """One dbt data test of one model."""

    unique_id: str
    name: str
    model: str
    """The table it judges."""

    description: str


@dataclass(frozen=True)
class Manifest:
    """The project as dbt understood it."""

    models: tuple[Model, ...]
    """Each after everything it reads."""

    tests: tuple[DataTest, ...]
    sources: tuple[str, ...]
    """Tables of the warehouse that the project reads."""


def source_files(project: Path) -> tuple[Path, ...]:
    """Return the files that decide what dbt builds, in a fixed order, without dbt's own outputs."""
    inside = (path for folder in SOURCE_FOLDERS for path in (project / folder).rglob("*"))
    found = [path for path in (*project.iterdir(), *inside) if path.suffix in SOURCE_SUFFIXES]
    return tuple(sorted(path for path in found if path.is_file() and not path.name.startswith(".")))


def project_digest(project: Path) -> str:
    """Return a fingerprint of the project's sources: 16 hex digits over names and contents.

    Raises:
        ConfigurationError: when `project` is not a dbt project.
    """
    if not (project / "dbt_project.yml").is_file():
        raise ConfigurationError(
            f"{project} holds no dbt_project.yml; expected the folder dbt_features of a truebar checkout."
        )
    digest = hashlib.sha256()
    for path in source_files(project):
        name, content = path.relative_to(project).as_posix().encode(), path.read_bytes()
        digest.update(b"%d:%s%d:%s" % (len(name), name, len(content), content))
    return digest.hexdigest()[:16]


def manifest_path(project: Path) -> Path:
    """Return where `dbt parse` leaves the manifest of `project`."""
    return project / "target" / "manifest.json"


def is_stale(project: Path) -> bool:
    """Return whether the manifest is missing or older than any source of the project.

    A folder counts too: its time moves when a file in it is added, renamed or deleted.
    """
    path = manifest_path(project)
    if not path.is_file():
        return True
    files = source_files(project)
    folders = {file.parent for file in files} - {project}
    newest = max((entry.stat().st_mtime_ns for entry in (*files, *folders)), default=0)
    return newest > path.stat().st_mtime_ns


def _columns(node: Mapping[str, Any]) -> tuple[Column, ...]:
    return tuple(
        Column(
            column["name"],
            column["data_type"] or "",
            column["description"].strip(),
            tuple(column["config"]["meta"].get("from", ())),
        )
        for column in node["columns"].values()
    )


def _in_order(nodes: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """Return the ids of the models, each after those it reads; ties by name, so that the order is stable."""
    sorter = TopologicalSorter(
        {unique_id: sorted(nodes[unique_id]["depends_on"]["nodes"]) for unique_id in sorted(nodes)}
    )
    return [unique_id for unique_id in sorter.static_order() if unique_id in nodes]


def read_manifest(path: Path) -> Manifest:
    """Return the models, data tests and sources that a manifest.json names.

    Raises:
        ConfigurationError: when the file is missing or is no dbt manifest.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        nodes, sources = content["nodes"], content["sources"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"dbt's manifest {path} cannot be read ({error}); run `make install`, which makes it."
        ) from error
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    tables = {key: f"{node['schema']}.{node['alias']}" for key, node in models.items()}
    tables |= {key: f"{node['schema']}.{node['identifier']}" for key, node in sources.items()}
    return Manifest(
        models=tuple(
            Model(
                unique_id=key,
                table=tables[key],
                description=models[key]["description"].strip(),
                sql=models[key]["raw_code"],
                checksum=models[key]["checksum"]["checksum"][:16],
                is_stored=models[key]["config"]["materialized"] in STORED,
                owners=tuple(models[key]["config"]["meta"].get("owners", ())),
                columns=_columns(models[key]),
                reads=tuple(tables[parent] for parent in models[key]["depends_on"]["nodes"]),
            )
            for key in _in_order(models)
        ),
        tests=tuple(
            DataTest(key, node["name"], tables[node["attached_node"]], node["description"].strip())
            for key, node in sorted(nodes.items())
            if node["resource_type"] == "test" and node.get("attached_node") in tables
        ),
        sources=tuple(sorted(tables[key] for key in sources)),
    )
