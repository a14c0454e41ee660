"""Run the `truebar` command as a user does, in a process of its own, and say what it printed and took."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

import psutil

from truebar.scores.direction import found_share

CHECKOUT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = CHECKOUT / "benchmarks" / "results"
QUIET: Final = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOCK_MODEL_DEPENDENCIES": "false",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
"""As the Makefile has it."""

LOOK_S: Final = 0.25
GIB: Final = 1024**3


def run(
    arguments: Sequence[str], home: Path, settings: Mapping[str, str], *, cores: Sequence[int] | None = None
) -> tuple[dict[str, Any], dict[str, float]]:
    """Return what a command with --json printed, and what it took: wall and CPU seconds, most memory in GiB.

    Memory is that of the process and all its children together, looked at four times a second.

    Raises:
        SystemExit: when the command fails; its errors stand above.
    """
    command = [str(Path(sys.executable).with_name("truebar")), *arguments, "--json"]
    environment = os.environ | QUIET | {"TRUEBAR_HOME": str(home)} | dict(settings)
    load, began = os.getloadavg()[0], time.monotonic()
    with TemporaryFile() as output:  # a pipe that nobody reads would hold a long answer up
        process = psutil.Popen(command, cwd=CHECKOUT, env=environment, stdout=output)
        if cores is not None:
            process.cpu_affinity(list(cores))
        most, cpu_s = _watch(process)
        output.seek(0)
        printed = output.read()
    if process.wait():
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}; its errors stand above.")
    taken = {
        "load_before": load,
        "wall_s": time.monotonic() - began,
        "cpu_s": cpu_s,
        "most_memory_gib": most / GIB,
    }
    return json.loads(printed), taken


def _watch(process: psutil.Popen) -> tuple[int, float]:
    """Return the most bytes that a process held with its children, and the CPU seconds it had spent last."""
    most, cpu_s = 0, 0.0
    while process.poll() is None:
        try:
            family = [process, *process.children(recursive=True)]
            most = max(most, sum(each.memory_info().rss for each in family))
            cpu_s = max(cpu_s, sum(process.cpu_times()))
        except psutil.NoSuchProcess:
            continue
        time.sleep(LOOK_S)
    return most, cpu_s


def found_share_of(verdict: Mapping[str, Any]) -> float | None:
    """Return what share of a planted signal was found; None for a market without one.

    The oracle's AUC on one vault of SYN-NULL is luck: its ranking changes slowly, so that few rows count.
    """
    if verdict["symbol"] != "SYN-EDGE":
        return None
    best = (verdict.get("oracle") or {}).get("roc_auc")
    return found_share(verdict["metrics"]["roc_auc"]["value"], best)


def short(verdict: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return some metrics of a verdict as value, lower and upper end, rounded."""
    return {name: _rounded(verdict["metrics"][name]) for name in names}


def _rounded(metric: Mapping[str, Any]) -> list[float | None]:
    ends = (metric["value"], metric["low"], metric["high"])
    return [None if value is None else round(value, 5) for value in ends]


def recorded(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file of results; none where there is no file."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def record(path: Path, line: Mapping[str, Any]) -> None:
    """Append one line to a file of results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(line, allow_nan=False) + "\n")
