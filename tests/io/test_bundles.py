"""The store must give back exactly what was saved, or say why it cannot."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tests.unit.models.bundles import small_bundle
from truebar.errors import BundleError, StorageFullError
from truebar.partitions import Partition
from truebar_io import durable
from truebar_io.bundles import BundleStore
from truebar_io.home import Home

PARTITION = Partition("BTC-USD", "1h")
KIND = "xgboost"


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    return BundleStore(Home(tmp_path))


def bundle_folder(tmp_path: Path) -> Path:
    return tmp_path / "models" / "BTC-USD" / "1h" / KIND / "bundles"


def test_save_and_load_a_bundle_gives_the_same_files(store: BundleStore, tmp_path: Path):
    bundle = small_bundle()
    name = store.save(PARTITION, KIND, bundle)
    assert name == bundle.name
    assert store.current(PARTITION, KIND) == name
    assert store.load(PARTITION, KIND).files == bundle.files
    assert [path.name for path in bundle_folder(tmp_path).iterdir()] == [name]


def test_save_of_a_second_bundle_moves_the_pointer_and_keeps_the_first(store: BundleStore):
    first, second = small_bundle(b"one"), small_bundle(b"two")
    store.save(PARTITION, KIND, first)
    store.save(PARTITION, KIND, second)
    store.save(PARTITION, KIND, second)
    assert store.current(PARTITION, KIND) == second.name
    assert store.load(PARTITION, KIND, first.name).files["model.ubj"] == b"one"


def test_load_of_a_changed_bundle_raises_and_saving_it_again_heals_it(store: BundleStore, tmp_path: Path):
    bundle = small_bundle()
    name = store.save(PARTITION, KIND, bundle)
    (bundle_folder(tmp_path) / name / "model.ubj").write_bytes(b"{TREES}")
    with pytest.raises(BundleError, match="changed"):
        store.load(PARTITION, KIND)
    store.save(PARTITION, KIND, bundle)
    assert store.load(PARTITION, KIND).files == bundle.files


def test_load_before_the_first_training_raises_a_named_error(store: BundleStore):
    assert store.current(PARTITION, KIND) is None
    assert store.load_verdict(PARTITION, KIND) is None
    with pytest.raises(BundleError, match="BTC-USD 1h"):
        store.load(PARTITION, KIND)
    with pytest.raises(BundleError, match=r"calibrator\.json"):
        store.load_part(PARTITION, KIND, "calibrator.json")


def test_save_with_a_full_disk_leaves_what_was_there(
    store: BundleStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = small_bundle(b"one")
    store.save(PARTITION, KIND, first)
    store.save_part(PARTITION, KIND, "model.ubj", b"one")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(durable.os, "fsync", full)
    with pytest.raises(StorageFullError):
        store.save(PARTITION, KIND, small_bundle(b"two"))
    with pytest.raises(StorageFullError):
        store.save_part(PARTITION, KIND, "model.ubj", b"two")
    monkeypatch.undo()
    assert store.load(PARTITION, KIND).name == first.name
    assert store.load_part(PARTITION, KIND, "model.ubj") == b"one"
    assert [path.name for path in bundle_folder(tmp_path).iterdir()] == [first.name]
    assert not list(tmp_path.rglob("*.part"))


def test_save_part_replaces_the_part_before_it(store: BundleStore):
    store.save_part(PARTITION, KIND, "model.ubj", b"one")
    store.save_part(PARTITION, KIND, "model.ubj", b"two")
    assert store.load_part(PARTITION, KIND, "model.ubj") == b"two"


def test_verdict_is_kept_outside_the_bundles_hash(store: BundleStore):
    bundle = small_bundle()
    store.save(PARTITION, KIND, bundle)
    store.save_verdict(PARTITION, KIND, {"verdict": "no edge proven", "failed": ["roc_auc"]})
    assert store.load_verdict(PARTITION, KIND) == {"verdict": "no edge proven", "failed": ["roc_auc"]}
    assert store.load(PARTITION, KIND).name == bundle.name


@pytest.mark.parametrize("kind", ["../xgboost", "", "unknown"])
def test_store_of_an_unknown_kind_or_part_raises(store: BundleStore, kind: str):
    with pytest.raises(BundleError, match="kind"):
        store.save_part(PARTITION, kind, "model.ubj", b"")
    with pytest.raises(BundleError, match="part"):
        store.save_part(PARTITION, KIND, "../model.ubj", b"")
