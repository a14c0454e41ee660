"""Machine code that is kept must be that of everything that was compiled into it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np

from truebar.compiled import (
    bound,
    code_digest,
    compiled,
    compiled_as_numpy,
    compiled_part,
    compiled_within,
)

FACTOR = 2.0


@compiled
def doubled(value: float) -> float:
    """Return the double."""
    return value * FACTOR


@compiled
def doubled_and_one(value: float) -> float:
    return doubled(value) + 1.0


@compiled_part
def tripled(value: float) -> float:
    return value * (FACTOR + 1.0)


@compiled_within
def tripled_and_one(value: float) -> float:
    return tripled(value) + 1.0


@compiled_as_numpy
def from_parts(value: float) -> float:
    return tripled_and_one(value) / 2.0


def test_parts_without_an_entry_of_their_own_are_computed_and_told_apart(monkeypatch):
    assert from_parts(3.0) == 5.0
    before = code_digest(from_parts)
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    assert code_digest(from_parts) != before


@compiled
def summed(values: np.ndarray) -> float:
    return values.sum()


def test_a_bound_function_is_compiled_and_reads_its_arrays_anew_at_each_call():
    values = np.array([1.0, 2.0])
    assert not summed.signatures
    sum_of_values = bound(summed, values)
    assert summed.signatures
    assert sum_of_values() == 3.0
    values[0] = 5.0
    assert sum_of_values() == 7.0


def test_code_digest_changes_with_a_constant_of_a_function_that_is_called(monkeypatch):
    before = code_digest(doubled_and_one)
    assert before == code_digest(doubled_and_one)
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    assert code_digest(doubled_and_one) != before


def test_code_digest_does_not_change_with_a_docstring():
    def documented(value: float) -> float:
        """Return twice the value."""
        return value * FACTOR

    def bare(value: float) -> float:
        return value * FACTOR

    def other(value: float) -> float:
        return value + FACTOR

    assert code_digest(documented) == code_digest(bare) != code_digest(other)


def test_kept_code_is_not_used_when_a_function_of_another_file_has_changed(tmp_path: Path):
    (tmp_path / "caller.py").write_text(
        textwrap.dedent(
            """
            from truebar.compiled import compiled
            from callee import one_more
            @compiled
            def twice(value):
                return one_more(one_more(value))
            """
        )
    )

    def computed(step: float) -> str:
        (tmp_path / "callee.py").write_text(
            "from truebar.compiled import compiled\n"
            f"@compiled\ndef one_more(value):\n    return value + {step}\n"
        )
        ran = subprocess.run(
            [sys.executable, "-c", "from caller import twice; print(twice(0.0), twice.stats.cache_hits)"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        return ran.stdout.strip()

    hits = "Counter()"
    assert computed(1.0) == f"2.0 {hits}"
    assert computed(2.5) == f"5.0 {hits}"
    assert computed(2.5).startswith("5.0 Counter({")


def test_compiled_as_numpy_divides_by_zero_as_numpy_does():
    @compiled_as_numpy
    def ratio(a: float, b: float) -> float:
        return a / b

    assert ratio(1.0, 0.0) == float("inf")
