"""Purged splits against the bundled numpy reference, both in one process, through the public names.

    python benchmarks/splits.py [--rows 500000] [--rounds 5] [--record]

The reference is `reference` of `../shared/bench/cv.py`: int64 nanoseconds in, train and test indices out.
Ours gets a DatetimeIndex and checks it. Both make every split of the same rows, whose labels end 1 to 96 bars
later; before the clock starts, all splits are compared. Printed are CPU medians of alternating rounds and
their ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from truebar.validation import CombinatorialPurgedKFold, PurgedKFold

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared" / "bench"
STEP = 900_000_000_000
EMBARGO_BARS = 48
LIMIT = 1.5

Splits = Iterator[tuple[np.ndarray, np.ndarray]]


def bundled_reference() -> Callable[..., Splits]:
    """Return the bundled reference, or leave with a clear sentence."""
    if not (SHARED / "cv.py").is_file():
        sys.exit(
            f"the reference is not there: expected {SHARED.parent.name}/bench/cv.py beside the checkout."
        )
    sys.path.insert(0, str(SHARED))
    from cv import reference  # noqa: PLC0415 (only there where the bundled benchmarks are)

    return reference


def median_cpu_seconds(contestants: dict[str, Callable[[], Splits]], rounds: int) -> dict[str, float]:
    """Return the median CPU seconds of walking through all splits, in rounds of alternating order."""
    spent: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        names = list(contestants) if number % 2 else list(contestants)[::-1]
        for name in names:
            began = time.process_time()
            for _ in contestants[name]():
                pass
            spent[name].append(time.process_time() - began)
    return {name: float(np.median(seconds[1:])) for name, seconds in spent.items()}


def same_splits(ours: Splits, theirs: Splits) -> bool:
    """Return whether both give the same rows, split by split."""
    return all(
        np.array_equal(train, other_train) and np.array_equal(test, other_test)
        for (train, test), (other_train, other_test) in zip(ours, theirs, strict=True)
    )


def measure(rows: int, rounds: int) -> list[dict[str, object]]:
    """Return one record for K-fold and one for the combinatorial splits."""
    reference = bundled_reference()
    start = 1_704_067_200_000_000_000 + np.arange(rows, dtype=np.int64) * STEP
    end = np.minimum(start + np.random.default_rng(7).integers(1, 97, rows) * STEP, start[-1] + STEP)
    opens, ends = (pd.DatetimeIndex(value.astype("datetime64[ns]"), tz="UTC") for value in (start, end))
    splitters = {
        ("PurgedKFold(10)", 1): PurgedKFold(10, embargo_bars=EMBARGO_BARS),
        ("CPCV(10, 2)", 2): CombinatorialPurgedKFold(10, 2, embargo_bars=EMBARGO_BARS),
    }
    records: list[dict[str, object]] = []
    for (name, n_test), splitter in splitters.items():
        contestants: dict[str, Callable[[], Splits]] = {
            "ours": lambda splitter=splitter: splitter.split(opens, ends),  # type: ignore[misc]
            "reference": lambda n_test=n_test: reference(start, end, 10, n_test, EMBARGO_BARS * STEP),  # type: ignore[misc]
        }
        if not same_splits(contestants["ours"](), contestants["reference"]()):
            sys.exit(f"{name}: ours and the reference give different rows.")
        seconds = median_cpu_seconds(contestants, rounds)
        ratio = seconds["ours"] / seconds["reference"]
        records.append({"what": name, "rows": rows, "cpu_seconds": seconds, "ratio": ratio, "limit": LIMIT})
    return records


def main() -> None:
    """Measure, print, and append to the results if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--record", action="store_true", help="append to benchmarks/results/splits.jsonl")
    arguments = parser.parse_args()
    records = measure(arguments.rows, arguments.rounds)
    for record in records:
        print(json.dumps(record))
    if arguments.record:
        results = REPOSITORY / "benchmarks" / "results" / "splits.jsonl"
        results.parent.mkdir(exist_ok=True)
        line = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0],
            "results": records,
        }
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
