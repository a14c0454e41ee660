"""Does the whole graph find what is planted, and nothing where nothing is? Other seeds than the demo's.

    python benchmarks/seeds.py [--edge 10] [--null 20] [--jobs 2]

Each seed is `truebar materialize` on a fresh home: klines, features, labels, study, model, calibrator,
thresholds, verdict and report, with the settings of the checkout. SYN-EDGE runs at default costs, SYN-NULL at
default costs and at a tenth of them. Wanted: `edge` on every SYN-EDGE with a mean found share of at least
0.80; `edge` on no SYN-NULL at default costs and on at most two of twenty at a tenth. Lines are appended to
`results/seeds.jsonl`; what is there for these settings is not run again, so it may be run in slices.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from typing import Any, Final

from command import CHECKOUT, RESULTS, found_share_of, record, recorded, run, short

from truebar.fingerprint import fingerprint
from truebar_io.configuration import load_configuration

PATH: Final = RESULTS / "seeds.jsonl"
FIRST_SEED: Final = 101
TENTH: Final = {"TRUEBAR_BACKTEST__COSTS__FEE_BPS": "0.5", "TRUEBAR_BACKTEST__COSTS__SLIPPAGE_BPS": "1.0"}
NAMES: Final = ("roc_auc", "log_skill", "sharpe", "deflated_sharpe", "net_return", "n_trades")


@dataclass(frozen=True)
class Task:
    """One market at one level of costs."""

    symbol: str
    seed: int
    costs: str

    @property
    def settings(self) -> dict[str, str]:
        """Return the settings that make it, as variables of the environment."""
        name = self.symbol.replace("-", "_")
        seed = {f"TRUEBAR_MARKETS__{name}__SYNTHETIC__SEED": str(self.seed)}
        return seed | (TENTH if self.costs == "tenth" else {})


def tasks(edge: int, null: int) -> Iterator[Task]:
    """Yield the markets, both kinds side by side."""
    for number in range(max(edge, null)):
        if number < edge:
            yield Task("SYN-EDGE", FIRST_SEED + number, "default")
        if number < null:
            yield Task("SYN-NULL", FIRST_SEED + number, "default")
            yield Task("SYN-NULL", FIRST_SEED + number, "tenth")


def settings_hash() -> str:
    """Return what stands for the settings of the checkout; the seeds and costs above come over them."""
    settings = load_configuration(CHECKOUT)
    parts = (settings.data, settings.xgb, settings.backtest)
    return fingerprint([part.model_dump(mode="json") for part in parts])[:16]


def run_task(task: Task, cores: Sequence[int]) -> dict[str, Any]:
    """Return the line of one market."""
    with TemporaryDirectory() as folder:
        words = ("materialize", "--symbol", task.symbol, "--timeframe", "15m")
        printed, taken = run(words, Path(folder) / "home", task.settings, cores=cores)
    (verdict,) = printed["verdicts"]
    share = found_share_of(verdict)
    return {
        "settings_hash": settings_hash(),
        "symbol": task.symbol,
        "seed": task.seed,
        "costs": task.costs,
        "verdict": verdict["verdict"],
        "failed": verdict["failed"],
        "found_share": None if share is None else round(share, 4),
        "n_trials": verdict["n_trials"],
        **short(verdict, NAMES),
        **{name: round(value, 1) for name, value in taken.items()},
    }


def summary(lines: Sequence[dict[str, Any]]) -> str:
    """Return what the lines of these settings say, one sentence for each kind of market and costs."""
    mine = [line for line in lines if line["settings_hash"] == settings_hash()]
    told = [f"settings {settings_hash()}"]
    for symbol, costs in (("SYN-EDGE", "default"), ("SYN-NULL", "default"), ("SYN-NULL", "tenth")):
        group = [line for line in mine if (line["symbol"], line["costs"]) == (symbol, costs)]
        edges = sum(line["verdict"] == "edge" for line in group)
        words = f"{symbol} at {costs} costs: edge {edges} of {len(group)}"
        shares = [line["found_share"] for line in group if line["found_share"] is not None]
        if shares and symbol == "SYN-EDGE":
            words += f"; found share {sum(shares) / len(shares):.3f} on average, {min(shares):.3f} at least"
        told.append(words)
    return "\n".join(told)


def main() -> None:
    """Run the markets that are not there yet and print what all of them say."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--edge", type=int, default=10)
    options.add_argument("--null", type=int, default=20)
    options.add_argument("--jobs", type=int, default=2)
    chosen = options.parse_args()
    mine = [line for line in recorded(PATH) if line["settings_hash"] == settings_hash()]
    known = {(line["symbol"], line["seed"], line["costs"]) for line in mine}
    left = [
        each for each in tasks(chosen.edge, chosen.null) if (each.symbol, each.seed, each.costs) not in known
    ]
    cores = sorted(os.sched_getaffinity(0))
    free: Queue[list[int]] = Queue()
    for job in range(chosen.jobs):
        free.put(cores[job :: chosen.jobs] or cores)

    def work(task: Task) -> dict[str, Any]:
        mine = free.get()
        try:
            return run_task(task, mine)
        finally:
            free.put(mine)

    with ThreadPoolExecutor(max_workers=chosen.jobs) as pool:
        for number, line in enumerate(pool.map(work, left), start=1):
            record(PATH, line)
            words = (line["symbol"], line["seed"], line["costs"], line["verdict"], line["found_share"])
            sys.stdout.write(f"{number}/{len(left)} {' '.join(map(str, words))} {line['wall_s']} s\n")
            sys.stdout.flush()
    sys.stdout.write(summary(recorded(PATH)) + "\n")


if __name__ == "__main__":
    main()
