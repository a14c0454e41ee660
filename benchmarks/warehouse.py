"""What the warehouse's guarantees cost, beside the same rows in a plain DuckDB file.

    python benchmarks/warehouse.py [--bars 35040] [--rounds 7] [--record]

Klines and one feature family of a synthetic market. The warehouse checks every row against its rules, writes
a new file, syncs it and moves it into place whole, so that a reader or a kill never meets a part; the plain
file is `CREATE TABLE AS`, `INSERT` and `SELECT` on one connection that stays open, as a script would do it.
Both sides run in alternating rounds of one process; CPU and wall medians are compared. No limit is set: the
figures say what whole files cost. `--record` appends a line to `results/warehouse.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb
import numpy as np
import pandas as pd
from command import RESULTS, record

from truebar.feature_columns import COLUMN_FAMILIES
from truebar.features import batch
from truebar.market import synthetic
from truebar.partitions import Partition
from truebar_io.warehouse import Warehouse

PATH: Final = RESULTS / "warehouse.jsonl"
PARTITION: Final = Partition("SYN-NULL", "15m")
FAMILY: Final = "price"

Side = Callable[[], object]


class Plain:
    """The same tables in one plain file."""

    def __init__(self, path: Path) -> None:
        self.connection = duckdb.connect(str(path), config={"threads": 1})

    def replace(self, name: str, frame: pd.DataFrame) -> None:
        """Write a table anew."""
        self.connection.register("rows", frame)
        self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM rows")
        self.connection.execute("CHECKPOINT")

    def append(self, name: str, frame: pd.DataFrame) -> None:
        """Add rows; those that are there already are not looked for."""
        self.connection.register("rows", frame)
        self.connection.execute(f"INSERT INTO {name} SELECT * FROM rows")

    def read(self, name: str, columns: str) -> pd.DataFrame:
        """Return columns of a table in order of time."""
        return self.connection.execute(f"SELECT {columns} FROM {name} ORDER BY open_time").df()


def klines_of(bars: pd.DataFrame) -> pd.DataFrame:
    """Return bars as klines are published."""
    step = pd.Timedelta(minutes=15)
    return bars.assign(
        close_time=bars["open_time"] + step, source="benchmark", ingested_at=bars["open_time"].iloc[-1] + step
    )


def sides_of(folder: Path, bars: pd.DataFrame) -> dict[str, tuple[Side, Side]]:
    """Return each piece of work as the warehouse does it, and as a plain file does."""
    store, plain = Warehouse(folder / "home"), Plain(folder / "plain.duckdb")
    klines = klines_of(bars)
    family = batch(bars)[["open_time", *COLUMN_FAMILIES[FAMILY].columns]]
    last, table = klines.tail(1), f"features.{FAMILY}"
    store.write(PARTITION, "market.klines", klines, mode="replace")
    store.write(PARTITION, table, family, mode="replace")
    plain.replace("klines", klines)
    plain.replace("price", family)
    pair = ["open_time", "close"]
    return {
        "write klines": (
            lambda: store.write(PARTITION, "market.klines", klines, mode="replace"),
            lambda: plain.replace("klines", klines),
        ),
        f"write {len(family.columns)} feature columns": (
            lambda: store.write(PARTITION, table, family, mode="replace"),
            lambda: plain.replace("price", family),
        ),
        "add one bar": (
            lambda: store.write(PARTITION, "market.klines", last),
            lambda: plain.append("klines", last),
        ),
        "read klines": (
            lambda: store.read("*", "market.klines", PARTITION),
            lambda: plain.read("klines", "*"),
        ),
        "read time and close": (
            lambda: store.read(pair, "market.klines", PARTITION),
            lambda: plain.read("klines", ", ".join(pair)),
        ),
    }


def race(sides: tuple[Side, Side], rounds: int) -> list[dict[str, float]]:
    """Return CPU and wall medians in ms of both sides, in alternating rounds; a first one does not count."""
    taken: list[list[tuple[float, float]]] = [[], []]
    for number in range(rounds + 1):
        for which in random.sample((0, 1), 2):
            cpu, wall = time.process_time(), time.perf_counter()
            sides[which]()
            spent = (time.process_time() - cpu, time.perf_counter() - wall)
            if number:
                taken[which].append(spent)
    medians = [np.median(side, axis=0) * 1e3 for side in taken]
    return [{"cpu_ms": round(float(cpu), 2), "wall_ms": round(float(wall), 2)} for cpu, wall in medians]


def main() -> None:
    """Time every piece of work and print a line for each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--bars", type=int, default=35_040)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--record", action="store_true")
    chosen = options.parse_args()
    bars = synthetic("SYN-NULL", seed=1, n_bars=chosen.bars, timeframe="15m").bars
    found: dict[str, Any] = {
        "bars": chosen.bars,
        "load": round(os.getloadavg()[0], 2),
        "duckdb": duckdb.__version__,
    }
    with TemporaryDirectory() as folder:
        for name, sides in sides_of(Path(folder), bars).items():
            ours, plain = race(sides, chosen.rounds)
            ratio = round(ours["cpu_ms"] / max(plain["cpu_ms"], 0.01), 2)
            found[name] = {"warehouse": ours, "plain": plain, "cpu_ratio": ratio}
            sys.stdout.write(f"{name:<26}{json.dumps(found[name])}\n")
    if chosen.record:
        record(PATH, found)


if __name__ == "__main__":
    main()
