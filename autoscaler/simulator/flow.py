"""Requests of one workload as a fluid: a queue in order of arrival, served by what is ready, left by the impatient."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

_ROUNDING_S = 1e-6


@dataclass(slots=True)
class _Wave:
    """Requests that still wait and came at one rate, by their time of arrival."""

    rate: float
    from_s: float
    to_s: float


@dataclass(slots=True)
class Flow:
    """Exact where the arrival rate and the ready replicas are constant between two calls of `to`.

    requests_per_s: of one replica. late_after_s: who waits longer is late, as soon as it has; patience_s: who waits
    longer leaves, and is late too. arrived, served, left, late: requests since the start. busy_s, ready_s:
    replica-seconds working and ready.
    """

    requests_per_s: float
    late_after_s: float
    patience_s: float
    rate: float = 0.0
    ready: int = 0
    queue: float = 0.0
    at_s: float = 0.0
    arrived: float = 0.0
    served: float = 0.0
    left: float = 0.0
    late: float = 0.0
    busy_s: float = 0.0
    ready_s: float = 0.0
    _late_ended: float = 0.0
    _waves: deque[_Wave] = field(default_factory=deque)

    def to(self, now_s: float) -> None:
        """Lets time pass up to now; call before `rate` or `ready` change."""
        began_s, elapsed_s = self.at_s, now_s - self.at_s
        if elapsed_s <= 0.0:
            return
        self.at_s = now_s
        capacity = self.ready * self.requests_per_s
        came = self.rate * elapsed_s
        self.arrived += came
        self.ready_s += self.ready * elapsed_s
        if not self._waves and self.rate <= capacity:
            done = came
        else:
            self._join(began_s, now_s)
            done = self._work_off(began_s, now_s, capacity)
            self.queue = sum(wave.rate * (wave.to_s - wave.from_s) for wave in self._waves)
            self.late = max(self._late_ended + self._overdue(), self.late)
        self.served += done
        self.busy_s += done / self.requests_per_s

    def _join(self, from_s: float, to_s: float) -> None:
        last = self._waves[-1] if self._waves else None
        if last is not None and last.rate == self.rate and last.to_s == from_s:
            last.to_s = to_s
        elif self.rate > 0.0:
            self._waves.append(_Wave(self.rate, from_s, to_s))

    def _work_off(self, at_s: float, now_s: float, capacity: float) -> float:
        """Takes from the head of the queue who is served or leaves until now; requests served."""
        done = 0.0
        while self._waves and at_s < now_s - 1e-9:
            wave = self._waves[0]
            length_s, waited_s = wave.to_s - wave.from_s, at_s - wave.from_s
            pace = capacity / wave.rate
            step_s, speed = self._step(length_s, waited_s, pace)
            step_s = min(step_s, now_s - at_s)
            left = max(wave.rate * speed - capacity, 0.0) * step_s
            self.left += left
            self._late_ended += left + capacity * self._overdue_s(waited_s, waited_s + (1.0 - speed) * step_s, step_s)
            done += capacity * step_s
            wave.from_s += speed * step_s
            at_s += step_s
            if wave.to_s - wave.from_s <= 1e-9:
                self._waves.popleft()
        return done

    def _step(self, length_s: float, waited_s: float, pace: float) -> tuple[float, float]:
        """(for how long the head of the queue moves evenly, seconds of arrivals by which it moves a second).

        pace: the same as far as service goes. Where the head has waited as long as it will, whoever is not served
        leaves, and it moves at least with the clock. Where it is faster it may run ahead of the clock within the time
        of one call: who comes later in that time is then served as it comes, which is the same.
        """
        leaving = waited_s >= self.patience_s - _ROUNDING_S
        speed = max(pace, 1.0) if leaving else pace
        worked_off_s = length_s / speed if speed > 0.0 else math.inf
        patient_s = math.inf if leaving or speed >= 1.0 else (self.patience_s - waited_s) / (1.0 - speed)
        return min(worked_off_s, patient_s), speed

    def _overdue_s(self, first_s: float, last_s: float, elapsed_s: float) -> float:
        """How long a wait is beyond the limit while it goes evenly from `first_s` to `last_s`."""
        over_first, over_last = (max(wait_s - self.late_after_s - _ROUNDING_S, 0.0) for wait_s in (first_s, last_s))
        if over_first > 0.0 and over_last > 0.0:
            return elapsed_s
        return elapsed_s * (over_first + over_last) / abs(last_s - first_s) if over_first + over_last > 0.0 else 0.0

    def _overdue(self) -> float:
        """Requests that wait and are late already."""
        until_s = self.at_s - self.late_after_s
        return sum(wave.rate * max(min(wave.to_s, until_s) - wave.from_s, 0.0) for wave in self._waves)
