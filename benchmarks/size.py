"""How often is a market without direction called `edge`? 200 SYN-NULL markets through the whole protocol.

    python benchmarks/size.py [--seeds 200] [--first 0] [--jobs 2]

Each market goes through labels, 35 simple columns, a fixed small XGBoost, cross-fitted calibration, tuned
thresholds, backtest and verdict, at default costs and at a tenth of them. Seeds 0 to 9 carry a drift of
+50 % (even) or -50 % (odd) a year. Lines are appended to `benchmarks/results/size.jsonl`; markets that
are there already are not run again, so it may be run in slices. `python benchmarks/draw.py` prints the table.
"""

from __future__ import annotations

from typing import Any, Final

from planted import (
    N_BARS,
    RESULTS,
    config_hash,
    done,
    judged,
    parser,
    prepare,
    run_all,
)

from truebar.market import synthetic

DRIFTING_SEEDS: Final = 10
DRIFT_PER_YEAR: Final = 0.5


def drift_of(seed: int) -> float:
    """Return the yearly drift of a seed's market."""
    if seed >= DRIFTING_SEEDS:
        return 0.0
    return DRIFT_PER_YEAR if seed % 2 == 0 else -DRIFT_PER_YEAR


def run_market(seed: int) -> list[dict[str, Any]]:
    """Return one line for each of the costs."""
    drift = drift_of(seed)
    ready = prepare(synthetic("SYN-NULL", seed=seed, n_bars=N_BARS, drift_per_year=drift))
    same = {"kind": "size", "config_hash": config_hash(), "seed": seed, "drift": drift}
    return [same | line for line in judged(ready)]


def main() -> None:
    """Run the markets that are not there yet."""
    options = parser(__doc__ or "", 200).parse_args()
    path = options.out or RESULTS / "size.jsonl"
    known = done(path, ("seed",))
    tasks = [seed for seed in range(options.first, options.first + options.seeds) if (seed,) not in known]
    run_all(run_market, tasks, path, options.jobs)


if __name__ == "__main__":
    main()
