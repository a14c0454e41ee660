from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest

from truebar.errors import ConfigurationError
from truebar.reports import IndexEntry, render_index


def test_index_has_one_linked_row_for_each_entry_in_order(
    verdict: dict[str, Any], edge_verdict: dict[str, Any]
) -> None:
    entries = [
        IndexEntry(edge_verdict | {"symbol": "SYN-EDGE"}, "SYN-EDGE_1h_xgboost.html", is_synthetic=True),
        IndexEntry(verdict | {"timeframe": "4h"}, "BTC-USD_4h_xgboost.html"),
        IndexEntry(verdict, "BTC-USD_1h_xgboost.html"),
    ]
    page = render_index(entries)

    assert re.findall(r'href="([^"]*)"', page) == [
        "BTC-USD_1h_xgboost.html",
        "BTC-USD_4h_xgboost.html",
        "SYN-EDGE_1h_xgboost.html",
    ]
    assert page.count("synthetic market") == 2
    assert "Edge in 0 of 2 real markets and in 1 of 1 synthetic market." in page
    assert render_index(entries[::-1]) == page


def test_index_row_shows_verdict_auc_interval_sharpe_and_trades(verdict: dict[str, Any]) -> None:
    vault = (pd.Timestamp("2019-04-27", tz="UTC"), pd.Timestamp("2019-10-02", tz="UTC"))
    page = render_index([IndexEntry(verdict, "a.html", vault=vault)])
    text = " ".join(re.sub(r"<[^>]*>", " ", page.split("<tbody>")[1]).split())

    assert text.startswith(
        "BTC-USD 1h xgboost vault 2019-04-27 to 2019-10-02 No edge proven not held: Direction AUC; Sharpe"
    )
    assert "0.5127 0.4871 to 0.5386 −0.83 −3.61 to 1.92 −3.12 % 84" in text


def test_index_undefined_number_shows_its_reason(verdict: dict[str, Any]) -> None:
    verdict["metrics"]["sharpe"] = {"value": None, "reason": "returns <do not> vary"}

    assert '–<span class="reason">returns &lt;do not&gt; vary</span>' in render_index(
        [IndexEntry(verdict, "a.html")]
    )


def test_index_without_entries_says_what_to_do() -> None:
    page = render_index([])

    assert "No verdict yet" in page
    assert "<table" not in page


def test_index_hostile_symbol_is_escaped(verdict: dict[str, Any]) -> None:
    page = render_index([IndexEntry(verdict | {"symbol": "<script>"}, "a.html")])

    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    "file", ["http://a/b.html", "../a.html", "/a.html", "a.htm", "javascript:a.html", ""]
)
def test_index_entry_file_that_is_no_bare_name_is_refused(verdict: dict[str, Any], file: str) -> None:
    with pytest.raises(ConfigurationError):
        IndexEntry(verdict, file)
