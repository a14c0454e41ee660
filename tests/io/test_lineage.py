"""What makes a model stale: the code that computes it and its libraries, not the code that draws it."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from truebar_io import lineage
from truebar_io.lineage import (
    LIBRARIES,
    code_digest,
    computing_sources,
    drawing_sources,
    page_digest,
)


def test_computing_sources_hold_what_computes_and_not_what_draws() -> None:
    names = [name for name, _ in computing_sources()]
    assert len(names) == len(set(names))
    assert {"truebar/verdict.py", "truebar/study/trial.py", "truebar_io.stages/searching.py"} <= set(names)
    assert "truebar_io.studies" in names
    assert not [name for name in names if "reports/" in name or "figures/" in name or "reporting" in name]


def test_drawing_sources_hold_what_draws_reports_and_nothing_that_computes() -> None:
    drawn, computed = ({name for name, _ in sources} for sources in (drawing_sources(), computing_sources()))
    assert {"truebar/reports/style.py", "truebar/reports/charts/plot.py"} <= drawn
    assert {"truebar_io.stages/reporting.py", "truebar_io.stages/report_parts.py"} <= drawn
    assert not drawn & computed


def test_page_digest_changes_with_each_source_that_draws_and_code_digest_with_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, known, code, changed = page_digest(), lineage._sources, code_digest(), ""

    def edited(package: str) -> list[tuple[str, bytes]]:
        return [(name, text + b"#" * (name == changed)) for name, text in known(package)]

    monkeypatch.setattr(lineage, "_sources", edited)
    for changed in [name for name, _ in drawing_sources()]:
        assert page_digest.__wrapped__() != before, changed
        assert code_digest.__wrapped__() == code, changed


def test_computing_sources_are_the_files_as_they_are() -> None:
    found = dict(computing_sources())
    root = Path(lineage.__file__).parents[1]
    assert found["truebar_io.studies"] == (root / "truebar_io" / "studies.py").read_bytes()
    assert found["truebar/verdict.py"] == (root / "truebar" / "verdict.py").read_bytes()


@pytest.mark.parametrize("library", LIBRARIES)
def test_code_digest_changes_with_each_library(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, known = code_digest(), metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0" if name == library else known(name))
    assert code_digest.__wrapped__() != before


def test_libraries_that_search_and_calibrate_are_among_them() -> None:
    assert {"optuna", "scipy", "xgboost", "numpy", "scikit-learn"} <= set(LIBRARIES)
