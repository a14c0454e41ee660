"""A bundle: everything a prediction and a decision need, as named files whose hash is the bundle's name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Literal

from pydantic import Field, ValidationError

from truebar.config import Settings
from truebar.errors import BundleError
from truebar.models.recipe import Recipe

FILES: Final = (
    "calibrator.json",
    "features.json",
    "label.json",
    "manifest.json",
    "model.ubj",
    "thresholds.json",
)
"""The files of a bundle, each of them necessary."""

FORMAT: Final = 2


class Slice(Settings):
    """Rows of history that a step saw."""

    start: str = Field(description="open_time of the first bar, ISO 8601, UTC")
    end: str = Field(description="end of the last label, ISO 8601, UTC, exclusive")
    rows: int = Field(ge=0, description="labelled rows")


class DevFacts(Settings):
    """What the edge and the no-skill values need to know of dev; fitted on dev alone (METHOD §3, §6)."""

    edge_scale: float = Field(gt=0, description="m: mean |future_return| / tau over non-flat rows")
    class_second_moments: tuple[float, float, float] = Field(description="q: of down, flat, up")
    share_up: float = Field(ge=0, le=1, description="share of ups among non-flat rows")
    class_shares: tuple[float, float, float] = Field(description="shares of down, flat, up")


class Manifest(Settings):
    """What a bundle was made from and what it may be used for; no clock, no run, no path."""

    format: int = Field(FORMAT, ge=1, description="layout of the bundle")
    purpose: Literal["evaluation", "deploy"] = Field(description="to be judged on its vault, or to trade")
    kind: str
    symbol: str
    timeframe: str
    training: str = Field(description="of what was asked for, data and code: what makes it stale")
    recipe: Recipe
    recipe_digest: str
    data_digest: str = Field(description="of the rows of dev and vault")
    code_digest: str = Field(description="of the sources that compute")
    dev: Slice
    vault: Slice
    purged_rows: int = Field(ge=0, description="rows between dev and vault that belong to neither")
    fitted: Slice = Field(description="rows that model, calibrator and thresholds were fitted on")
    facts: DevFacts = Field(description="of the rows that it was fitted on")
    evaluation: str | None = Field(None, description="deploy: name of the bundle whose verdict it relies on")
    edge_correlation: float | None = Field(None, description="deploy: with the judged model's, unseen rows")


def canonical_json(value: Any) -> bytes:
    """Return `value` as JSON with sorted keys and an indent of two, for people and hashes alike."""
    return (json.dumps(value, sort_keys=True, indent=2, allow_nan=False) + "\n").encode()


def content_hash(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 over the names and contents of `files`, in the order of their names."""
    digest = sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + sha256(files[name]).digest())
    return digest.hexdigest()


@dataclass(frozen=True)
class Bundle:
    """The files of a bundle and what its manifest says."""

    files: Mapping[str, bytes]
    manifest: Manifest

    @property
    def name(self) -> str:
        """The hash of the content: equal names are equal bundles."""
        return content_hash(self.files)

    @classmethod
    def pack(cls, *, model: bytes, calibrator: str, thresholds: str, manifest: Manifest) -> Bundle:
        """Return the bundle of one model with its calibrator and thresholds.

        Args:
            model: the booster in its own format; no pickle.
            calibrator: JSON of the calibrator.
            thresholds: JSON of the thresholds.
            manifest: what the three were made from.
        """
        files = {
            "model.ubj": model,
            "calibrator.json": calibrator.encode(),
            "thresholds.json": thresholds.encode(),
            "features.json": canonical_json({"columns": list(manifest.recipe.feature_columns)}),
            "label.json": canonical_json(manifest.recipe.label.model_dump(mode="json")),
            "manifest.json": canonical_json(manifest.model_dump(mode="json")),
        }
        return cls(files, manifest)

    @classmethod
    def parse(cls, files: Mapping[str, bytes], *, name: str) -> Bundle:
        """Return the bundle that `files` hold.

        Raises:
            BundleError: when a file is missing or foreign, the content does not match `name`, or the
                manifest is not one of this format.
        """
        if sorted(files) != sorted(FILES):
            raise BundleError(
                f"bundle {name[:12]} has the files {', '.join(sorted(files)) or 'none'}; expected exactly "
                f"{', '.join(FILES)}. Train again, or restore the folder."
            )
        found = content_hash(files)
        if found != name:
            raise BundleError(
                f"bundle {name[:12]} has content {found[:12]}: a file was changed after it was made. Its "
                "verdict is not that of these files; train again."
            )
        try:
            manifest = Manifest.model_validate_json(files["manifest.json"])
        except ValidationError as error:
            raise BundleError(f"bundle {name[:12]}: manifest.json cannot be read: {error}") from error
        return cls(dict(files), manifest)
