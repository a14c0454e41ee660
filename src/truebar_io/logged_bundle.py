"""A bundle as MLflow's logged model: its files, what goes in and what comes out, and no Python in it.

mlflow is imported inside functions: the import costs 3 to 4 CPU seconds.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from truebar.classes import PROBABILITIES
from truebar.models.bundle import Bundle
from truebar_io.tracking import TrackedRun

FOLDER: Final = "bundle"
"""Of the run's artefacts. The logged model, which is named after the kind, holds the same files: MLflow 3.17
finds those only by the tracking URI of the whole process, and lists them under no run without it."""

FLAVOR: Final = "truebar"


def signature_of(bundle: Bundle) -> Any:
    """Return MLflow's signature: float32 features, each of which may be missing, to three probabilities."""
    from mlflow.models import ModelSignature  # noqa: PLC0415
    from mlflow.types.schema import ColSpec, DataType, Schema  # noqa: PLC0415

    columns = bundle.manifest.recipe.feature_columns
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.float, name, required=False) for name in columns]),
        outputs=Schema([ColSpec(DataType.double, name) for name in PROBABILITIES]),
    )


def log_bundle(run: TrackedRun, bundle: Bundle) -> str:
    """Log a bundle as the run's model and return MLflow's id of it; a bundle that is there stays as it is.

    Its files are in the folder `bundle` of the run's artefacts and in the logged model, with `MLmodel` beside
    them: the signature and the bundle's name. The flavor is our own: `mlflow.pyfunc` refuses it, since a
    decision needs calibrator, thresholds and the decision code.
    """
    from mlflow.entities import LoggedModelOutput  # noqa: PLC0415
    from mlflow.models import Model  # noqa: PLC0415

    known = run.client.get_run(run.run_id).info
    held = run.client.search_logged_models([known.experiment_id], f"source_run_id = '{run.run_id}'")
    for model in held:
        if model.tags.get("bundle") == bundle.name and str(model.status) == "READY":
            return str(model.model_id)
    manifest = bundle.manifest
    made = run.client.create_logged_model(
        known.experiment_id,
        name=manifest.kind,
        source_run_id=run.run_id,
        tags={"bundle": bundle.name, "purpose": manifest.purpose},
        params={"recipe": manifest.recipe_digest, "data": manifest.data_digest, "code": manifest.code_digest},
        model_type=manifest.kind,
    )
    description = Model(
        artifact_path=manifest.kind,
        run_id=run.run_id,
        model_id=made.model_id,
        flavors={FLAVOR: {"bundle": bundle.name, "format": manifest.format, "files": sorted(bundle.files)}},
        signature=signature_of(bundle),
    )
    with TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in bundle.files.items():
            (folder / file).write_bytes(content)
        description.save(str(folder / "MLmodel"))
        run.log_artifacts(folder, folder=FOLDER)
        run.client.log_model_artifacts(made.model_id, str(folder))
    run.client.finalize_logged_model(made.model_id, "READY")
    run.client.log_outputs(run.run_id, [LoggedModelOutput(made.model_id, 0)])
    return str(made.model_id)
