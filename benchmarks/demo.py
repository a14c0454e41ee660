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
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from command import RESULTS, found_share_of, record, run

from truebar_apps.cli.stage_clock import StageTime, orchestration_of, orchestration_words, time_rows, total_of
from truebar_io.machine import Spent


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
            if (share := found_share_of(v)) is not None
        },
    }


def main() -> None:
    """Run the demo once and print what it took."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--record", action="store_true")
    chosen = options.parse_args()
    with TemporaryDirectory() as folder:
        printed, taken = run(("demo",), Path(folder) / "home", {})
    times = [StageTime(stage, Spent(**spent)) for stage, spent in printed["spent"].items()]
    for row in time_rows(times):
        sys.stdout.write("{:<14}{:>9}{:>9}{:>7}\n".format(*row))
    sys.stdout.write(orchestration_words(times) + "\n")
    line = line_of(printed, taken, times)
    sys.stdout.write(json.dumps(line) + "\n")
    if chosen.record:
        record(RESULTS / "demo.jsonl", line)


if __name__ == "__main__":
    main()
