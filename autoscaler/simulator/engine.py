"""The discrete-event engine under both fidelities: a virtual clock and what happens when."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True, order=True)
class Event:
    """Something that happens at `at_s`; events of one time happen in the order in which they were planned."""

    at_s: float
    sequence: int
    action: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)


class Engine:
    """Virtual time in seconds from 0. Deterministic: order is by time, then by planning."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._queue: list[Event] = []
        self._sequence = 0

    def at(self, at_s: float, action: Callable[[], None]) -> Event:
        """Plans `action`; a time that has passed means now. The event can be cancelled by its flag."""
        event = Event(max(at_s, self.now_s), self._sequence, action)
        self._sequence += 1
        heapq.heappush(self._queue, event)
        return event

    def run_until(self, until_s: float) -> None:
        """Runs all that is planned up to and including `until_s`, and sets the clock to it."""
        queue = self._queue
        while queue and queue[0].at_s <= until_s:
            event = heapq.heappop(queue)
            if not event.cancelled:
                self.now_s = event.at_s
                event.action()
        self.now_s = max(self.now_s, until_s)
