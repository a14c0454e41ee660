"""Does calibration bring probabilities closer to the true ones? On planted markets, where these are known.

    python benchmarks/calibration.py [--seeds 3] [--record]

For each strength and seed the fixed protocol of planted.py makes out-of-fold rows on dev and a model refitted
on dev. Every method calibrates both: out-of-fold rows by the other folds, vault rows by all out-of-fold rows.
`strict` is the same recipe in the four slices of METHOD §5 (60/10/10/20): a model fitted on the first, the
calibrator on the second. The error is the mean over classes and 15 bins of equal mass of
|mean p - mean true p|, the true probability being the oracle's: there is no noise of labels in it.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from planted import LABEL, N_BARS, RESULTS, Prepared, config_hash, prepare

from truebar.calibration import cross_fit, fit
from truebar.calibration.isotonic import FEWEST_ROWS
from truebar.calibration.methods import METHODS
from truebar.market import oracle, synthetic
from truebar.models.xgboost import fit_rows
from truebar.scores.activity import equal_mass_bins
from truebar.validation import timeline

STRENGTHS: Final = (0.08, 0.15, 0.25)
FIRST_SEED: Final = 2_000
"""Seeds apart from those of size.py and power.py."""

PLACES: Final = ("out of fold", "vault", "vault, strict")

Floats = npt.NDArray[np.float64]


def true_error(said: Floats, true: Floats) -> float:
    """Return the mean over classes and bins of equal mass of |mean p - mean true p|."""
    known = np.isfinite(true).all(axis=1)
    errors = []
    for said_class, true_class in zip(said[known].T, true[known].T, strict=True):
        place = equal_mass_bins(np.ascontiguousarray(said_class))
        rows = np.maximum(np.bincount(place), 1)
        errors.append(np.mean(np.abs(np.bincount(place, weights=said_class - true_class)) / rows))
    return float(np.mean(errors))


def errors_of(ready: Prepared) -> dict[str, dict[str, float]]:
    """Return the error by place and method; isotonic is left out where it has too few rows."""
    history, made, label = ready.history, ready.fitted.out_of_fold, ready.history.label
    true = oracle(ready.market, LABEL).probabilities.to_numpy()
    raw = ready.fitted.model.predict(history.features[ready.vault])
    slices = timeline(history.open_time, history.labels["label_end"])
    early = fit_rows(history, slices["fit"], ready.recipe)
    few = early.predict(history.features[slices["calibrate"]])
    late = early.predict(history.features[slices["vault"]])
    found: dict[str, dict[str, float]] = {place: {} for place in PLACES}
    for method in METHODS:
        inside = cross_fit(method, made.probabilities, label[made.rows], made.fold)
        found["out of fold"][method] = true_error(inside, true[made.rows])
        outside = fit(method, made.probabilities, label[made.rows]).predict(raw)
        found["vault"][method] = true_error(outside, true[ready.vault])
        if method != "isotonic" or len(few) >= FEWEST_ROWS:
            small = fit(method, few, label[slices["calibrate"]]).predict(late)
            found["vault, strict"][method] = true_error(small, true[slices["vault"]])
    return found


def result_of(strength: float, seed: int) -> dict[str, Any]:
    """Return one market's line."""
    ready = prepare(synthetic("SYN-EDGE", seed=seed, n_bars=N_BARS, A=strength))
    return {
        "kind": "calibration",
        "config_hash": config_hash(),
        "A": strength,
        "seed": seed,
        "chosen": ready.recipe.calibration,
        "errors": errors_of(ready),
    }


def table(lines: list[dict[str, Any]]) -> str:
    """Return mean errors by strength and place as Markdown."""
    head = ["A", "rows", *METHODS, "chosen"]
    body = []
    for strength in sorted({line["A"] for line in lines}):
        mine = [line for line in lines if line["A"] == strength]
        chosen = ", ".join(sorted({str(line["chosen"]) for line in mine}))
        for place in PLACES:
            cells = []
            for method in METHODS:
                values = [line["errors"][place][method] for line in mine if method in line["errors"][place]]
                cells.append(f"{np.mean(values):.4f}" if values else "–")
            body.append([f"{strength:.2f}", place, *cells, chosen if place == PLACES[0] else ""])
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *body])


def main() -> None:
    """Run every strength and seed, print the table, and append the lines with --record."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seeds", type=int, default=3, help="markets of each strength")
    options.add_argument(
        "--record", action="store_true", help="append to benchmarks/results/calibration.jsonl"
    )
    chosen = options.parse_args()
    tasks = [(strength, FIRST_SEED + seed) for seed in range(chosen.seeds) for strength in STRENGTHS]
    lines = []
    for number, (strength, seed) in enumerate(tasks, start=1):
        lines.append(result_of(strength, seed))
        sys.stderr.write(f"{number}/{len(tasks)} A {strength} seed {seed}\n")
    sys.stdout.write(table(lines) + "\n")
    if chosen.record:
        with (RESULTS / "calibration.jsonl").open("a") as file:
            file.write("".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))


if __name__ == "__main__":
    main()
