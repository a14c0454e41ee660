"""dbt in this process: parse the project once, then build it over one private database after another."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from truebar.errors import ConfigurationError, TransformError
from truebar_io.transforms.manifest import is_stale, manifest_path, project_digest

WORKBENCH_VARIABLE: Final = "TRUEBAR_WORKBENCH"
WORKBENCH_FILE: Final = "workbench.duckdb"
"""dbt writes the file's stem into the manifest as the database's name, so it is always this one."""

PASSED: Final = frozenset({"success", "pass", "warn"})
NodeKind = Literal["model", "test", "unit_test", "seed", "snapshot"]

_ONE_CALL: Final = threading.RLock()
"""dbt's connection, flags and environment belong to the whole process."""

_PARSED: Final[dict[Path, tuple[str, Any]]] = {}
"""Project folder → digest of its sources and what dbt made of them; parsing costs more than a build."""


@dataclass(frozen=True)
class NodeResult:
    """What became of one dbt node.

    Attributes:
        unique_id: dbt's name for it, as in the manifest.
        name: its short name.
        kind: model, test (of data) or unit_test (of SQL, over literal rows).
        status: dbt's word: success, pass, warn, error, fail or skipped.
        failures: rows that broke a data test; None for the rest.
        message: dbt's reason; None when there is none.
        seconds: time it took.
    """

    unique_id: str
    name: str
    kind: NodeKind
    status: str
    failures: int | None
    message: str | None
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether it did what it should; a skipped node did not."""
        return self.status in PASSED


@dataclass(frozen=True)
class BuildReport:
    """Every node of one build, in the order in which dbt finished them: each after what it depends on."""

    results: tuple[NodeResult, ...]

    @property
    def failed(self) -> tuple[NodeResult, ...]:
        """The nodes that failed or were skipped because another failed."""
        return tuple(result for result in self.results if not result.passed)

    @property
    def reason(self) -> str:
        """One sentence that names what failed and why; skipped nodes are only counted."""
        causes = [result for result in self.failed if result.status != "skipped"]
        skipped = len(self.failed) - len(causes)
        named = "; ".join(
            f"{result.kind} {result.name}: {' '.join((result.message or result.status).split())}"
            for result in causes
        )
        return f"dbt refused: {named}" + (f" ({skipped} skipped after that)" if skipped else "")

    def refuse_failures(self) -> None:
        """Do nothing if everything passed.

        Raises:
            TransformError: naming every node that failed.
        """
        if self.failed:
            raise TransformError(self.reason)


@contextmanager
def _environment(workbench: Path | None) -> Iterator[None]:
    """Point dbt's profile at `workbench` for one call; None: at the default of `make install`."""
    before = os.environ.pop(WORKBENCH_VARIABLE, None)
    if workbench is not None:
        os.environ[WORKBENCH_VARIABLE] = str(workbench)
    try:
        yield
    finally:
        os.environ.pop(WORKBENCH_VARIABLE, None)
        if before is not None:
            os.environ[WORKBENCH_VARIABLE] = before


def _invoke(arguments: Sequence[str], project: Path, outputs: Path, manifest: Any = None) -> Any:
    """Run one dbt command and return its result, also when nodes failed.

    Raises:
        TransformError: when dbt could not do the command at all.
    """
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 (2 CPU seconds, paid only where dbt runs)

    fixed = [
        *("--project-dir", str(project), "--profiles-dir", str(project)),
        *("--target-path", str(outputs / "target"), "--log-path", str(outputs / "logs")),
        *("--log-level", "none", "--log-level-file", "info", "--no-use-colors", "--no-version-check"),
        "--no-send-anonymous-usage-stats",
    ]
    outcome = dbtRunner(manifest=manifest).invoke([*arguments, *fixed])
    if outcome.exception is not None and not isinstance(outcome.exception, Exception):
        raise outcome.exception  # dbt hands back an interrupt as a result; it must stop the run
    if outcome.result is None:
        raise TransformError(
            f"dbt {arguments[0]} of {project.name} did not run: {outcome.exception}. "
            f"Its log lies in {outputs / 'logs'}."
        ) from outcome.exception
    return outcome.result


def _parse(project: Path, outputs: Path) -> Any:
    known = project / "target" / "partial_parse.msgpack"
    reuse = ("--partial-parse-file-path", str(known)) if known.is_file() else ()
    with _environment(None):
        return _invoke(["parse", *reuse], project, outputs)


def _parsed(project: Path, outputs: Path) -> Any:
    """Return the manifest of `project`, parsed once in this process and again when its sources change."""
    digest = project_digest(project)
    known = _PARSED.get(project)
    if known is None or known[0] != digest:
        known = _PARSED[project] = (digest, _parse(project, outputs))
    return known[1]


def build(project: Path, workbench: Path) -> BuildReport:
    """Run `dbt build` over `workbench`: models, data tests and unit tests; no exception for what fails.

    Args:
        project: folder of the dbt project.
        workbench: the private database, `<folder of the run>/workbench.duckdb`; dbt's logs and compiled SQL
            go beside it. Nothing may hold it open.

    Raises:
        ConfigurationError: when the file has another name.
        TransformError: when dbt could not start (the project does not parse, the file is locked).
    """
    if workbench.name != WORKBENCH_FILE:
        raise ConfigurationError(f"the workbench is called {workbench.name}; expected {WORKBENCH_FILE}.")
    project, outputs = project.resolve(), workbench.parent
    arguments = ["build", "--no-write-json", "--no-populate-cache"]
    with _ONE_CALL:
        manifest = _parsed(project, outputs)
        with _environment(workbench):
            outcome = _invoke(arguments, project, outputs, manifest)
    return BuildReport(
        tuple(
            NodeResult(
                unique_id=result.node.unique_id,
                name=result.node.name,
                kind=cast("NodeKind", str(result.node.resource_type)),
                status=str(result.status),
                failures=result.failures,
                message=result.message,
                seconds=result.execution_time,
            )
            for result in outcome.results
        )
    )


def ensure_manifest(project: Path) -> Path:
    """Return the path of an up-to-date manifest.json, made by `dbt parse` if there is none.

    `make install` makes it; this serves a checkout whose SQL was edited or pulled since. The file is replaced
    at once, so that processes that load at the same time never read half of it.

    Raises:
        ConfigurationError: when `project` is not a dbt project, or its folder cannot be written to.
        TransformError: when the project does not parse.
    """
    path = manifest_path(project)
    if not is_stale(project):
        return path
    digest = project_digest(project)
    try:
        path.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder, _ONE_CALL:
            _PARSED[project.resolve()] = (digest, _parse(project.resolve(), Path(folder)))
            (Path(folder) / "target" / path.name).replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} is missing or older than the project's sources, and cannot be made: {error}. "
            "Run `make install` where the folder can be written to."
        ) from error
    return path
