"""Progress of the graph: which asset runs now, what is done, how long is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from truebar_apps.cli.runs import StepListener


@contextmanager
def step_progress(total_steps: int, console: Console | None) -> Iterator[StepListener]:
    """Yield a listener that draws each step.

    Args:
        total_steps: steps of all runs together.
        console: where to draw; None draws nothing.
    """
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=console is None,
        refresh_per_second=8,
    )

    with progress:
        task = progress.add_task("starting", total=total_steps)

        def listen(step: str, word: str) -> None:
            name = step.replace("__", "/")
            if word == "start":
                progress.update(task, description=f"{name:<28}")
            elif word == "success":
                progress.advance(task)

        yield listen
