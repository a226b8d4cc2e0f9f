"""The live loop: one tick after another, whatever happens in any of them.

A tick looks at the policy folder, takes what changed into force with what the loop remembers, and runs `cycle` where we
lead, else its first half: who follows sees and learns all the time, so that it can take over at once. A tick that
raises is told of, and the next one comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import TypeVar

from autoscaler.controller.beginning import Rhythm
from autoscaler.controller.cycle import CycleReport, LoopState, Ports, cycle, follow
from autoscaler.controller.heard import HeardMetrics
from autoscaler.controller.in_force import Govern, InForce
from autoscaler.controller.keeper import Keeper
from autoscaler.controller.leader import LedCluster, LedQueue
from autoscaler.controller.quarantine import culprits, without
from autoscaler.controller.queue import queue_problems
from autoscaler.controller.recovery import stand_by
from autoscaler.controller.succession import Background, Succession, in_thread
from autoscaler.controller.tick import Outlet, Tick
from autoscaler.domain.ending import PlaceholderEnd
from autoscaler.policy.folder import PolicyFolder
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import PortError
from autoscaler.ports.leadership import LeadershipPort

T = TypeVar("T")
AGAIN_S = 3600.0
"""A policy that was set aside is tried again: what made it raise may have passed. It may cost the others one tick."""


class Service:
    """Owns the loop's state; `tick` is called by one thread at a time."""

    def __init__(
        self, folder: PolicyFolder, govern: Govern, leadership: LeadershipPort, clock: ClockPort,
        outlets: Sequence[Outlet], rhythm: Rhythm, keeper: Keeper, background: Background = in_thread,
    ) -> None:  # fmt: skip
        """background: where the past is read and learned."""
        self._folder, self._govern, self._leadership, self._keeper = folder, govern, leadership, keeper
        self._clock, self._outlets, self._rhythm = clock, tuple(outlets), rhythm
        self._succession = Succession(rhythm, background)
        self._in_force: InForce | None = None
        self._running: InForce | None = None
        self._aside: tuple[str, ...] = ()
        self._again_s = math.inf
        self._metrics: HeardMetrics | None = None
        self._state: LoopState | None = None
        self._wanted = False
        self._led = False
        self._notes: list[str] = []
        self._placeholder_ends: tuple[PlaceholderEnd, ...] = ()
        self._busy = Lock()
        self._ended = False
        self._attended: tuple[str, ...] = ()
        self._failures: list[Exception] = []

    @property
    def state(self) -> LoopState | None:
        """What the loop remembers; None before policies are in force."""
        return self._state

    def tick(self) -> None:
        """One tick, now; none after `end`. Never raises."""
        with self._busy:
            if not self._ended:
                self._tick()

    def attend(self) -> None:
        """What cannot wait for the next tick, where we lead; what goes wrong is said in that tick. Never raises."""
        with self._busy:
            if not self._ended and self._led and self._in_force is not None and self._leadership.is_leader():
                in_force = self._in_force
                found = self._guarded(lambda: in_force.attend(self._clock.wall_s()), self._failures)
                self._attended = (*self._attended, *(found or ()))

    def end(self, within_s: float) -> bool:
        """No tick begins any more, and what serves the policies in force is closed; False where a tick goes on."""
        self._ended = True
        if not self._busy.acquire(timeout=within_s):
            return False
        try:
            if self._in_force is not None:
                self._guarded(lambda: self._save(at_once=True), self._failures)
                self._in_force.close()
        finally:
            self._busy.release()
        return True

    def _tick(self) -> None:
        began_s, now_s = self._clock.monotonic_s(), self._clock.wall_s()
        self._notes, self._placeholder_ends = [], ()
        failures, self._failures = self._failures, []
        leads = self._leadership.is_leader()
        problems, self._attended = tuple(dict.fromkeys(self._attended)), ()
        problems += self._guarded(lambda: self._take_into_force(now_s), failures) or ()
        self._guarded(self._take_past, failures)
        problems += self._guarded(lambda: self._tend(now_s, leads), failures) or ()
        report: CycleReport | None = None
        if self._state is not None:
            report, more = self._guarded(lambda: self._run(now_s, leads), failures) or (None, ())
            problems += more
            if report is None:
                self._guarded(lambda: self._set_aside(now_s), failures)
        problems += self._aside
        self._led = leads and (self._led or (report is not None and report.plan is not None))
        if self._in_force is not None:
            problems += self._guarded(self._in_force.problems, failures) or ()
        self._tell(
            Tick(
                now_s=now_s,
                took_s=self._clock.monotonic_s() - began_s,
                leads=leads,
                in_force=self._running,
                report=report,
                readings=None if self._metrics is None else self._metrics.last,
                policy_problems=tuple(str(problem) for problem in self._folder.current.problems),
                problems=problems,
                notes=tuple(self._notes),
                failure=failures[0] if failures else None,
                ended=self._placeholder_ends,
                every_s=self._rhythm.tick_s,
            )
        )

    @staticmethod
    def _guarded(what: Callable[[], T], failures: list[Exception]) -> T | None:
        """Its answer, None where it raised: what comes after it in the tick goes on."""
        try:
            return what()
        except Exception as error:
            failures.append(error)
            return None

    def _tell(self, tick: Tick) -> None:
        """One outlet that fails silences none of the others, and those after it hear of it."""
        for outlet in self._outlets:
            try:
                outlet.tell(tick)
            except Exception as error:
                tick = replace(tick, failure=tick.failure or error)

    def _take_into_force(self, now_s: float) -> tuple[str, ...]:
        """Policies that are new, or that compile to something else now; those in force stay where that fails."""
        old = self._in_force
        self._wanted |= self._folder.look(now_s) or old is None or now_s >= self._again_s
        if not self._wanted and old is not None and not old.is_outdated():
            return ()
        if old is None and not self._folder.is_settled:
            return ("policy files were written a moment ago: they are read as soon as they are whole",)
        try:
            new = self._govern(self._folder.current)
        except PortError as error:
            return (f"policies are not taken into force yet: {error}",)
        state = self._succession.under(new, self._running, self._state, now_s)
        self._in_force, self._wanted, self._aside, self._again_s = new, False, (), math.inf
        self._go_on(new, state)
        self._notes.append(f"policies in force: {new.policies.fleet.size}")
        if old is not None:
            old.close()
        return ()

    def _take_past(self) -> None:
        """The past, where it has come."""
        if self._running is None or self._state is None:
            return
        state = self._succession.arrived(self._running, self._state)
        self._notes += self._succession.notes()
        if state is not None:
            self._state = state

    def _go_on(self, running: InForce, state: LoopState | None) -> None:
        self._led = self._led and state is self._state
        self._running, self._state = running, state
        self._metrics = HeardMetrics(running.ports.metrics)

    def _set_aside(self, now_s: float) -> None:
        """After a tick that raised: policies that make it raise are left out from now on, and stand as they are."""
        assert self._running is not None
        assert self._state is not None
        found = culprits(self._running, self._state, now_s, self._rhythm)
        if not 0 < len(found) < self._running.policies.fleet.size:
            return  # none, or what all have in common: nothing is won by leaving all out
        self._go_on(*without(self._running, self._state, found, now_s, self._rhythm))
        self._again_s = now_s + AGAIN_S
        said = "it is set aside and stands as last planned until its policy changes; please report this"
        self._aside += tuple(f"{name}: a tick raised {error!r}: {said}" for name, error in found.items())

    def _run(self, now_s: float, leads: bool) -> tuple[CycleReport, tuple[str, ...]]:
        """The tick itself, and what stood in the way."""
        assert self._running is not None
        assert self._state is not None
        assert self._metrics is not None
        in_force = self._running
        cluster = LedCluster(self._keeper.holding(in_force, now_s), self._leadership)
        queue = None if in_force.ports.queue is None else LedQueue(in_force.ports.queue, self._leadership)
        run = cycle if leads else follow
        self._state, report = run(now_s, self._state, in_force.policies, Ports(self._metrics, cluster, queue))
        problems = () if report.error is None else (report.error,)
        return report, (*problems, *queue_problems(report.queue, in_force.policies), *(self._save() if leads else ()))

    def _tend(self, now_s: float, leads: bool) -> tuple[str, ...]:
        """What the leader does before it plans: goes on from the records, gives back, and clears away."""
        in_force, running, keeper = self._in_force, self._running, self._keeper
        if not leads:
            keeper.follow()
        if not leads or in_force is None or running is None:
            return ()
        problems = [*_tried(lambda: self._begin_to_lead(running, now_s))]
        problems += _tried(lambda: keeper.release(in_force, is_complete=not self._folder.current.problems))
        problems += _tried(lambda: self._sweep(in_force, now_s))
        self._notes += keeper.notes()
        return tuple(dict.fromkeys(problems))

    def _sweep(self, in_force: InForce, now_s: float) -> tuple[str, ...]:
        swept = in_force.sweep(now_s)
        self._placeholder_ends = swept.ended
        return swept.failed

    def _begin_to_lead(self, in_force: InForce, now_s: float) -> tuple[str, ...]:
        """Nothing where we led before with this state."""
        anew, problems = self._keeper.begin()
        if self._state is not None and (anew or not self._led):
            problems += self._keeper.recall(in_force, self._state, everything=anew and not self._led)
        if self._state is not None and not self._led:
            stand_by(self._state, in_force.policies.fleet, in_force.ports.cluster.inventory(now_s), now_s)
        return problems

    def _save(self, at_once: bool = False) -> tuple[str, ...]:
        if not self._led or self._running is None or self._state is None or not self._leadership.is_leader():
            return ()
        return self._keeper.save(self._running, self._state, self._clock.wall_s(), at_once)


def _tried(what: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """What it says went wrong, and why it could not be done."""
    try:
        return what()
    except PortError as error:
        return (f"{type(error).__name__}: {error}",)
