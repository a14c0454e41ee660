"""A bundle's name must be its content: the same parts the same name, any other byte another."""

from __future__ import annotations

import json

import pytest

from tests.unit.models.bundles import small_bundle
from truebar.errors import BundleError
from truebar.models.bundle import FILES, Bundle, canonical_json, content_hash

BUNDLE = small_bundle()


def test_pack_of_the_same_parts_gives_the_same_files_and_name():
    assert small_bundle().files == BUNDLE.files
    assert small_bundle().name == BUNDLE.name
    assert sorted(BUNDLE.files) == sorted(FILES)
    assert small_bundle(b"{other}").name != BUNDLE.name
    assert small_bundle(data_digest="e" * 64).name != BUNDLE.name


def test_pack_writes_features_and_label_of_the_recipe():
    assert json.loads(BUNDLE.files["features.json"]) == {"columns": ["a", "b"]}
    assert json.loads(BUNDLE.files["label.json"])["horizon_bars"] == BUNDLE.manifest.recipe.label.horizon_bars


def test_parse_gives_back_what_was_packed():
    read = Bundle.parse(BUNDLE.files, name=BUNDLE.name)
    assert read.manifest == BUNDLE.manifest
    assert read.name == BUNDLE.name


@pytest.mark.parametrize("name", FILES)
def test_parse_of_one_changed_byte_raises(name):
    content = bytearray(BUNDLE.files[name])
    content[len(content) // 2] ^= 1
    with pytest.raises(BundleError, match="changed"):
        Bundle.parse({**BUNDLE.files, name: bytes(content)}, name=BUNDLE.name)


def test_parse_of_a_missing_or_foreign_file_raises():
    fewer = {name: content for name, content in BUNDLE.files.items() if name != "calibrator.json"}
    with pytest.raises(BundleError, match=r"calibrator\.json"):
        Bundle.parse(fewer, name=content_hash(fewer))
    more = {**BUNDLE.files, "notes.txt": b""}
    with pytest.raises(BundleError, match=r"notes\.txt"):
        Bundle.parse(more, name=content_hash(more))


def test_parse_of_a_manifest_of_another_form_raises():
    files = {**BUNDLE.files, "manifest.json": canonical_json({"kind": "xgboost"})}
    with pytest.raises(BundleError, match="manifest"):
        Bundle.parse(files, name=content_hash(files))


def test_content_hash_tells_names_and_contents_apart():
    variants = [{"a": b"b"}, {"ab": b""}, {"a": b"", "b": b""}, {"b": b"a"}, {}]
    assert len({content_hash(files) for files in variants}) == len(variants)


def test_canonical_json_does_not_depend_on_order_and_refuses_nan():
    assert canonical_json({"b": 0.1, "a": 1}) == canonical_json({"a": 1, "b": 0.1})
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})
