"""Bars that are added extend the families from their saved state, and nothing shows but the time saved."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.io.stamps import stamp
from tests.unit.features.markets import random_bars
from truebar.feature_columns import COLUMN_FAMILIES
from truebar.partitions import Partition
from truebar_io.lineage import code_digest, made_from
from truebar_io.stages import features
from truebar_io.stages.feature_state import published_source, state_path
from truebar_io.stages.features import publish_family
from truebar_io.warehouse import Warehouse

PARTITION = Partition("BTCUSDT", "5m")
HISTORY = random_bars(21, 900, missing=(400, 401, 640))


def klines(bars: pd.DataFrame, timeframe: str = "5m") -> pd.DataFrame:
    return bars.assign(close_time=bars["open_time"] + pd.Timedelta(timeframe.replace("m", "min")))


class Shelf:
    """One warehouse, and how many bars each publish has folded."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, partition: Partition = PARTITION) -> None:
        self.store, self.partition = Warehouse(path), partition
        self.folded: list[int] = []

        class Counted(features.FeatureStream):
            def extend(inner, bars: pd.DataFrame) -> pd.DataFrame:
                self.folded.append(len(bars))
                return super().extend(bars)

        monkeypatch.setattr(features, "FeatureStream", Counted)

    def bring(self, bars: pd.DataFrame) -> None:
        frame = klines(bars, self.partition.timeframe)
        self.store.write(self.partition, "market.klines", frame, mode="append")

    def publish(self, family: str = "volume") -> str:
        return publish_family(self.store, self.partition, family).digest

    def is_fresh(self, family: str = "volume") -> bool:
        table = f"features.{family}"
        wanted = made_from(self.store, self.partition, table, code=code_digest())
        return published_source(self.store, self.partition, table) == wanted


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    made = Shelf(tmp_path / "home", monkeypatch)
    made.bring(HISTORY.iloc[:700])
    return made


def recomputed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bars: pd.DataFrame, family: str) -> str:
    other = Shelf(tmp_path / "recomputed", monkeypatch)
    other.bring(bars)
    return other.publish(family)


@pytest.mark.parametrize("family", COLUMN_FAMILIES)
def test_publish_after_bars_were_appended_has_the_bits_of_a_recomputation(
    shelf, tmp_path, monkeypatch, family
):
    shelf.publish(family)
    for end in (701, 705, 900):
        shelf.bring(HISTORY.iloc[:end])
        digest = shelf.publish(family)
        assert shelf.is_fresh(family)
    assert shelf.folded == [700, 1, 4, 192]
    assert digest == recomputed(tmp_path, monkeypatch, HISTORY, family)


def test_publish_of_the_same_bars_again_folds_nothing(shelf):
    first = shelf.publish()
    file = shelf.store.root / "BTCUSDT" / "5m" / "features.duckdb"
    before = stamp(file)
    assert shelf.publish() == first
    assert shelf.folded == [700, 0]
    assert stamp(file) == before
    assert shelf.is_fresh()


def test_publish_after_a_bar_was_revised_computes_from_the_first_bar(shelf, tmp_path, monkeypatch):
    shelf.publish()
    revised = HISTORY.copy()
    revised.loc[300, "volume"] *= 2
    shelf.bring(revised.iloc[:720])
    digest = shelf.publish()
    assert shelf.folded == [700, 720]
    assert digest == recomputed(tmp_path, monkeypatch, revised.iloc[:720], "volume")


def test_publish_after_a_gap_was_filled_computes_from_the_first_bar(shelf, tmp_path, monkeypatch):
    shelf.publish()
    whole = random_bars(21, 900)
    shelf.bring(whole.iloc[:705])
    digest = shelf.publish()
    assert shelf.folded == [700, 705]
    assert digest == recomputed(tmp_path, monkeypatch, whole.iloc[:705], "volume")


def test_publish_after_a_kill_between_rows_and_state_computes_from_the_first_bar(
    shelf, tmp_path, monkeypatch
):
    shelf.publish()
    shelf.bring(HISTORY.iloc[:800])
    with monkeypatch.context() as killed:
        killed.setattr(features, "save_state", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            shelf.publish()
    shelf.bring(HISTORY)
    digest = shelf.publish()
    assert shelf.folded == [700, 100, len(HISTORY)]
    assert digest == recomputed(tmp_path, monkeypatch, HISTORY, "volume")


@pytest.mark.parametrize("damage", ["cut", "other kernel", "empty", "gone"])
def test_publish_with_a_state_that_cannot_be_believed_computes_from_the_first_bar(
    shelf, tmp_path, monkeypatch, damage
):
    shelf.publish()
    path = state_path(shelf.store, PARTITION, "volume")
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "other kernel":
        kernel = features.FeatureStream("volume").kernel.encode()
        path.write_bytes(content.replace(kernel, kernel[::-1]))
    else:
        path.write_bytes(content[:-100] if damage == "cut" else b"")
    shelf.bring(HISTORY)
    digest = shelf.publish()
    assert shelf.folded == [700, len(HISTORY)]
    assert digest == recomputed(tmp_path, monkeypatch, HISTORY, "volume")


def test_publish_over_two_years_in_two_files_goes_on_and_stays_fresh(tmp_path, monkeypatch):
    shelf = Shelf(tmp_path / "home", monkeypatch, Partition("BTCUSDT", "1m"))
    bars = random_bars(22, 600)
    bars["open_time"] = pd.date_range("2023-12-31 20:00", periods=600, freq="1min", tz="UTC")
    shelf.bring(bars.iloc[:300])
    shelf.publish()
    shelf.bring(bars)
    digest = shelf.publish()
    assert shelf.folded == [300, 300]
    assert shelf.is_fresh()
    other = Shelf(tmp_path / "other", monkeypatch, shelf.partition)
    other.bring(bars)
    assert other.publish() == digest


def test_publish_sweeps_what_a_killed_writer_of_the_state_left(shelf):
    path = state_path(shelf.store, PARTITION, "volume")
    left = path.with_name(f".{path.name}.0123.part")
    left.write_bytes(b"half")
    shelf.publish()
    assert not left.exists()
    assert path.exists()
