"""Progress on a terminal, quiet in a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from autoscaler.evaluation.parallel import Watch


@contextmanager
def jobs_bar(label: str, names: Sequence[str] = ()) -> Iterator[Watch]:
    """A callback that is told the share done, 0..1, of each of the jobs that run side by side. It draws on standard
    error while that is a terminal, and does nothing otherwise.

    One bar for all, or one for each of the names where there are some.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda shares: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        tasks = [bar.add_task(f"{label}: {name}", total=1.0) for name in names] or [bar.add_task(label, total=None)]

        def watch(shares: Sequence[float]) -> None:
            if names:
                for task, share in zip(tasks, shares, strict=False):
                    bar.update(task, completed=share)
            else:
                bar.update(tasks[0], completed=sum(shares), total=len(shares))

        yield watch
