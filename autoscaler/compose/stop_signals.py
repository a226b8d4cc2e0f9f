"""How a program of ours is told to stop."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType


@contextmanager
def stop_signals() -> Iterator[Event]:
    """Set by the first SIGTERM or SIGINT; a second one ends the process at once."""
    stopping = Event()
    kinds = (signal.SIGTERM, signal.SIGINT)

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()
        for kind in kinds:
            signal.signal(kind, signal.SIG_DFL)

    before = {kind: signal.signal(kind, stop) for kind in kinds}
    try:
        yield stopping
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
