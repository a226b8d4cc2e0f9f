"""What faults do to starts: stages that take longer, nodes that never boot, replicas that hang."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from autoscaler.simulator.settings import Fault, LostNodes, SlowStarts, StuckReplicas
from autoscaler.simulator.stages import StageLaw


class Delays:
    """rng: draws only while a fault is on, a stream of its own, so that faults change no other luck."""

    def __init__(self, faults: Sequence[Fault], rng: np.random.Generator) -> None:
        self._slow = [f for f in faults if isinstance(f, SlowStarts)]
        self._lost = [f for f in faults if isinstance(f, LostNodes)]
        self._stuck = [f for f in faults if isinstance(f, StuckReplicas)]
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

    def begin_s(self, workload: int, now_s: float) -> float:
        """When the stages of a replica that has a node now begin: now, or at the end of what it hangs on."""
        on = [f for f in self._stuck if f.workload in (None, workload) and f.from_s <= now_s < f.until_s]
        return max((fault.until_s for fault in on if self._rng.random() < fault.share), default=now_s)
