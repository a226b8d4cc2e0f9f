"""One look at the node: GPUs, processes, holders, and what they tell of starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autoscaler.agent.devices import devices_by_holder, holders_by_device
from autoscaler.agent.kubelet import Holdings
from autoscaler.agent.naming import ContainerKey, Place, PodName, named
from autoscaler.agent.process import Moment, TrackedProcess
from autoscaler.agent.starts import Starts
from autoscaler.agent.tracking import Tracker
from autoscaler.agent.uses_by_container import container_uses
from autoscaler.agent.view import View
from autoscaler.domain.device_holder import DeviceHolder
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.gpus import GpusPort
from autoscaler.ports.holders import HoldersPort, ProcessesPort

AWAITED_S = 1800.0
"""A pod that holds a device for so long without a process on it is not waited for any more."""
MOST_MEASURED = 4
"""Buses measured in a look, of those on which a start goes on: each takes some 20 ms."""


class Looker:
    """node: the host name of the node."""

    def __init__(
        self, gpus: GpusPort, holders: HoldersPort, processes: ProcessesPort, clock: ClockPort, node: str
    ) -> None:
        self._gpus, self._clock, self._node = gpus, clock, node
        self._holdings = Holdings(holders)
        self._tracker = Tracker(processes)
        self._starts = Starts()
        self._names: dict[ContainerKey, PodName] = {}
        self._since: dict[tuple[str, str, str], Moment] = {}
        self._turn = 0

    def look(self) -> View:
        """Looks, and takes in what is found. Raises nothing that ports raise."""
        began_s = self._clock.monotonic_s()
        sight = self._gpus.look(self._clock.wall_s(), self._measured())
        steady_s = (began_s + self._clock.monotonic_s()) / 2.0
        now = Moment(self._clock.wall_s() - self._clock.monotonic_s() + steady_s, steady_s)
        self._holdings.look(steady_s)
        holders = self._holdings.holders
        by_device = holders_by_device(holders, devices_by_holder(holders, sight.gpus))
        self._tracker.look(now, sight, self._awaited(holders, now))
        told_s = now.at_s - steady_s + self._holdings.answered_s
        self._names = named(self._places(), by_device, self._names, self._node, told_s)
        tracked = self._tracker.tracked.values()
        self._starts.look(now, tracked, self._names)
        numbers = {one.uuid: one.index for one in sight.gpus}
        return View(
            at_s=now.at_s,
            node=self._node,
            sight=sight,
            holders=by_device,
            uses=container_uses(tracked, self._names, numbers),
            stamps=tuple(self._starts.stamps()),
            kubelet_why=self._holdings.why,
        )

    def _measured(self) -> frozenset[str]:
        """In turn, where there are many."""
        all_of_them = sorted(self._tracker.transferring)
        if len(all_of_them) <= MOST_MEASURED:
            return frozenset(all_of_them)
        self._turn = (self._turn + MOST_MEASURED) % len(all_of_them)
        return frozenset((all_of_them * 2)[self._turn : self._turn + MOST_MEASURED])

    def _awaited(self, holders: Sequence[DeviceHolder], now: Moment) -> dict[str, float]:
        """Names of pods that hold a device and have loaded nothing yet, and since when, in seconds since the epoch."""
        there = {(one.namespace, one.pod, one.container) for one in holders}
        over = {
            (name.namespace, name.pod, name.container)
            for key, name in self._names.items()
            if self._starts.is_over(key)
        }  # fmt: skip
        self._since = {key: now if key in over else self._since.get(key, now) for key in there}
        waited = {key: self._since[key] for key in there - over}
        return {
            key[1]: since.at_s for key, since in waited.items() if now.steady_s - since.steady_s < AWAITED_S
        }  # fmt: skip

    def _places(self) -> Mapping[ContainerKey, Place]:
        found: dict[ContainerKey, list[TrackedProcess]] = {}
        for one in self._tracker.tracked.values():
            if one.owner.uid and one.uses:
                found.setdefault((one.owner.uid, one.owner.container_id), []).append(one)
        return {
            key: Place(ones[0].owner, frozenset(device for one in ones for device in one.uses))
            for key, ones in found.items()
        }
