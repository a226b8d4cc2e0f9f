"""Ctrl-C, SIGTERM and a closed terminal as one exception, which never comes between a program and its being known."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

from tests.cluster.processes import Program

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN_S = 0.02


class Ended(BaseException):
    """Somebody asked for the end."""


class Interrupts:
    """While entered, the first of SIGNALS raises `Ended` in the main thread; later ones are ignored, since what stops
    must not be stopped. A signal that comes while a program is being started waits until the program is known."""

    def __enter__(self) -> Interrupts:
        for number in (*SIGNALS, signal.SIGALRM):
            signal.signal(number, self._asked)
        return self

    def __exit__(self, *_: object) -> None:
        for number in (*SIGNALS, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)

    def ignore(self) -> None:
        """From now on nothing is raised."""
        for number in (*SIGNALS, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        if any(one.f_code is Program.start.__code__ for one in _callers(frame)):
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
            return
        self.ignore()
        raise Ended


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
