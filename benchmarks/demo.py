"""What `truebar demo` takes on a fresh home: wall and CPU seconds of each stage, memory, and its verdicts.

    python benchmarks/demo.py [--record]

One run in a process of its own, with the settings of the checkout and machine code as it is cached. Limits of
the demo on 2 cores: 4 minutes, 4 GiB, and 75 CPU seconds for Dagster and dbt together; found share of
SYN-EDGE at least 0.80. `--record` appends a line to `results/demo.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from truebar_apps.cli.stage_clock import StageTime, orchestration_of, orchestration_words, time_rows, total_of
from truebar_io.machine import Spent

CHECKOUT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = CHECKOUT / "benchmarks" / "results" / "demo.jsonl"
NO_SKILL: Final = 0.5
KIB_PER_GIB: Final = 1024**2


def run_demo(home: Path) -> tuple[dict[str, Any], dict[str, float]]:
    """Return what the demo printed, and what it took: wall and CPU seconds, most memory, load before it."""
    command = [str(Path(sys.executable).with_name("truebar")), "demo", "--json"]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # as the Makefile has it
    environment = os.environ | threads | {"TRUEBAR_HOME": str(home)}
    load, began = os.getloadavg()[0], time.monotonic()
    ended = subprocess.run(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, check=False)  # noqa: S603 (our own)
    if ended.returncode:
        raise SystemExit(f"the demo ended with {ended.returncode}; its errors stand above.")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken = {
        "load_before": load,
        "wall_s": time.monotonic() - began,
        "cpu_s": used.ru_utime + used.ru_stime,
        "most_memory_gib": used.ru_maxrss / KIB_PER_GIB,
    }
    return json.loads(ended.stdout), taken


def found_share(verdict: dict[str, Any]) -> float | None:
    """Return what share of a planted signal was found; None for a real market."""
    best = (verdict.get("oracle") or {}).get("roc_auc")
    if best is None:
        return None
    return (verdict["metrics"]["roc_auc"]["value"] - NO_SKILL) / (best - NO_SKILL)


def line_of(printed: dict[str, Any], taken: dict[str, float], times: list[StageTime]) -> dict[str, Any]:
    """Return the line that is recorded."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        **{name: round(value, 2) for name, value in taken.items()},
        "stages_sum_cpu_s": round(total_of(times).cpu_s, 1),
        "dagster_and_dbt_cpu_s": round(orchestration_of(times).cpu_s, 1),
        "stages": {each.stage: [round(each.spent.wall_s, 1), round(each.spent.cpu_s, 1)] for each in times},
        "verdicts": {f"{v['symbol']} {v['timeframe']}": v["verdict"] for v in printed["verdicts"]},
        "found_share": {
            f"{v['symbol']} {v['timeframe']}": round(share, 3)
            for v in printed["verdicts"]
            if (share := found_share(v)) is not None and v["symbol"] == "SYN-EDGE"
        },
    }


def main() -> None:
    """Run the demo once and print what it took."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--record", action="store_true")
    chosen = options.parse_args()
    with TemporaryDirectory() as folder:
        printed, taken = run_demo(Path(folder) / "home")
    times = [StageTime(stage, Spent(**spent)) for stage, spent in printed["spent"].items()]
    for row in time_rows(times):
        sys.stdout.write("{:<14}{:>9}{:>9}{:>7}\n".format(*row))
    sys.stdout.write(orchestration_words(times) + "\n")
    line = line_of(printed, taken, times)
    sys.stdout.write(json.dumps(line) + "\n")
    if chosen.record:
        with RESULTS.open("a") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
