"""Experiments with writers that are killed, or many at once; each has an interpreter of its own, prints JSON.

Children are forked from this process after everything is imported: a fork costs 20 ms, an interpreter with
DuckDB and pandas a second. No connection is open and nothing of ours runs when it forks.

    python laboratory.py kills|crowd|full HOME SEED
"""

from __future__ import annotations

import json
import os
import random
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from truebar.errors import StorageFullError
from truebar.partitions import Partition
from truebar_io.warehouse import Warehouse
from truebar_io.warehouse.files import SchemaFiles
from truebar_io.warehouse.publish import STEPS
from truebar_io.warehouse.sidecar import inspect

BITCOIN = Partition("BTC-USD", "1h")
BARS = 1_500
KILLS_AT_THE_START_OF_EACH_STEP = 5
KILLS_SHORTLY_AFTER_EACH_STEP = 1
KILLS_AT_ANY_TIME = 16
LONGEST_WAIT_S = 20.0


def bars(n: int, *, volume: float, start: str = "2024-01-01") -> pd.DataFrame:
    open_time = pd.date_range(start, periods=n, freq="h", tz="UTC")
    close = 100 + np.sin(np.arange(n) / 7)
    return pd.DataFrame(
        {
            "open_time": open_time,
            "close_time": open_time + pd.Timedelta("1h"),
            "open": close,
            "high": close + 1,
            "low": close - 1,
            "close": close,
            "volume": volume,
        }
    )


def imports(*names: str) -> pd.DataFrame:
    counts = {f"rows_{what}": 0 for what in ("read", "written", "revised", "quarantined")}
    return pd.DataFrame([{"file": name, "sha256": name} | counts for name in names])


def write_generation(warehouse: Warehouse, generation: int) -> None:
    """Publish one generation: every bar's volume is its number, and the imports list its number too."""
    warehouse.write_tables(
        BITCOIN,
        {
            "market.klines": bars(BARS + generation, volume=float(generation)),
            "market.imports": imports(str(generation)),
        },
        made_from=f"generation {generation}",
    )


def forked(body: Callable[[int], None]) -> tuple[int, int]:
    """Run `body(pipe)` in a forked child; return its process id and the pipe's reading end."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    try:
        os.close(reading)
        body(writing)
        os._exit(0)
    except BaseException:  # noqa: BLE001 (a forked child must never return into its parent's code)
        os.write(writing, f"\nfailed {traceback.format_exc()}\n".encode())
        os._exit(1)


def read_all(pipe: int) -> str:
    chunks = []
    while chunk := os.read(pipe, 65_536):
        chunks.append(chunk)
    os.close(pipe)
    return b"".join(chunks).decode()


# --- kill -9 of a writer ---------------------------------------------------------------------------------


def endless_writer(home: Path, first: int, stop_at: str | None) -> Callable[[int], None]:
    def body(pipe: int) -> None:
        def observe(step: str) -> None:
            os.write(pipe, f"step {step}\n".encode())
            if step == stop_at:
                time.sleep(LONGEST_WAIT_S)  # to be killed here, and nowhere else

        warehouse = Warehouse(home, on_step=observe)
        for generation in range(first, first + 1_000):
            os.write(pipe, f"begin {generation}\n".encode())
            write_generation(warehouse, generation)
            os.write(pipe, f"acknowledged {generation}\n".encode())

    return body


def killed_writer(home: Path, first: int, mode: str, step: str | None, after_s: float) -> list[str]:
    """Start a writer, kill it, and return the lines it said: the last step is where it died."""
    process, pipe = forked(endless_writer(home, first, step if mode == "held" else None))
    said = b""
    waited_for = f"begin {first}\n" if step is None else f"step {step}\n"
    deadline = time.monotonic() + LONGEST_WAIT_S
    while waited_for.encode() not in said and time.monotonic() < deadline:
        ready, _, _ = select.select([pipe], [], [], 0.05)
        said += os.read(pipe, 65_536) if ready else b""
    time.sleep(after_s)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return (said.decode() + read_all(pipe)).splitlines()


def after_the_kill(home: Path, acknowledged: int, begun: int) -> Callable[[int], None]:
    """Look at what a killed writer left, then write as the next writer does; say what is wrong."""

    def body(pipe: int) -> None:
        wrong = []
        warehouse = Warehouse(home)
        files = SchemaFiles(warehouse.root, BITCOIN, "market")
        summary = warehouse.summary(BITCOIN)["market.klines"]
        held = warehouse.query(
            "select min(volume) as least, max(volume) as most, count(*) as bars, "
            "(select list(file::integer order by file::integer) from market.imports) as imports "
            "from market.klines"
        ).iloc[0]
        generation = int(held["least"])
        if held["most"] != generation or held["bars"] != BARS + generation:
            wrong.append(f"half-written: {held}")
        if list(held["imports"]) != list(range(generation + 1)):
            wrong.append(f"tables of different publishes: {held}")
        if not acknowledged <= generation <= begun:
            wrong.append(f"holds {generation}, acknowledged {acknowledged}, begun {begun}")
        if (summary.rows, summary.made_from) != (held["bars"], f"generation {generation}"):
            wrong.append(f"a stale sidecar was believed: {summary} for generation {generation}")
        # diagnose compares the sidecar's digest with the rows'.
        wrong += [f.problem for f in warehouse.diagnose() if "killed writer left" not in f.problem]
        leftovers = len(files.leftovers())
        started = time.monotonic()
        write_generation(warehouse, generation + 1)
        if time.monotonic() - started > 5:
            wrong.append("the next writer had to wait")
        wrong += [f"left behind: {path}" for path in [*files.leftovers(), *files.logs()]]
        if inspect(files)[1]:
            wrong.append("the next writer left a stale sidecar")
        report = {"wrong": wrong, "generation": generation + 1, "leftovers": leftovers}
        os.write(pipe, json.dumps(report).encode())

    return body


def kills(home: Path, seed: int) -> dict[str, object]:
    dice = random.Random(seed)
    trials = [("held", step, 0.0) for step in STEPS for _ in range(KILLS_AT_THE_START_OF_EACH_STEP)]
    trials += [
        ("running", step, dice.uniform(0, 0.002))
        for step in STEPS
        for _ in range(KILLS_SHORTLY_AFTER_EACH_STEP)
    ]
    trials += [("any time", None, dice.uniform(0, 0.3)) for _ in range(KILLS_AT_ANY_TIME)]
    dice.shuffle(trials)
    write_generation(Warehouse(home), 0)
    generation, records = 0, []
    for mode, step, after_s in trials:
        said = killed_writer(home, generation + 1, mode, step, after_s)
        begun, acknowledged = (
            [int(line.split()[1]) for line in said if line.startswith(word)]
            for word in ("begin", "acknowledged")
        )
        last_step = [line.split()[1] for line in said if line.startswith("step")][-1:]
        # What the checker of the kill before has written was acknowledged too.
        acknowledged = [generation, *acknowledged]
        died_writing = bool(begun) and begun[-1] != acknowledged[-1] and bool(last_step)
        checker = after_the_kill(home, acknowledged[-1], max([generation, *begun]))
        process, pipe = forked(checker)
        report = read_all(pipe)
        os.waitpid(process, 0)
        if not report.startswith("{"):
            report = json.dumps({"wrong": [report], "generation": generation, "leftovers": -1})
        record = json.loads(report)
        generation = record["generation"]
        records.append({"mode": mode, "step": "".join(last_step), "died_writing": died_writing} | record)
        if record["leftovers"] < 0:
            break
    return {"kills": records}


# --- four writers and a reader ---------------------------------------------------------------------------

CROWD = [Partition(symbol, "1h") for symbol in ("BTC-USD", "ETH-USD", "SOL-USD")]
WRITES_EACH = 25


def busy_writer(home: Path, writer: int, seed: int) -> Callable[[int], None]:
    def body(pipe: int) -> None:
        dice = random.Random(seed)
        warehouse = Warehouse(home)
        for write in range(WRITES_EACH):
            # The first partition is everyone's; each also has the others' now and then.
            partition = CROWD[0] if write % 2 else dice.choice(CROWD)
            frames = {
                "market.klines": bars(dice.randint(200, 600), volume=float(writer)),
                "market.imports": imports(f"{writer}/{write}"),
            }
            warehouse.write_tables(partition, frames)
            os.write(pipe, f"{partition.key} {writer}/{write}\n".encode())

    return body


def busy_reader(home: Path) -> Callable[[int], None]:
    def body(pipe: int) -> None:
        warehouse = Warehouse(home)
        stop = home / "stop"
        while not stop.exists():
            counted = warehouse.query(
                "select symbol, count(*) as n, count(distinct open_time) as times "
                "from market.klines group by all"
            )
            rows = warehouse.read(["open_time", "close"], "market.klines", CROWD[:1])
            summary = warehouse.summary(CROWD[0])["market.klines"]
            if not (counted["n"] == counted["times"]).all() or summary.rows < 1:
                os.write(pipe, b"failed: repeated bars\n")
            if not rows["open_time"].is_monotonic_increasing:
                os.write(pipe, b"failed: bars out of order\n")
            os.write(pipe, b"read\n")

    return body


def crowd(home: Path, seed: int) -> dict[str, object]:
    for partition in CROWD:
        Warehouse(home).write(partition, "market.klines", bars(10, volume=0.0))
    started = time.monotonic()
    reader, reader_pipe = forked(busy_reader(home))
    writers = [forked(busy_writer(home, writer, seed + writer)) for writer in range(4)]
    said = [read_all(pipe) for _, pipe in writers]
    for process, _ in writers:
        os.waitpid(process, 0)
    (home / "stop").touch()
    read = read_all(reader_pipe)
    os.waitpid(reader, 0)
    acknowledged = sorted(line for text in said for line in text.splitlines() if "failed" not in line)
    held = Warehouse(home).query(
        "select symbol || '|' || timeframe || ' ' || file as line from market.imports"
    )
    return {
        "seconds": time.monotonic() - started,
        "acknowledged": len(acknowledged),
        "reads": read.count("read\n"),
        "failures": [text for text in [*said, read] if "failed" in text],
        "lost": sorted(set(acknowledged) - set(held["line"])),
        "findings": [str(finding) for finding in Warehouse(home).diagnose()],
    }


# --- a full disk ------------------------------------------------------------------------------------------


def full(home: Path, largest_bytes: int) -> dict[str, object]:
    """Write ever larger tables until there is no room; 0: the disk itself is small."""
    warehouse = Warehouse(home)
    warehouse.write(BITCOIN, "market.klines", bars(2_000, volume=1.0))
    if largest_bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_bytes, largest_bytes))
    files = SchemaFiles(warehouse.root, BITCOIN, "market")
    refused = []
    for n in (5_000, 20_000, 40_000, 60_000, 150_000, 300_000):
        before = files.file().read_bytes()
        try:
            warehouse.write(BITCOIN, "market.klines", noise(n), mode="replace")
        except StorageFullError as error:
            names = sorted(path.name for path in files.folder.iterdir())
            same = files.file().read_bytes() == before
            refused.append({"rows": n, "untouched": same, "names": names, "message": str(error)})
    held = len(warehouse.read("*", "market.klines", [BITCOIN]))
    return {"refused": refused, "rows": held, "summary": warehouse.summary(BITCOIN)["market.klines"].rows}


def noise(n: int) -> pd.DataFrame:
    """Return bars whose volumes do not compress."""
    return bars(n, volume=0.0).assign(volume=np.random.default_rng(n).random(n))


if __name__ == "__main__":
    experiment = {"kills": kills, "crowd": crowd, "full": full}[sys.argv[1]]
    sys.stdout.write(json.dumps(experiment(Path(sys.argv[2]), int(sys.argv[3]))))
