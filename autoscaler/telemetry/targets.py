"""Targets: the replicas that each policy wants, for whoever moves them himself (`via: metric`), such as KEDA.

A number is published only while it is known to hold: one of a plan that is old, of a policy that only observes, or of
one that is paused, would be taken for a wish. Who reads none keeps what runs; who reads a zero takes it away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from autoscaler.controller.tick import Tick
from autoscaler.domain.plan import reason_text
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.plans import ShownPlan
from autoscaler.telemetry import names
from autoscaler.telemetry.samples import gauge

SHOWN_EVERY_S = 75.0
"""A leader shows its plan at least every 60 s; what a follower finds there is not stale for being as old as that."""
Answer = tuple[int, dict[str, object]]
"""HTTP status and JSON."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is wanted of one policy, and until when that holds. withheld: why it is not published; empty where it is.

    own: planned by this process, not read from the plan that the leader shows.
    """

    policy: str
    replicas: int
    withheld: str
    as_of_s: float
    until_s: float
    reasons: tuple[str, ...]
    own: bool


class LoopTargets(Collector):
    """An outlet and a collector; answers from any thread. A follower answers with what the leader shows."""

    def __init__(self, clock: ClockPort, stale_after_s: float, shown: Callable[[str], ShownPlan | None]) -> None:
        """shown: the plan of a policy as the leader shows it, None where it shows nothing."""
        self._clock, self._stale_after_s, self._shown = clock, stale_after_s, shown
        self._kept: dict[str, Target | None] = {}

    def tell(self, tick: Tick) -> None:
        policies = () if tick.in_force is None else tick.in_force.policies.fleet.names
        found = {target.policy: target for target in (self._planned(tick) if tick.leads else self._read(policies))}
        before = self._kept if tick.leads else {}
        self._kept = {policy: found.get(policy) or before.get(policy) for policy in policies}

    def all(self) -> Answer:
        """Of every policy in force; 503 where none of them is known to hold."""
        kept = self._kept
        answers = [self.one(policy) for policy in kept]
        code = 200 if any(code == 200 for code, _ in answers) else 503
        if not answers:
            return code, {"error": "no policy is in force"}
        return code, {"targets": [told for _, told in answers]}

    def one(self, policy: str) -> Answer:
        """Of one policy: 200 with `replicas`, or without where it is withheld; 503 where nothing is known to hold."""
        kept = self._kept
        if policy not in kept:
            there = ", ".join(kept) or "none"
            return 404, {"policy": policy, "error": f"no policy of this name is in force; there are: {there}"}
        target, now_s = kept[policy], self._clock.wall_s()
        if target is None:
            return 503, {"policy": policy, "error": "it is not planned yet; wait for the next tick"}
        if now_s > target.until_s:
            said = f"the last plan is {now_s - target.as_of_s:.0f} s old; see /healthz, and the conditions of the plan"
            return 503, {"policy": policy, "error": said}
        as_of = datetime.fromtimestamp(int(target.as_of_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        number = {"wouldBe": target.replicas, "withheld": target.withheld} if target.withheld else {
            "replicas": target.replicas
        }  # fmt: skip
        return 200, {"policy": policy, **number, "asOf": as_of, "reasons": list(target.reasons)}

    def collect(self) -> Iterator[Metric]:
        """What we plan ourselves and publish; two that say the same would be counted twice."""
        now_s = self._clock.wall_s()
        own = [one for one in self._kept.values() if one is not None and one.own and not one.withheld]
        yield gauge(names.TARGET, [((one.policy,), float(one.replicas)) for one in own if now_s <= one.until_s])

    def describe(self) -> Iterator[Metric]:
        """Nothing in advance."""
        return iter(())

    def _planned(self, tick: Tick) -> Iterator[Target]:
        if tick.in_force is None or tick.report is None or tick.report.plan is None:
            return
        policies, plan = tick.in_force.policies, tick.report.plan
        for w, name in enumerate(policies.fleet.names):
            why = _withheld(bool(policies.fleet.acts[w]), policies.wish(w, tick.now_s).paused)
            until_s = tick.now_s + self._stale_after_s
            reasons = _split(reason_text(int(plan.reasons[w])))
            yield Target(name, int(plan.floor[w]), why, tick.now_s, until_s, reasons, own=True)

    def _read(self, policies: tuple[str, ...]) -> Iterator[Target]:
        for name in policies:
            one = self._shown(name)
            if one is not None:
                why = _withheld(one.acts, one.paused)
                until_s = one.observed_at_s + SHOWN_EVERY_S + self._stale_after_s
                replicas = one.planned_floor_replicas
                yield Target(name, replicas, why, one.observed_at_s, until_s, _split(one.reason), own=False)


def _withheld(acts: bool, paused: bool) -> str:
    if not acts:
        return "the policy only observes; write mode: act in its file"
    return "the policy is paused" if paused else ""


def _split(reason: str) -> tuple[str, ...]:
    return tuple(reason.split("; ")) if reason else ()
