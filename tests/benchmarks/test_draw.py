"""What `benchmarks/draw.py` makes of a small file of results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scipy.stats import binom

from benchmarks.draw import clopper_pearson, main

CONDITIONS = ("roc_auc", "sharpe_p")


def size_line(
    seed: int, costs: str, *, edge: bool, auc: bool, drift: float = 0.0, config: str = "new"
) -> str:
    verdict = "edge" if edge else "no edge proven"
    conditions = dict(zip(CONDITIONS, (auc, edge), strict=True))
    return json.dumps(
        {
            "kind": "size",
            "config_hash": config,
            "seed": seed,
            "drift": drift,
            "costs": costs,
            "verdict": verdict,
            "conditions": conditions,
            "metrics": {},
        }
    )


def power_line(strength: float, seed: int, costs: str, *, edge: bool, found: float | None) -> str:
    return json.dumps(
        {
            "kind": "power",
            "config_hash": "p",
            "A": strength,
            "seed": seed,
            "costs": costs,
            "verdict": "edge" if edge else "no edge proven",
            "found_share": found,
            "oracle_auc": 0.5 + strength,
            "auc": 0.5,
            "conditions": dict.fromkeys(CONDITIONS, edge),
        }
    )


@pytest.fixture
def results(tmp_path: Path) -> Path:
    size = [size_line(9, "default", edge=True, auc=True, config="old")]
    size += [size_line(0, "default", edge=True, auc=True)]  # run again below: the later line counts
    size += [size_line(seed, "default", edge=False, auc=seed == 0) for seed in range(3)]
    size += [size_line(3, "default", edge=False, auc=False, drift=0.5)]
    size += [size_line(seed, "tenth", edge=seed == 1, auc=seed == 1) for seed in range(2)]
    power = [power_line(0.25, seed, "default", edge=seed > 0, found=0.8 + 0.1 * seed) for seed in range(3)]
    power += [power_line(0.02, 0, "default", edge=False, found=None)]
    (tmp_path / "size.jsonl").write_text("\n".join(size) + "\n")
    (tmp_path / "power.jsonl").write_text("\n".join(power) + "\n")
    return tmp_path


def shown(results: Path, *more: str) -> int:
    return main(["--results", str(results), "--images", str(results / "images"), *more])


def test_draw_prints_counts_shares_and_intervals(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(results) == 0
    text = capsys.readouterr().out
    assert "| **`edge`** | 0/4 = 0.0 % (0.0–60.2) | 1/2 = 50.0 % (1.3–98.7) |" in text
    assert "| `edge`, drift +50% a year | 0/1 = 0.0 % (0.0–97.5) | – |" in text
    assert "| `roc_auc` alone | 1/4 = 25.0 % (0.6–80.6) | 1/2 = 50.0 % (1.3–98.7) |" in text
    assert "6 results of configuration `new`; left out: 1 repeated, 1 of other configurations." in text
    assert "| 0.02 | 0.520 | 0/1 = 0.0 % (0.0–97.5) | – |" in text
    assert "| 0.25 | 0.750 | 2/3 = 66.7 % (9.4–99.2) | 0.90 (min 0.80) |" in text


def test_draw_makes_both_pictures(results: Path) -> None:
    shown(results)
    for name in ("size", "power"):
        picture = (results / "images" / f"{name}.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 10_000


def test_draw_shows_the_configuration_asked_for(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (results / "power.jsonl").unlink()
    assert shown(results, "--config", "old") == 0
    out, err = capsys.readouterr()
    assert "| **`edge`** | 1/1 = 100.0 % (2.5–100.0) |" in out
    assert "power.jsonl is not there" in err


def test_draw_unknown_configuration_or_empty_file_is_refused(results: Path) -> None:
    with pytest.raises(SystemExit, match="no result of configuration none"):
        shown(results, "--config", "none")
    (results / "size.jsonl").write_text("\n")
    with pytest.raises(SystemExit, match="holds no result"):
        shown(results)


def test_draw_without_any_file_says_so(tmp_path: Path) -> None:
    assert shown(tmp_path) == 1


@pytest.mark.parametrize(("successes", "n"), [(0, 200), (3, 200), (10, 200), (15, 15)])
def test_clopper_pearson_ends_are_where_the_tails_hold_a_fortieth(successes: int, n: int) -> None:
    low, high = clopper_pearson(successes, n)
    if successes:
        assert binom.sf(successes - 1, n, low) == pytest.approx(0.025)
    else:
        assert low == 0
    if successes < n:
        assert binom.cdf(successes, n, high) == pytest.approx(0.025)
    else:
        assert high == 1
