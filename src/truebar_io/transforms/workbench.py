"""The private folder in which one run builds: made, locked, and removed at once or swept later."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from truebar.errors import ConfigurationError, PartitionBusyError
from truebar_io.durable import exclusively_if_free
from truebar_io.home import Home
from truebar_io.transforms.build import WORKBENCH_FILE

LOCK_FILE: Final = "lock"
RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
KEEP_LEFTOVERS_SECONDS: Final = 86_400.0
"""How long a failed build's database, logs and compiled SQL can be looked at."""


def sweep(home: Home, *, older_than_seconds: float = KEEP_LEFTOVERS_SECONDS) -> tuple[Path, ...]:
    """Remove what failed and killed runs left, and return the folders removed.

    A folder whose run is alive is never touched, whatever its age.
    """
    before = time.time() - older_than_seconds
    removed = []
    for folder in sorted(home.workbench.glob("*/")):
        try:
            if folder.stat().st_mtime > before:
                continue
            with exclusively_if_free(folder / LOCK_FILE) as is_free:
                if is_free:
                    shutil.rmtree(folder)
                    removed.append(folder)
        except FileNotFoundError:  # another process swept it first
            continue
    return tuple(removed)


@contextmanager
def workbench(home: Home, run_id: str) -> Iterator[Path]:
    """Yield the path of the run's private database, in an empty folder that nobody else touches meanwhile.

    Unless the caller discards it, the folder stays for a day, with dbt's logs and compiled SQL, to be looked
    at. What earlier runs left is swept first.

    Args:
        home: where the folder is made.
        run_id: names the folder; a Dagster run's id.

    Raises:
        ConfigurationError: when `run_id` cannot name a folder.
        PartitionBusyError: when the same run builds already, in another step or process.
    """
    if RUN_ID.fullmatch(run_id) is None:
        raise ConfigurationError(
            f"run id {run_id!r} cannot name a folder; expected letters, digits, - and _."
        )
    sweep(home)
    folder = home.workbench / run_id
    folder.mkdir(parents=True, exist_ok=True)
    with exclusively_if_free(folder / LOCK_FILE) as is_free:
        if not is_free:
            raise PartitionBusyError(f"run {run_id} is building in {folder} already; wait until it ends.")
        for entry in folder.iterdir():  # a failed attempt of the same run
            if entry.name != LOCK_FILE:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        yield folder / WORKBENCH_FILE


def discard(path: Path) -> None:
    """Remove the folder of the workbench at `path`: what it was for is done."""
    shutil.rmtree(path.parent)
