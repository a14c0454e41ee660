"""Calls that cannot be done: refused in words, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh TRUEBAR_HOME."""
    monkeypatch.setenv("TRUEBAR_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("import", "nothing.csv", "-s", "../../x", "-t", "1h"), "InvalidSymbolError"),
        (("import", "nothing.csv", "-s", "BTCUSDT", "-t", "7m"), "UnknownTimeframeError"),
        (("import", "nothing.csv", "-s", "BTCUSDT", "-t", "1h"), "UnreadableFileError"),
        (("materialize", "-s", "ZZZUSDT", "-t", "1h"), "has no klines and no source"),
        (("sql", "select * from market.nothing"), "UnknownTableError"),
        (("export", "market.klines", "--to", "x.parquet"), "there is: nothing yet"),
    ],
)
def test_bad_call_is_refused_in_words_and_writes_nothing(
    truebar: Run, home: Path, arguments: tuple[str, ...], expected: str
) -> None:
    status, _, err = truebar(*arguments)
    assert status == 2
    assert expected in err
    assert "Traceback" not in err
    assert not (home / "warehouse").exists()


def test_typo_in_the_configuration_names_the_key(
    truebar: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUEBAR_BACKTEST__COSTS__FEE_BSP", "3")
    status, out, err = truebar("doctor", "--json")
    assert status != 0
    assert "fee_bps" in out + err
