from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.io.stamps import stamp
from truebar.errors import CorruptDataError, MissingDataError
from truebar_io.warehouse import Warehouse

MakeBars = Callable[..., pd.DataFrame]
KLINES = "market.klines"


@pytest.fixture
def new_year(make_bars: MakeBars) -> pd.DataFrame:
    """10 bars of 2023 and 20 of 2024."""
    return make_bars(30, start="2023-12-31 23:50", timeframe="1m")


def names(warehouse: Warehouse) -> list[str]:
    return sorted(path.name for path in warehouse.root.rglob("*.duckdb"))


def test_write_fine_timeframe_lies_in_a_file_of_each_year(warehouse, by_minute, new_year) -> None:
    result = warehouse.write(by_minute, KLINES, new_year)

    assert names(warehouse) == ["market.2023.duckdb", "market.2024.duckdb"]
    assert (result.rows, result.watermark) == (30, new_year["open_time"].iloc[-1])
    held = warehouse.read("*", KLINES, [by_minute])
    assert held["open_time"].tolist() == new_year["open_time"].tolist()
    assert warehouse.query("select count(*) as n from market.klines")["n"][0] == 30


def test_write_append_touches_only_the_years_of_its_rows(warehouse, by_minute, new_year, make_bars) -> None:
    warehouse.write(by_minute, KLINES, new_year, made_from="first")
    old = stamp(next(warehouse.root.rglob("market.2023.duckdb")))

    result = warehouse.write(
        by_minute, KLINES, make_bars(5, start="2024-06-01", timeframe="1m"), made_from="second"
    )

    assert result.rows == 35
    assert stamp(next(warehouse.root.rglob("market.2023.duckdb"))) == old


def test_write_years_of_different_origin_are_of_none_as_a_whole(warehouse, by_minute, new_year) -> None:
    warehouse.write(by_minute, KLINES, new_year, made_from="first")
    assert warehouse.summary(by_minute)[KLINES].made_from == "first"
    warehouse.write(by_minute, KLINES, new_year[:3].assign(volume=9.0), made_from="correction")
    summary = warehouse.summary(by_minute)[KLINES]
    assert (summary.made_from, summary.rows) == (None, 30)


def test_write_replace_killed_between_two_years_is_never_taken_for_fresh(
    warehouse, by_minute, new_year, monkeypatch
) -> None:
    warehouse.write(by_minute, KLINES, new_year, made_from="before")
    rename, renamed = Path.replace, []

    def killed_at_the_second(self: Path, target: Path) -> Path:
        if target.suffix == ".duckdb":
            renamed.append(target.name)
            if len(renamed) == 2:
                raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        warehouse.write(by_minute, KLINES, new_year.assign(volume=9.0), mode="replace", made_from="now")
    monkeypatch.undo()
    assert set(warehouse.read(["volume"], KLINES, [by_minute])["volume"]) > {9.0}
    assert warehouse.summary(by_minute)[KLINES].made_from is None

    warehouse.write(by_minute, KLINES, new_year.assign(volume=9.0), mode="replace", made_from="now")
    assert warehouse.summary(by_minute)[KLINES].made_from == "now"


def test_write_replace_empties_the_years_that_it_does_not_bring(warehouse, by_minute, new_year) -> None:
    warehouse.write(by_minute, KLINES, new_year)
    result = warehouse.write(by_minute, KLINES, new_year[15:], mode="replace")
    assert result.rows == 15
    assert (
        warehouse.read("*", KLINES, [by_minute])["open_time"].tolist() == new_year["open_time"][15:].tolist()
    )
    assert result.digest == warehouse.summary(by_minute)[KLINES].digest


def test_write_refused_in_one_year_publishes_no_year(warehouse, by_minute, new_year) -> None:
    bad = new_year.copy()
    bad.loc[29, "low"] = 0.0
    with pytest.raises(CorruptDataError):
        warehouse.write(by_minute, KLINES, bad)
    assert names(warehouse) == []
    with pytest.raises(MissingDataError):
        warehouse.read("*", KLINES, [by_minute])


def test_write_tables_without_time_lie_in_a_file_that_is_not_split(warehouse, by_minute, new_year) -> None:
    gap = pd.DataFrame(
        {
            "start": new_year["open_time"][:1],
            "end": new_year["open_time"][4:5].to_numpy(),
            "bars": 4,
            "reason": "missing",
        }
    )
    warehouse.write_tables(by_minute, {KLINES: new_year, "market.gaps": gap})
    assert names(warehouse) == ["market.2023.duckdb", "market.2024.duckdb", "market.duckdb"]
    assert warehouse.read(["bars"], "market.gaps", [by_minute])["bars"].tolist() == [4]
    warehouse.write(by_minute, "market.gaps", gap[:0], mode="replace")
    assert warehouse.read("*", "market.gaps", [by_minute]).empty


def test_write_empty_fine_table_is_there_and_is_filled_later(warehouse, by_minute, new_year) -> None:
    warehouse.write(by_minute, KLINES, new_year[:0])
    assert warehouse.read("*", KLINES, [by_minute]).empty
    assert warehouse.write(by_minute, KLINES, new_year).rows == 30
    assert len(warehouse.read("*", KLINES, [by_minute])) == 30


def test_view_is_made_in_each_year_and_an_old_year_is_not_copied_again(
    warehouse, by_minute, make_family
) -> None:
    price = make_family(30, "a", start="2023-12-31 23:50", timeframe="1m")
    context = price.rename(columns={"a": "b"})
    families = {"price": ["a"], "context": ["b"]}
    warehouse.write_tables(by_minute, {"features.price": price, "features.context": context})
    warehouse.create_view(by_minute, "features.matrix", families, made_from="one")
    assert len(warehouse.read("*", "features.matrix", [by_minute])) == 30
    old = stamp(next(warehouse.root.rglob("features.2023.duckdb")))

    later = make_family(4, "a", start="2024-01-01 00:20", timeframe="1m")
    frames = {"features.price": later, "features.context": later.rename(columns={"a": "b"})}
    warehouse.write_tables(by_minute, frames)
    result = warehouse.create_view(by_minute, "features.matrix", families, made_from="two")

    assert result.rows == 34
    assert stamp(next(warehouse.root.rglob("features.2023.duckdb"))) == old
    assert warehouse.summary(by_minute)["features.matrix"].made_from == "two"
    times = warehouse.read(["open_time"], "features.matrix", [by_minute])["open_time"]
    assert times.is_monotonic_increasing


def test_view_of_a_new_definition_is_made_in_every_year(warehouse, by_minute, make_family) -> None:
    price = make_family(30, "a", "b", start="2023-12-31 23:40", timeframe="1m")
    warehouse.write(by_minute, "features.price", price)
    warehouse.create_view(by_minute, "features.matrix", {"price": ["a"]})
    warehouse.create_view(by_minute, "features.matrix", {"price": ["b"]})
    held = warehouse.read("*", "features.matrix", [by_minute])
    assert list(held.columns) == ["open_time", "available_at", "b"]
    assert held["b"].notna().sum() == 28
