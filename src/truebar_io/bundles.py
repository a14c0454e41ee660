"""Bundles and the parts they are made of, on disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from truebar.config import Settings
from truebar.errors import BundleError
from truebar.kinds import KINDS
from truebar.models.bundle import Bundle, canonical_json
from truebar.partitions import Partition
from truebar_io.durable import create_folder, replace_file
from truebar_io.home import Home

PARTS: Final = ("recipe.json", "fold_models.json", "model.ubj", "draft.json", "calibrator.json")
"""What the steps of one training leave for the next, until the bundle is packed."""


class Deployment(Settings):
    """What became of an evaluation bundle after its verdict."""

    evaluation: str = Field(description="name of the bundle that was judged")
    bundle: str | None = Field(description="name of the bundle that may trade; null where there is none")
    reason: str = Field(description="why there is none, or what the guard saw")


class Reported(Settings):
    """What the report on disk shows, and by which code it was drawn."""

    verdict: str = Field(description="fingerprint of the verdict")
    page: str = Field(default="", description="digest of the code that drew the page; empty: not recorded")


class BundleStore:
    """`models/<symbol>/<timeframe>/<kind>/`: parts of a training, bundles, the current one."""

    def __init__(self, home: Home) -> None:
        self._root = home.models

    def _folder(self, partition: Partition, kind: str) -> Path:
        if kind not in KINDS:
            raise BundleError(f"model kind {kind!r} is unknown; expected one of {', '.join(KINDS)}.")
        return self._root / partition.symbol / partition.timeframe / kind

    def save_part(self, partition: Partition, kind: str, name: str, content: bytes) -> None:
        """Keep what one step of a training made, whole or not at all."""
        if name not in PARTS:
            raise BundleError(f"{name!r} is no part of a training; expected one of {', '.join(PARTS)}.")
        replace_file(self._folder(partition, kind) / "parts" / name, content)

    def load_part(self, partition: Partition, kind: str, name: str) -> bytes:
        """Return what an earlier step of the training made.

        Raises:
            BundleError: when that step has not run yet.
        """
        path = self._folder(partition, kind) / "parts" / name
        if not path.is_file():
            raise BundleError(
                f"{partition} {kind}: {name} is not there; materialize the step before this one, or "
                "the whole kind with the job `train`."
            )
        return path.read_bytes()

    def save(self, partition: Partition, kind: str, bundle: Bundle) -> str:
        """Store a bundle under its name and return the name; one to judge becomes the current one.

        A folder of that name whose files are not what they were is replaced: it could never be loaded.
        """
        folder = self._folder(partition, kind)
        stored = folder / "bundles" / bundle.name
        if stored.is_dir() and _files_of(stored) != bundle.files:
            shutil.rmtree(stored)
        create_folder(stored, bundle.files)
        if bundle.manifest.purpose == "evaluation":
            replace_file(folder / "evaluation.json", canonical_json({"bundle": bundle.name}))
        return bundle.name

    def save_deployment(self, partition: Partition, kind: str, deployment: Deployment) -> None:
        """Write down what became of the current evaluation bundle: a bundle that may trade, or why not."""
        content = canonical_json(deployment.model_dump(mode="json"))
        replace_file(self._folder(partition, kind) / "deploy.json", content)

    def deployment(self, partition: Partition, kind: str) -> Deployment | None:
        """Return what became of the last evaluation bundle that was judged; None before the first."""
        path = self._folder(partition, kind) / "deploy.json"
        return Deployment.model_validate_json(path.read_bytes()) if path.is_file() else None

    def current(self, partition: Partition, kind: str) -> str | None:
        """Return the name of the current evaluation bundle; None before the first training."""
        path = self._folder(partition, kind) / "evaluation.json"
        return str(json.loads(path.read_bytes())["bundle"]) if path.is_file() else None

    def load(self, partition: Partition, kind: str, name: str | None = None) -> Bundle:
        """Return a bundle, the current one to judge unless named, its content checked against its name.

        Raises:
            BundleError: when there is none, or its files are not what they were.
        """
        wanted = name or self.current(partition, kind)
        folder = self._folder(partition, kind) / "bundles" / (wanted or "none")
        if wanted is None or not folder.is_dir():
            raise BundleError(
                f"{partition} has no {kind} bundle {wanted or ''}; train it with the job `train`."
            )
        return Bundle.parse(_files_of(folder), name=wanted)

    def save_verdict(self, partition: Partition, kind: str, verdict: dict[str, Any]) -> None:
        """Keep the verdict beside the bundle it judges, outside the bundle's hash."""
        replace_file(self._folder(partition, kind) / "verdict.json", canonical_json(verdict))

    def save_reported(self, partition: Partition, kind: str, reported: Reported) -> None:
        """Write down which verdict the report on disk shows, and by which code it was drawn."""
        content = canonical_json(reported.model_dump(mode="json"))
        replace_file(self._folder(partition, kind) / "reported.json", content)

    def reported(self, partition: Partition, kind: str) -> Reported | None:
        """Return which verdict the report on disk shows; None before the first."""
        path = self._folder(partition, kind) / "reported.json"
        return Reported.model_validate_json(path.read_bytes()) if path.is_file() else None

    def load_verdict(self, partition: Partition, kind: str) -> dict[str, Any] | None:
        """Return the last verdict; None before the first."""
        path = self._folder(partition, kind) / "verdict.json"
        return dict(json.loads(path.read_bytes())) if path.is_file() else None


def _files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
