"""How much of the found share is the booster's: the fixed one of size.py and power.py beside longer ones.

    python benchmarks/boosters.py [--seeds 3]

Prints the mean found share on the vault of SYN-EDGE markets (A = 0.25) by booster, the same 35 columns.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final

import numpy as np
from planted import LABEL, N_BARS, history_of, request_of

from truebar.market import oracle, synthetic
from truebar.models.xgboost import fit_rows
from truebar.scores.direction import direction_score
from truebar.scores.ranks import ranked, roc_areas
from truebar.validation import dev_vault

BOOSTERS: Final[dict[str, dict[str, Any]]] = {
    "as fixed: 60 rounds at 0.12, depth 3": {},
    "as fixed, 256 bins instead of 64": {"max_bin": 256},
    "300 rounds at 0.05, depth 3": {"rounds": 300, "learning_rate": 0.05},
    "300 rounds at 0.05, depth 3, 256 bins": {"rounds": 300, "learning_rate": 0.05, "max_bin": 256},
    "300 rounds at 0.05, depth 2": {"rounds": 300, "learning_rate": 0.05, "max_depth": 2},
}
NO_SKILL: Final = 0.5


def found_shares(seed: int) -> list[float]:
    """Return the found share of each booster on one market."""
    market = synthetic("SYN-EDGE", seed=seed, n_bars=N_BARS)
    history, request = history_of(market), request_of("default")
    sides = dev_vault(history.open_time, history.labels["label_end"])
    vault = sides["vault"]
    label = history.label[vault]
    best = oracle(market, LABEL, vault).roc_auc - NO_SKILL
    shares = []
    for changes in BOOSTERS.values():
        parameters = request.parameters.model_copy(update=changes)
        model = fit_rows(history, sides["dev"], request.freeze(LABEL, parameters, "none"))
        score = direction_score(model.predict(history.features[vault]))
        ranking = ranked(score, label == 1, label != 0)
        shares.append((float(roc_areas(ranking, ranking.once)[0]) - NO_SKILL) / best)
    return shares


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, default=3)
    seeds = range(2_000, 2_000 + options.parse_args().seeds)
    means = np.mean([found_shares(seed) for seed in seeds], axis=0)
    sys.stdout.write("| booster | mean found share |\n| --- | --- |\n")
    for name, share in zip(BOOSTERS, means, strict=True):
        sys.stdout.write(f"| {name} | {share:.3f} |\n")


if __name__ == "__main__":
    main()
