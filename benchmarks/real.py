"""Real klines from their files to the verdict, with as many trials as asked: time, memory, data quality.

    python benchmarks/real.py [--trials 100] [--timeframe 15m] [--symbol BTCUSDT] [--record]

Reads ../shared/data/klines/binance_um/<timeframe>; without that folder there is nothing to run. Each market
is `truebar demo --data` on a fresh home, on all cores. Wanted at 15m with 100 trials: at most 20 minutes and
6 GiB. `--record` appends lines to `results/real.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from command import CHECKOUT, RESULTS, record, run, short

from truebar.partitions import Partition
from truebar_io.home import Home
from truebar_io.stages.checks import quality_of
from truebar_io.warehouse import Warehouse

KLINES: Final = CHECKOUT.parent / "shared" / "data" / "klines" / "binance_um"
PATH: Final = RESULTS / "real.jsonl"
SYMBOLS: Final = ("BTCUSDT", "SOLUSDT", "NEARUSDT")
NAMES: Final = ("roc_auc", "log_skill", "sharpe", "deflated_sharpe", "net_return", "n_trades",
                "min_detectable_sharpe")  # fmt: skip


def files_of(symbol: str, timeframe: str) -> list[Path]:
    """Return what there is of one market, biggest first."""
    found = [path for path in (KLINES / timeframe).rglob("*") if path.is_file() and symbol in path.name]
    return sorted(found, key=lambda path: -path.stat().st_size)


def run_market(symbol: str, timeframe: str, source: Path, trials: int) -> dict[str, Any]:
    """Return the line of one market."""
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        words = ("demo", "--data", str(source), "--symbol", symbol, "--timeframe", timeframe)
        printed, taken = run(words, home, {"TRUEBAR_XGB__OPTUNA__N_TRIALS": str(trials)})
        quality = quality_of(Warehouse(Home(home)), Partition(symbol, timeframe)).sentences()
    (verdict,) = printed["verdicts"]
    return {
        "symbol": symbol,
        "timeframe": timeframe,
        "source": source.name,
        "trials": trials,
        "klines_written": printed["klines_written"],
        "quality": list(quality),
        "verdict": verdict["verdict"],
        "failed": verdict["failed"],
        "n_trials": verdict["n_trials"],
        **short(verdict, NAMES),
        **{name: round(value, 2) for name, value in taken.items()},
        "stages": {stage: round(spent["wall_s"], 1) for stage, spent in printed["spent"].items()},
    }


def main() -> None:
    """Run the markets asked for and print a line for each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--trials", type=int, default=100)
    options.add_argument("--timeframe", default="15m")
    options.add_argument("--symbol", choices=SYMBOLS)
    options.add_argument("--record", action="store_true")
    chosen = options.parse_args()
    if not KLINES.is_dir():
        sys.stdout.write("../shared/data is not there: no real market is run.\n")
        return
    for symbol in [chosen.symbol] if chosen.symbol else SYMBOLS:
        for source in files_of(symbol, chosen.timeframe):
            line = run_market(symbol, chosen.timeframe, source, chosen.trials)
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
            if chosen.record:
                record(PATH, line)


if __name__ == "__main__":
    main()
