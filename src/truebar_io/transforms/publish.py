"""Build the dbt project over copies of some partitions and publish what it stored, or nothing at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from truebar.errors import MissingDataError, TransformError, TruebarError
from truebar.partitions import Partition
from truebar_io.home import Home
from truebar_io.lineage import made_from
from truebar_io.transforms.build import BuildReport, build, ensure_manifest
from truebar_io.transforms.manifest import project_digest, read_manifest
from truebar_io.transforms.workbench import discard, workbench
from truebar_io.warehouse import Warehouse, WriteResult, copy_tables, read_workbench


@dataclass(frozen=True)
class Transformed:
    """What one build did.

    Attributes:
        report: every dbt node; empty when no partition had the tables to build from.
        written: stored table → partition → what was published; empty when any node failed.
        refused: partition → why it has no new table.
    """

    report: BuildReport
    written: Mapping[str, Mapping[Partition, WriteResult]]
    refused: Mapping[Partition, TruebarError]


def _lacking(store: Warehouse, partition: Partition, tables: Sequence[str]) -> MissingDataError | None:
    missing = [table for table in tables if not store.has(partition, table)]
    if not missing:
        return None
    return MissingDataError(
        f"{partition}: dbt reads {', '.join(missing)}, not there yet; materialize it first."
    )


def _publish(
    store: Warehouse, path: Path, table: str, sources: Mapping[Partition, str]
) -> tuple[dict[Partition, WriteResult], dict[Partition, TruebarError]]:
    """Publish one table of the workbench for each partition of `sources`; one's failure stays its own."""
    written: dict[Partition, WriteResult] = {}
    refused: dict[Partition, TruebarError] = {}
    frames = read_workbench(path, table)
    for partition, source in sources.items():
        try:
            if partition not in frames:
                raise MissingDataError(f"{partition}: dbt made no row of {table}; its klines have none.")
            written[partition] = store.write(
                partition, table, frames[partition], mode="replace", made_from=source
            )
        except TruebarError as error:
            refused[partition] = error
    return written, refused


def transform(
    store: Warehouse,
    home: Home,
    project: Path,
    partitions: Iterable[Partition],
    *,
    run_id: str,
    tables: Collection[str] | None = None,
) -> Transformed:
    """Build every model and test over `partitions` in one dbt call, then publish partition by partition.

    A data test judges all partitions together: when one node fails, no partition gets a new table, and the
    run's folder stays to be looked at. A partition that lacks a table is left out and refused by name, and so
    is one whose write fails; the others are published.

    Args:
        store: read from and written to; dbt sees only a copy.
        home: where the run's private folder lies.
        project: folder of the dbt project.
        partitions: what to build for.
        run_id: names the private folder.
        tables: which stored tables to publish; all by default, none to judge only.

    Raises:
        ConfigurationError: when `project` is not a dbt project or `run_id` cannot name a folder.
        TransformError: when dbt could not start.
        PartitionBusyError: when the same run builds already.
    """
    manifest = read_manifest(ensure_manifest(project))
    lacking = {partition: _lacking(store, partition, manifest.sources) for partition in partitions}
    refused: dict[Partition, TruebarError] = {key: error for key, error in lacking.items() if error}
    ready = [partition for partition in lacking if partition not in refused]
    written: dict[str, dict[Partition, WriteResult]] = {}
    if not ready:
        return Transformed(BuildReport(()), written, refused)
    # Taken before the copy: klines that change in between leave the new table stale, never falsely fresh.
    code = project_digest(project)
    sources = {
        model.table: {partition: made_from(store, partition, model.table, code=code) for partition in ready}
        for model in manifest.models
        if model.is_stored and (tables is None or model.table in tables)
    }
    with workbench(home, run_id) as path:
        copy_tables(store, ready, list(manifest.sources), path)
        report = build(project, path)
        if report.failed:
            refused |= dict.fromkeys(ready, TransformError(report.reason))
        else:
            for table, made in sources.items():
                written[table], failures = _publish(store, path, table, made)
                refused |= failures
            discard(path)
    return Transformed(report, written, refused)
