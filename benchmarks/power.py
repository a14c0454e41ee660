"""How strong must a signal be to be proven? SYN-EDGE markets of growing strength through the whole protocol.

    python benchmarks/power.py [--seeds 15] [--jobs 2]

As size.py, for A from 0.02 to 0.30 and at least 15 seeds each. The found share is the direction AUC beyond
0.5 over that of the Bayes-optimal forecast on the same vault rows. Lines are appended to
`benchmarks/results/power.jsonl`; markets that are there already are not run again.
"""

from __future__ import annotations

from typing import Any, Final

from planted import (
    N_BARS,
    RESULTS,
    config_hash,
    done,
    judged,
    oracle_auc,
    parser,
    prepare,
    run_all,
)

from truebar.market import synthetic
from truebar.scores.direction import found_share

STRENGTHS: Final = (0.02, 0.05, 0.08, 0.12, 0.16, 0.20, 0.25, 0.30)
FIRST_SEED: Final = 1_000
"""Seeds apart from those of size.py."""


def run_market(task: tuple[float, int]) -> list[dict[str, Any]]:
    """Return one line for each of the costs."""
    strength, seed = task
    ready = prepare(synthetic("SYN-EDGE", seed=seed, n_bars=N_BARS, A=strength))
    best = oracle_auc(ready)
    same = {"kind": "power", "config_hash": config_hash(), "A": strength, "seed": seed, "oracle_auc": best}
    lines = [same | line for line in judged(ready)]
    return [line | {"found_share": found_share(line["auc"], best, least_excess=0.0)} for line in lines]


def main() -> None:
    """Run the markets that are not there yet, one seed of every strength before the next seed."""
    options = parser(__doc__ or "", 15).parse_args()
    path = options.out or RESULTS / "power.jsonl"
    known = done(path, ("A", "seed"))
    first = FIRST_SEED + options.first
    tasks = [
        (strength, seed)
        for seed in range(first, first + options.seeds)
        for strength in STRENGTHS
        if (strength, seed) not in known
    ]
    run_all(run_market, tasks, path, options.jobs)


if __name__ == "__main__":
    main()
