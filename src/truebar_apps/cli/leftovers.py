"""What killed writers left half done, old enough that none of them can still be at work."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Final

from truebar_io.home import Home
from truebar_io.transforms.workbench import KEEP_LEFTOVERS_SECONDS, sweep

PART_AGE_SECONDS: Final = 3_600.0


def _is_older(path: Path, seconds: float) -> bool:
    try:
        return time.time() - path.stat().st_mtime > seconds
    except FileNotFoundError:  # its writer has just finished
        return False


def old_parts(home: Home) -> list[Path]:
    """Return files and folders in the making, older than an hour, wherever files are put in place."""
    folders = (home.models, home.reports, home.landing, home.studies, home.exports, home.warehouse)
    # Below dagster/ only what truebar writes itself is looked at: Dagster keeps a folder for every run.
    found = [*home.dagster.glob("*.part"), *(path for folder in folders for path in folder.rglob("*.part"))]
    return sorted(path for path in found if _is_older(path, PART_AGE_SECONDS))


def old_workbenches(home: Home) -> list[Path]:
    """Return the folders of builds that failed or were killed more than a day ago."""
    return sorted(path for path in home.workbench.glob("*/") if _is_older(path, KEEP_LEFTOVERS_SECONDS))


def is_own(path: Path) -> bool:
    """Return whether truebar made this `.part`: its names begin with a dot, a user's download need not."""
    return path.name.startswith(".")


def remove_leftovers(home: Home) -> list[Path]:
    """Remove truebar's own leftovers and return them; a build that is alive is left alone."""
    removed = [path for path in old_parts(home) if is_own(path)]
    for path in removed:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return [*removed, *sweep(home)]
