"""What faults do to starts: stages that take longer, nodes that never boot, replicas that hang or crash."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from autoscaler.simulator.settings import CrashingReplicas, Fault, LostNodes, SlowStarts, StuckReplicas
from autoscaler.simulator.stages import StageLaw

FIRST_WAIT_S, LONGEST_WAIT_S = 10.0, 300.0


class Delays:
    """rng: draws only while a fault is on, a stream of its own, so that faults change no other luck."""

    def __init__(self, faults: Sequence[Fault], rng: np.random.Generator) -> None:
        self._slow = [f for f in faults if isinstance(f, SlowStarts)]
        self._lost = [f for f in faults if isinstance(f, LostNodes)]
        self._stuck = [f for f in faults if isinstance(f, StuckReplicas)]
        self._crashing = [f for f in faults if isinstance(f, CrashingReplicas)]
        self._rng = rng

    def slowed(
        self, names: Sequence[str], laws: Sequence[StageLaw], rng: np.random.Generator, now_s: float
    ) -> tuple[float, ...]:
        """Seconds of each stage of a start that begins now, drawn from `rng`; stages without a name are never slow."""
        named = zip_longest(names[: len(laws)], laws, fillvalue="")
        return tuple(self.factor(str(name), now_s) * law.draw(rng) for name, law in named if isinstance(law, StageLaw))

    def factor(self, stage: str, now_s: float) -> float:
        """How many times as long a stage takes in a start that begins now."""
        factor = 1.0
        for fault in self._slow:
            if stage in fault.stages and fault.from_s <= now_s < fault.until_s:
                factor *= fault.factor
        return factor

    def is_lost(self, pool: int, now_s: float) -> bool:
        """Whether a node that is granted now never boots."""
        on = [f for f in self._lost if f.pool in (None, pool) and f.from_s <= now_s < f.until_s]
        return any([self._rng.random() < fault.share for fault in on])

    def hangs(self, workload: int, now_s: float) -> dict[str, float]:
        """Until when a replica that has a node now hangs, by the stage that it hangs in."""
        hangs: dict[str, float] = {}
        for fault in self._stuck:
            is_on = fault.workload in (None, workload) and fault.from_s <= now_s < fault.until_s
            if is_on and self._rng.random() < fault.share:
                hangs[fault.stage] = max(fault.until_s, hangs.get(fault.stage, now_s))
        return hangs

    def crashes(self, workload: int, now_s: float) -> tuple[float, ...]:
        """Of a replica that has a node now, the shares of its loading after which its container crashes, each time."""
        on = [f for f in self._crashing if f.workload in (None, workload) and f.from_s <= now_s < f.until_s]
        times = sum(fault.times for fault in on if self._rng.random() < fault.share)
        return tuple(float(self._rng.random()) for _ in range(times))


def restart_wait_s(restarts: int) -> float:
    """How long the kubelet waits before it starts a container again that was started again so often: not at all, then
    10 s, and twice as long each time up to 5 minutes (`CrashLoopBackOff`)."""
    return min(FIRST_WAIT_S * 2.0 ** (restarts - 1), LONGEST_WAIT_S) if restarts > 0 else 0.0
