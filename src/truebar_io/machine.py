"""What the machine offers."""

from __future__ import annotations

import os

MOST_WORKERS = 8
"""More folds at once than this hold more matrices than they gain."""


def workers() -> int:
    """Return how many pieces of work to do at once: one for each core this process may use, at most 8."""
    return min(len(os.sched_getaffinity(0)), MOST_WORKERS)
