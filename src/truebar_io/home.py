"""Where truebar keeps its state: one folder, named by TRUEBAR_HOME."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

HOME_VARIABLE = "TRUEBAR_HOME"
DEFAULT_FOLDER = ".truebar"


@dataclass(frozen=True)
class Home:
    """The folders under one TRUEBAR_HOME; nothing is created until something is written."""

    path: Path

    @classmethod
    def from_environment(cls, checkout: Path | None = None) -> Home:
        """Return the home that the environment names, else `.truebar` in the checkout (or here)."""
        named = os.environ.get(HOME_VARIABLE)
        base = Path(named) if named else (checkout or Path.cwd()) / DEFAULT_FOLDER
        return cls(base.expanduser().resolve())

    @property
    def warehouse(self) -> Path:
        """Published DuckDB files: `<symbol>/<timeframe>/<schema>.duckdb`."""
        return self.path / "warehouse"

    @property
    def landing(self) -> Path:
        """Files waiting to be ingested: `<symbol>/<timeframe>/*.parquet|csv`."""
        return self.path / "landing"

    @property
    def models(self) -> Path:
        """Model parts and bundles: `<symbol>/<timeframe>/<kind>/`."""
        return self.path / "models"

    @property
    def studies(self) -> Path:
        """Searches: one SQLite file for each partition and kind, and what its trials earned."""
        return self.path / "studies"

    @property
    def reports(self) -> Path:
        """HTML reports."""
        return self.path / "reports"

    @property
    def exports(self) -> Path:
        """Tables exported without naming a file: `<table>.parquet`."""
        return self.path / "exports"

    @property
    def mlflow(self) -> Path:
        """MLflow's SQLite database and artefacts."""
        return self.path / "mlflow"

    @property
    def dagster(self) -> Path:
        """Dagster's own state (DAGSTER_HOME)."""
        return self.path / "dagster"

    @property
    def workbench(self) -> Path:
        """Private databases of dbt, one folder for each run."""
        return self.path / ".workbench"

    @property
    def leases(self) -> Path:
        """Lock files, one for each partition that a run has worked on."""
        return self.path / "leases"

    @property
    def logs(self) -> Path:
        """Logs, among them `failures.jsonl` of the run-failure sensor."""
        return self.path / "logs"
