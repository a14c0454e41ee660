"""A run must lead to its data by digest and to its bundle, file for file, with a signature."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.models.bundles import small_bundle
from truebar.partitions import Partition
from truebar_io.home import Home
from truebar_io.logged_bundle import log_bundle
from truebar_io.tracking import track, tracking_uri

BTC = Partition("BTC-USD", "1h")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


def client_of(home: Home) -> Any:
    from mlflow import MlflowClient  # noqa: PLC0415 (collecting the tests does not pay for it)

    return MlflowClient(tracking_uri(home))


def logged(home: Home, dagster_run_id: str, *contents: bytes) -> tuple[Any, list[str]]:
    """Log a bundle for each content within one run, and return the run and the models' ids."""
    with track(
        home,
        dagster_run_id=dagster_run_id,
        partition=BTC,
        kind="xgboost",
        step="thresholds",
        is_synthetic=False,
    ) as run:
        models = [log_bundle(run, small_bundle(content)) for content in contents]
    return client_of(home).get_run(run.run_id), models


def test_log_bundle_holds_every_file_and_its_signature(home: Home, tmp_path: Path) -> None:
    from mlflow.models import Model  # noqa: PLC0415

    run, (model_id,) = logged(home, "files", b"{trees}")
    assert [model.model_id for model in run.outputs.model_outputs] == [model_id]
    folder = Path(client_of(home).download_artifacts(run.info.run_id, "bundle", str(tmp_path)))
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "MLmodel"}
    assert files == small_bundle(b"{trees}").files
    described = Model.load(str(folder / "MLmodel"))
    assert [(one.name, str(one.type), one.required) for one in described.signature.inputs] == [
        ("a", "DataType.float", False),
        ("b", "DataType.float", False),
    ]
    assert described.signature.outputs.input_names() == ["p_down", "p_flat", "p_up"]
    assert list(described.flavors) == ["truebar"]
    assert described.flavors["truebar"]["bundle"] == small_bundle(b"{trees}").name


def test_log_bundle_model_says_what_it_was_made_from(home: Home) -> None:
    _, (model_id,) = logged(home, "made from", b"{trees}")
    model = client_of(home).get_logged_model(model_id)
    assert (model.name, model.model_type, str(model.status)) == ("xgboost", "xgboost", "READY")
    assert model.tags["bundle"] == small_bundle(b"{trees}").name
    assert model.params["data"] == "d" * 64
    kept = Path(model.artifact_location.removeprefix("file://").replace("%20", " "))
    assert {path.name for path in kept.iterdir()} == {"MLmodel", *small_bundle().files}


def test_log_bundle_twice_is_one_model_and_another_bundle_another(home: Home) -> None:
    _, (first, again, other) = logged(home, "twice", b"{trees}", b"{trees}", b"{more trees}")
    assert first == again != other


def test_log_dataset_names_digest_rows_and_columns_and_holds_no_data(home: Home) -> None:
    with track(
        home, dagster_run_id="data", partition=BTC, kind="xgboost", step="model", is_synthetic=False
    ) as run:
        for _ in range(2):
            run.log_dataset(
                "BTC-USD 1h dev",
                digest="d" * 64,
                rows=3_000,
                columns=["a", "b"],
                context="training",
                source="features.matrix",
            )
    (found,) = client_of(home).get_run(run.run_id).inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.digest) == ("BTC-USD 1h dev", "d" * 36)
    assert json.loads(found.dataset.source) == {"tables": "features.matrix", "digest": "d" * 64}
    assert json.loads(found.dataset.profile) == {"num_rows": 3_000}
    assert [one["name"] for one in json.loads(found.dataset.schema)["mlflow_colspec"]] == ["a", "b"]
    assert [(tag.key, tag.value) for tag in found.tags] == [("mlflow.data.context", "training")]


def test_log_text_is_a_file_of_the_run(home: Home) -> None:
    with track(
        home, dagster_run_id="text", partition=BTC, kind="xgboost", step="model", is_synthetic=False
    ) as run:
        run.log_text("<svg/>", "figures/importance.svg")
    kept = home.mlflow / "artifacts" / "xgboost" / run.run_id / "artifacts"
    assert (kept / "figures" / "importance.svg").read_text() == "<svg/>"
