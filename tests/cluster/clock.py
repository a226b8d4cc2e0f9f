"""Time as the rig reads it: the one place in these tests that looks at a clock, and the one way to wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

POLL_S = 0.02
T = TypeVar("T")


class NotInTime(AssertionError):
    """What was waited for did not come about before its deadline."""


def now_s() -> float:
    """Seconds of a clock that never jumps; only differences mean something."""
    return time.monotonic()  # noqa: TID251 these tests measure a real cluster


def epoch_s() -> float:
    """Seconds since 1970, comparable with the times in API objects (which are cut to whole seconds)."""
    return time.time()  # noqa: TID251 these tests measure a real cluster


def stamp(at_s: float) -> str:
    """Epoch seconds as the API server writes a time, without fractions."""
    return datetime.fromtimestamp(int(at_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_stamp(at_s: float) -> str:
    """Epoch seconds as the API server writes a time with microseconds (Lease, events.k8s.io)."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_stamp(text: str) -> float:
    """Epoch seconds of a time in an API object. ValueError where it is none."""
    return datetime.fromisoformat(text).timestamp()


def pause(seconds: float) -> None:
    """Waits between two looks of a poll, or for the length of something that must *not* happen meanwhile."""
    threading.Event().wait(seconds)


def wait_until(look: Callable[[], T | None], what: str, within_s: float, poll_s: float = POLL_S) -> T:
    """The first answer of `look` that is neither None nor False nor empty, or NotInTime with the last answer.

    `what` completes the sentence "waited 5 s for ...". Errors of `look` are not caught."""
    deadline = now_s() + within_s
    while True:
        answer = look()
        if answer:
            return answer
        if now_s() > deadline:
            raise NotInTime(f"waited {within_s:g} s for {what}; the last answer was {answer!r}")
        pause(poll_s)


def stays(look: Callable[[], object], what: str, for_s: float, poll_s: float = 0.2) -> None:
    """Passes when `look` is true all the time; else NotInTime with the second in which it was not."""
    begin = now_s()
    while (elapsed := now_s() - begin) < for_s:
        if not look():
            raise NotInTime(f"{what} lasted only {elapsed:.1f} s of {for_s:g} s")
        pause(poll_s)
