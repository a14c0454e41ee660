"""What the machine offers, and what this process has taken of it."""

from __future__ import annotations

import gc
import os
import resource
import time
from dataclasses import dataclass

MOST_WORKERS = 8
"""More folds at once than this hold more matrices than they gain."""


def workers() -> int:
    """Return how many pieces of work to do at once: one for each core this process may use, at most 8."""
    return min(len(os.sched_getaffinity(0)), MOST_WORKERS)


def collect_garbage_seldom() -> None:
    """Let Python look for garbage each 10,000 new objects, not each 700, for the life of this process.

    Of the CPU time of a process that loads Dagster, dbt and MLflow, a seventh went into looking for garbage
    in modules that stay. What is not in a cycle is freed at once, as always.
    """
    gc.set_threshold(10_000, 10, 10)


@dataclass(frozen=True)
class Spent:
    """Time that went by, and CPU time of all threads and of child processes that have ended, in seconds.

    >>> Spent(3.0, 2.5) - Spent(1.0, 0.5) + Spent(0.5, 0.0)
    Spent(wall_s=2.5, cpu_s=2.0)
    """

    wall_s: float
    cpu_s: float

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.wall_s + other.wall_s, self.cpu_s + other.cpu_s)

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.wall_s - other.wall_s, self.cpu_s - other.cpu_s)


def spent_until_now() -> Spent:
    """Return what this process has spent since it was started, the start of Python included."""
    import psutil  # noqa: PLC0415 (comes with the orchestration extra)

    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = time.process_time() + children.ru_utime + children.ru_stime
    return Spent(time.time() - psutil.Process().create_time(), cpu_s)
