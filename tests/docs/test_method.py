"""The page `docs/method.md` names code, tests and commands that exist, and pictures that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "method.md").read_text()

NAMED = sorted(set(re.findall(r"`((?:src|tests|benchmarks|docs)/[\w/.]+)`", PAGE)))
COMMANDS = sorted(set(re.findall(r"`python (benchmarks/\w+\.py)", PAGE)))


def test_page_names_code_tests_and_commands_of_every_section() -> None:
    assert len(NAMED) > 25
    assert len(COMMANDS) >= 5
    for number in range(1, 8):
        section = PAGE.split(f"\n## {number}. ")[1].split("\n## ")[0]
        assert "*Code:*" in section, number
        assert "*Tests:*" in section, number
        assert "$`" in section, number


@pytest.mark.parametrize("name", NAMED + COMMANDS)
def test_page_names_what_exists(name: str) -> None:
    assert (ROOT / name).exists()


@pytest.mark.parametrize("image", sorted(set(re.findall(r"\]\((images/[^)]+)\)", PAGE))))
def test_page_shows_pictures_that_are_there(image: str) -> None:
    assert (ROOT / "docs" / image).is_file()


@pytest.mark.parametrize("anchor", sorted(set(re.findall(r"\]\(#([^)]+)\)", PAGE))))
def test_page_links_to_its_own_sections(anchor: str) -> None:
    headings = re.findall(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert anchor in slugs


def test_page_formulas_are_closed() -> None:
    assert PAGE.count("```") % 2 == 0
    assert PAGE.count("$`") == PAGE.count("`$") > 50
    assert not re.search(r"(?<!`)\$(?!`)", PAGE)
    for formula in re.findall(r"```math\n(.*?)```", PAGE, flags=re.DOTALL):
        assert formula.count("{") == formula.count("}")
        assert formula.count(r"\begin") == formula.count(r"\end")
        assert len(re.findall(r"\\left[^a-z]", formula)) == len(re.findall(r"\\right[^a-z]", formula))
