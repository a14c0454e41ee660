"""Files that disagree with the bars a partition holds already are of another market, and are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.bars import bars_of
from truebar.errors import CorruptDataError
from truebar.partitions import Partition
from truebar_io.configuration import load_configuration
from truebar_io.home import Home
from truebar_io.ingest import ingest_data_set, ingest_file
from truebar_io.ingest.agreement import MIN_SHARED_BARS
from truebar_io.sources import ingest_sources
from truebar_io.warehouse import Warehouse

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARTITION = Partition("BTCUSDT", "1h")
SETTINGS = load_configuration(environment={})


def make_bars(n: int = 100, *, seed: int = 0, start: str = "2025-01-01") -> pd.DataFrame:
    random = np.random.default_rng(seed)
    bars = bars_of(100 + random.normal(0, 1, n).cumsum(), start=start)
    return bars.assign(high=bars["high"] + 1, low=bars["low"] - 1, volume=random.uniform(1, 9, n))


def save(frame: pd.DataFrame, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, index=False)
    return path


def bring(store: Warehouse, path: Path) -> int:
    """Import a file as `truebar import` does; return how many bars it revised."""
    done = ingest_data_set(store, PARTITION, path, exchange_symbol="BTCUSDT", now=NOW)
    return sum(result.rows_revised for result in done.imported)


@pytest.fixture
def store(tmp_path: Path) -> Warehouse:
    held = Warehouse(tmp_path / "home")
    ingest_file(held, PARTITION, save(make_bars(), tmp_path / "BTCUSDT-1h-a.parquet"), now=NOW)
    return held


def test_import_of_another_market_is_refused_and_nothing_is_written(store: Warehouse, tmp_path: Path) -> None:
    before = store.summary(PARTITION)
    other = save(make_bars(80, seed=1), tmp_path / "ETHUSDT-1h-a.parquet")
    for ingest in (bring, lambda held, path: ingest_file(held, PARTITION, path, now=NOW)):
        with pytest.raises(CorruptDataError) as refused:
            ingest(store, other)
        told = str(refused.value)
        assert "ETHUSDT-1h-a.parquet" in told
        assert "BTCUSDT-1h-a.parquet" in told
        assert "close apart in 80 of the 80 bars that both hold" in told
        assert "symbol of its own" in told
    assert store.summary(PARTITION) == before


def test_landed_file_of_another_market_is_refused_and_the_others_are_taken(
    store: Warehouse, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    landing = home.landing / "BTCUSDT" / "1h"
    save(make_bars(seed=1), landing / "ETHUSDT-1h-a.parquet")
    save(make_bars(120).tail(40), landing / "BTCUSDT-1h-b.parquet")
    with pytest.raises(CorruptDataError, match=r"(?s)ETHUSDT-1h-a\.parquet.*close apart in 100 of the 100"):
        ingest_sources(store, home, PARTITION, SETTINGS, now=NOW)
    bars = store.read(["close"], "market.klines", PARTITION)["close"]
    assert bars.tolist() == make_bars(120)["close"].tolist()


def test_revision_of_half_of_the_bars_is_taken_and_of_more_is_not(store: Warehouse, tmp_path: Path) -> None:
    revised = make_bars()
    revised.loc[:49, "close"] += 0.5
    assert bring(store, save(revised, tmp_path / "b.parquet")) == 50
    revised.loc[:50, "close"] -= 0.25
    with pytest.raises(CorruptDataError, match="close apart in 51 of the 100 bars"):
        bring(store, save(revised, tmp_path / "c.parquet"))


def test_revision_of_everything_but_the_closes_is_taken(store: Warehouse, tmp_path: Path) -> None:
    assert bring(store, save(make_bars().assign(volume=20.0), tmp_path / "b.parquet")) == 100


def test_too_few_shared_bars_say_nothing(store: Warehouse, tmp_path: Path) -> None:
    few = MIN_SHARED_BARS - 1
    assert bring(store, save(make_bars(seed=1).head(few), tmp_path / "b.parquet")) == few
    assert bring(store, save(make_bars(seed=1, start="2025-06-01"), tmp_path / "c.parquet")) == 0


def test_folder_with_one_file_of_another_market_is_refused_as_a_whole(
    store: Warehouse, tmp_path: Path
) -> None:
    before = store.summary(PARTITION)
    save(make_bars(150).tail(70), tmp_path / "more" / "a.parquet")
    save(make_bars(60, seed=1), tmp_path / "more" / "b.parquet")
    with pytest.raises(CorruptDataError, match=r"b\.parquet and BTCUSDT-1h-a\.parquet close apart in"):
        bring(store, tmp_path / "more")
    assert store.summary(PARTITION) == before
