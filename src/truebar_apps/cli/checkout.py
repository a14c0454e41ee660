"""The checkout and its Dagster definitions, found by path when a command needs them."""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from truebar.errors import ConfigurationError
from truebar_io.durable import exclusively, replace_file
from truebar_io.home import Home

if TYPE_CHECKING:
    import dagster as dg

MARKERS = ("definitions.py", "workspace.yaml", "dagster.yaml")
EXPECTED_WARNINGS = (
    "Parameter `backfill_policy` of",
    "Specifying a partitions_def on an AssetCheckSpec",
    "Asset job refresh materializes assets with varying BackfillPolicies",
    "Function `dev_command` is superseded",
)
"""Beginnings of what Dagster warns of on each start; it is pinned, so these are what was tested."""


def find_checkout() -> Path | None:
    """Return the checkout: the folder here or above with the Dagster files, else the one installed from."""
    candidates = [Path.cwd(), *Path.cwd().parents, Path(__file__).resolve().parents[3]]
    return next((path for path in candidates if all((path / name).is_file() for name in MARKERS)), None)


def require_checkout() -> Path:
    """Return the checkout.

    Raises:
        ConfigurationError: when there is none; the wheel alone cannot run the graph.
    """
    checkout = find_checkout()
    if checkout is None:
        raise ConfigurationError(
            f"this command runs the Dagster graph, which lies in a checkout of truebar; none of {MARKERS} "
            "was found here or above. Run it inside a clone of the repository."
        )
    return checkout


def load_definitions(checkout: Path) -> dg.Definitions:
    """Return the `defs` of the checkout's `definitions.py`.

    Raises:
        ConfigurationError: when Dagster is not installed.
    """
    if importlib.util.find_spec("dagster") is None:
        raise ConfigurationError(
            "this command needs Dagster, which is not installed here; run `make install` in the checkout, or "
            "install truebar with its extra `orchestration`."
        )
    import dagster as dg  # noqa: PLC0415 (the command line starts without it)

    # Dagster is pinned, so what it calls beta or preview is what was tested.
    warnings.filterwarnings(
        "ignore", message="Asset job refresh materializes assets with varying BackfillPolicies"
    )
    for category in (dg.BetaWarning, dg.PreviewWarning, dg.SupersessionWarning):
        warnings.simplefilter("ignore", category)
    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))
    spec = importlib.util.spec_from_file_location("definitions", checkout / "definitions.py")
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{checkout / 'definitions.py'} cannot be loaded as Python.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    definitions: dg.Definitions = module.defs
    return definitions


def prepare_dagster_home(checkout: Path, home: Home) -> Path:
    """Make DAGSTER_HOME under the home, with the checkout's `dagster.yaml`, and name it in the environment.

    Telemetry is switched off for this process and its children; the children leave out expected warnings.
    """
    home.dagster.mkdir(parents=True, exist_ok=True)
    target = home.dagster / "dagster.yaml"
    content = (checkout / "dagster.yaml").read_bytes()
    if not target.exists() or target.read_bytes() != content:
        replace_file(target, content)
    os.environ.update(
        DAGSTER_HOME=str(home.dagster),
        DAGSTER_DISABLE_TELEMETRY="1",
        DO_NOT_TRACK="true",
        MLFLOW_DISABLE_TELEMETRY="true",
        TRUEBAR_HOME=str(home.path),
        PYTHONWARNINGS=",".join(
            [os.environ.get("PYTHONWARNINGS", ""), *(f"ignore:{text}" for text in EXPECTED_WARNINGS)]
        ).strip(","),
    )
    return home.dagster


def open_instance(home: Home) -> dg.DagsterInstance:
    """Return the Dagster instance of a home that is prepared.

    Its tables are made by one process at a time: two side by side leave the mark of their version in them
    twice, and no process opens such a home again.
    """
    import dagster as dg  # noqa: PLC0415 (the command line starts without it)

    with exclusively(home.dagster / "instance.lock", waiting_for="another process to make Dagster's tables"):
        return dg.DagsterInstance.get()
