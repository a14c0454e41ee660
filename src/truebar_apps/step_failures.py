"""What failed steps of a run say, and whether the same run may succeed later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truebar import errors
from truebar_io.durable import is_full

if TYPE_CHECKING:
    from dagster import DagsterEvent
    from dagster_shared.error import SerializableErrorInfo

FailedPartitions = dict[str, dict[str, str]]
"""By key of a partition, name and message of the error that stopped it."""


def failed_partitions(event: DagsterEvent) -> FailedPartitions:
    """Return what stopped the partitions of a failed step; nothing where it failed in another way.

    It is in the metadata of the failure, where `assets.partitioned.raise_failures` puts it.
    """
    stated = event.step_failure_data.user_failure_data
    value = stated.metadata.get("failed_partitions") if stated is not None else None
    found = None if value is None else value.value
    return found if isinstance(found, dict) else {}


def is_passing(event: DagsterEvent) -> bool:
    """Return whether nothing but what passes stopped a step: busy partitions, or a full disk."""
    stopped = failed_partitions(event)
    if not stopped:
        return any(is_full(RuntimeError(text)) for text in _messages(event.step_failure_data.error))
    return all(_is_retryable(stated["error"]) for stated in stopped.values())


def _is_retryable(name: str) -> bool:
    """Return whether the error of that name is one of truebar's that pass."""
    kind = getattr(errors, name, None)
    return isinstance(kind, type) and issubclass(kind, errors.RetryError)


def _messages(error: SerializableErrorInfo | None) -> Iterator[str]:
    """Return what an error says, and what each error that it was raised from says."""
    while error is not None:
        yield error.message
        error = error.cause
