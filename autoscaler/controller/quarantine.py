"""Policies whose row makes a tick raise are found by bisection and set aside on their last plan: the others go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from autoscaler.controller.beginning import Rhythm, fresh
from autoscaler.controller.carry import carry
from autoscaler.controller.cycle import LoopState, Ports, cycle
from autoscaler.controller.dry import DryCluster
from autoscaler.controller.in_force import InForce
from autoscaler.controller.some import some
from autoscaler.domain.arrays import Ints
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.signal import SignalReadings

Culprits = Mapping[str, Exception]
"""Policies that raise on their own, each with what it raised."""


def culprits(in_force: InForce, state: LoopState, now_s: float, rhythm: Rhythm) -> Culprits:
    """The policies that make a tick at `now_s` raise; none where no policy does so on its own. Writes nothing.

    Raises what the ports raise: then it is not a policy that is to blame.
    """
    seen = in_force.ports.cluster.inventory(now_s)
    heard = in_force.ports.metrics.read(now_s)
    still = replace(in_force, ports=Ports(_Heard(heard), DryCluster(lambda _: seen)))
    trial = _Trial(still, state, seen, now_s, rhythm)
    found: dict[str, Exception] = {}
    trial.bisect(np.arange(in_force.policies.fleet.size), found)
    return found


def without(
    in_force: InForce, state: LoopState, culprits: Culprits, now_s: float, rhythm: Rhythm
) -> tuple[InForce, LoopState]:
    """The policies that are left, at least one, and what is remembered of them."""
    fleet = in_force.policies.fleet
    rows = np.array([w for w, name in enumerate(fleet.names) if name not in culprits], dtype=np.int64)
    rest = some(in_force, rows, in_force.ports.cluster.inventory(now_s))
    return rest, _carried(state, fleet, rest.policies.fleet, rhythm)


class _Trial:
    """One tick of any of the policies, on what was seen and heard in it."""

    def __init__(
        self, in_force: InForce, state: LoopState, seen: Inventory, now_s: float, rhythm: Rhythm
    ) -> None:  # fmt: skip
        self._in_force, self._state, self._seen = in_force, state, seen
        self._now_s, self._rhythm = now_s, rhythm

    def bisect(self, rows: Ints, found: dict[str, Exception]) -> None:
        error = self._raised(rows)
        if error is None:
            return
        if rows.size == 1:
            found[self._in_force.policies.fleet.names[rows[0]]] = error
            return
        for half in np.array_split(rows, 2):
            self.bisect(half, found)

    def _raised(self, rows: Ints) -> Exception | None:
        fleet = self._in_force.policies.fleet
        try:
            few = some(self._in_force, rows, self._seen)
            state = _carried(self._state, fleet, few.policies.fleet, self._rhythm)
            cycle(self._now_s, state, few.policies, few.ports)
        except Exception as error:
            return error
        return None


def _carried(state: LoopState, before: Fleet, fleet: Fleet, rhythm: Rhythm) -> LoopState:
    new = fresh(fleet, rhythm)
    carry(state, before, new, fleet)
    return new


class _Heard:
    def __init__(self, readings: SignalReadings) -> None:
        self._readings = readings

    def read(self, now_s: float) -> SignalReadings:
        return self._readings
