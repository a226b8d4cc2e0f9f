"""Statuses on their way to the API server: one thread writes what has changed, at a bounded rate.

Whoever reports never waits and never fails. What is reported last is written; what nobody repeats is forgotten, so that
one who leads no longer does not write over the next leader's word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Lock, Thread

from autoscaler.adapters.kubernetes.json_object import Json
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.plans.plan import CAPACITY_PLANS, SeenPlan, Since
from autoscaler.adapters.kubernetes.plans.status import content, timed
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import PortError
from autoscaler.ports.plans import PlanStatus


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """every_s: between two writes of one plan. renew_s: the same where nothing has changed. fresh_s: how long what was
    reported may wait.
    """

    every_s: float = 5.0
    renew_s: float = 60.0
    fresh_s: float = 30.0


@dataclass(frozen=True, slots=True)
class _Wanted:
    status: PlanStatus
    at_s: float


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was written last on the plan of this uid, when, and since when its conditions are as they are."""

    uid: str
    content: Json
    at_s: float
    since: dict[str, Since]


class StatusReports:
    """The plans port between `start` and `stop`. problem: why the last write did not go through, else None."""

    def __init__(
        self, objects: Objects, clock: ClockPort, namespace: str, seen: Callable[[str], SeenPlan | None],
        settings: ReportSettings | None = None,
    ) -> None:  # fmt: skip
        """`seen`: the plan of a policy as it stands, None where there is none: nothing is written then."""
        self._objects, self._clock, self._namespace, self._seen = objects, clock, namespace, seen
        self._settings = settings or ReportSettings()
        self._lock = Lock()
        self._wanted: dict[str, _Wanted] = {}
        self._shown: dict[str, _Shown] = {}
        self._wake, self._stop = Event(), Event()
        self._thread = Thread(target=self._run, name="plan status", daemon=True)
        self.problem: str | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends; what is not written yet is left to the next leader."""
        self._stop.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()

    def report(self, policy: str, status: PlanStatus) -> None:
        """As `PlansPort`."""
        with self._lock:
            self._wanted[policy] = _Wanted(status, self._clock.monotonic_s())
        self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            wait_s = self.write_due()
            if not self._stop.is_set():
                self._clock.wait(wait_s, self._wake)

    def write_due(self) -> float:
        """Writes what is due; seconds until the next look is worth while."""
        with self._lock:
            wanted = dict(self._wanted)
        waits = [self._settings.renew_s]
        for policy, one in wanted.items():
            if self._stop.is_set():
                break
            wait_s = self._write(policy, one)
            if wait_s is None:
                self._drop(policy, one)
            else:
                waits.append(wait_s)
        return min(waits)

    def _drop(self, policy: str, done: _Wanted) -> None:
        with self._lock:
            if self._wanted.get(policy) is done:
                del self._wanted[policy]

    def _write(self, policy: str, wanted: _Wanted) -> float | None:
        """None where there is nothing more to do about it, else seconds to wait."""
        now_s, plan = self._clock.monotonic_s(), self._seen(policy)
        if plan is None:
            self._shown.pop(policy, None)
            return None
        if now_s > wanted.at_s + self._settings.fresh_s:
            return None
        shown, last = content(wanted.status, plan.generation), self._shown.get(policy)
        if last is None or last.uid != plan.uid:
            last = _Shown(plan.uid, {}, -self._settings.renew_s, dict(plan.shown))
        if shown == last.content and now_s < last.at_s + self._settings.renew_s:
            return None
        wait_s = last.at_s + self._settings.every_s - now_s
        if wait_s > 0.0:
            return wait_s
        status, since = timed(shown, wanted.status.observed_at_s, last.since)
        try:
            name = Name(CAPACITY_PLANS, self._namespace, policy, "status")
            self._objects.apply(name, {"status": status}, force=True)
            self.problem = None
        except Exception as error:  # whatever it is, it must not end the reports for good
            said = str(error) if isinstance(error, PortError) else f"{type(error).__name__}: {error}"
            self.problem = f"CapacityPlans: the status of {policy} is not shown: {said}"
            self._shown[policy] = _Shown(plan.uid, {}, self._clock.monotonic_s(), last.since)
            return self._settings.every_s
        self._shown[policy] = _Shown(plan.uid, shown, self._clock.monotonic_s(), since)
        return None
