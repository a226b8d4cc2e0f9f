"""Which state a loop goes on with when policies change, and when the past that was asked for has come.

Reading and learning fifteen days takes seconds for a hundred policies. So a loop begins with what it has, and goes on
with the past as soon as that is learned, in the background; what happened in between is learned on top.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

from autoscaler.controller.beginning import Rhythm, begun, fresh
from autoscaler.controller.carry import carry, is_alike
from autoscaler.controller.cycle import LoopState
from autoscaler.controller.in_force import InForce
from autoscaler.domain.fleet import Fleet

T = TypeVar("T")
Begun = tuple[LoopState, tuple[str, ...]]
Background = Callable[[Callable[[], Begun]], "Future[Begun]"]
"""Has something done, at some time."""


def in_thread(what: Callable[[], Begun]) -> Future[Begun]:
    """In a thread of its own, which no end of the process waits for."""
    future: Future[Begun] = Future()

    def run() -> None:
        try:
            future.set_result(what())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, name="past", daemon=True).start()
    return future


class Succession:
    """Hands states on. Used by one thread."""

    def __init__(self, rhythm: Rhythm, background: Background = in_thread) -> None:
        self._rhythm, self._background = rhythm, background
        self._asked: tuple[Fleet, Future[Begun]] | None = None
        self._notes: tuple[str, ...] = ()

    def notes(self) -> tuple[str, ...]:
        """What became of the past since the last call, for people."""
        found, self._notes = self._notes, ()
        return found

    def under(self, new: InForce, old: InForce | None, state: LoopState | None, now_s: float) -> LoopState | None:
        """The state under new policies: what is remembered of those that stay; None where there are none.

        old, state: what was in force before. The past is asked for where policies are new.
        """
        fleet = new.policies.fleet
        if not fleet.size and not new.policies.queues:
            return None
        before = None if old is None else old.policies.fleet
        if before is not None and state is not None and is_alike(before, fleet):
            return state
        following = fresh(fleet, self._rhythm)
        if before is None or state is None:
            if fleet.size:
                self._ask(new, now_s)
            return following
        carry(state, before, following, fleet)
        if set(fleet.names) - set(before.names):
            self._ask(new, now_s)
        return following

    def arrived(self, running: InForce, state: LoopState) -> LoopState | None:
        """The state with the past in it, and all that `state` knows; None while there is no news of it."""
        if self._asked is None or not self._asked[1].done():
            return None
        (fleet, future), self._asked = self._asked, None
        recalled, self._notes = future.result()
        now = running.policies.fleet
        if recalled.history.last_bin < 0:
            return None
        if not is_alike(fleet, now):
            following = fresh(now, self._rhythm)
            carry(recalled, fleet, following, now)
            recalled = following
        carry(state, now, recalled, now)
        return recalled

    def _ask(self, new: InForce, now_s: float) -> None:
        rhythm = self._rhythm
        self._asked = (new.policies.fleet, self._background(lambda: begun(new, now_s, rhythm)))
