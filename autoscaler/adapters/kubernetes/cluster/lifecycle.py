"""The life of placeholders: created, seen to be used or lost, and deleted where nobody else does."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from autoscaler.adapters.kubernetes.cache import Change, Key
from autoscaler.adapters.kubernetes.cluster.endings import HANDOVER, Endings
from autoscaler.adapters.kubernetes.cluster.models import ReplicaShape, Standing
from autoscaler.adapters.kubernetes.cluster.own_writes import OwnWrites
from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.seats import Place, Seats
from autoscaler.adapters.kubernetes.cluster.settings import LiveSettings
from autoscaler.adapters.kubernetes.cluster.sight import SeenNode, SeenPod
from autoscaler.adapters.kubernetes.cluster.slots import Slot, slots
from autoscaler.adapters.kubernetes.cluster.wholeness import BROKEN, Wholeness
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import NODES, PODS
from autoscaler.adapters.kubernetes.watching import Snapshot
from autoscaler.domain.ending import PlaceholderEnd
from autoscaler.domain.gang import Gang
from autoscaler.domain.inventory import Placeholder
from autoscaler.placeholder.fate import NODE_GONE, STANDS, Fate, Sighting, Verdict, fate
from autoscaler.placeholder.handover import Handover
from autoscaler.placeholder.manifest import EXPIRES, House, Seat, gang, placeholder
from autoscaler.placeholder.pod import Json, condition, is_leaving, metadata, name, node_name, status
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import AlreadyExists, Conflict, PortError


@dataclass(frozen=True, slots=True)
class Sweep:
    """ended: since the sweep before. failed: what could not be deleted, in the port's words; tried again next time.

    stuck_pools: of placeholders that nobody gave a node.
    """

    ended: tuple[PlaceholderEnd, ...]
    failed: tuple[str, ...]
    stuck_pools: tuple[int, ...]


class Lifecycle:
    """Creates and deletes placeholders in the house, and tells what became of each."""

    def __init__(self, objects: Objects, clock: ClockPort, seats: Seats, house: House, settings: LiveSettings) -> None:
        self._objects, self._clock = objects, clock
        self._seats, self._house, self._settings = seats, house, settings
        self._writes = OwnWrites()
        self._endings = Endings(clock, seats, self._writes, settings.stuck_after_s)
        self._wholeness = Wholeness(seats, self._endings, settings)

    def told(self, change: Change[SeenPod]) -> None:
        """Handler of the watch of pods, in its thread."""
        self._endings.told(change)

    def ended(self, now_s: float) -> tuple[PlaceholderEnd, ...]:
        """As `Inventory.ended`, as of the last sweep."""
        return self._endings.lately(now_s)

    def placeholders(
        self, pods: Snapshot[SeenPod], nodes: Mapping[Key, SeenNode], now_s: float
    ) -> tuple[Placeholder, ...]:
        """Slots that hold room or wait for some, in the order of their names. One of several placeholders does where
        all of them are there, and is bound where all of them are.
        """
        resources = {pin.gpu_resource for pin in self._seats.pins}
        shared = {one.node for one in pods.items.values() if one.whole is None and _holds(one, resources)}
        found = []
        for slot in self._slots(pods):
            fates = {self._verdict(pod, nodes, now_s).fate for pod in slot.members}
            is_there = slot.is_whole and not self._wholeness.is_promised(slot)
            if slot.place is not None and is_there and fates <= set(STANDS):
                bound = fates == {Fate.HELD}
                on = sorted({node_name(pod) for pod in slot.members}) if bound else []
                alone = bound and shared.isdisjoint(on)
                place = slot.place
                found.append(Placeholder(place.workload, place.pool, place.slot, bound, ",".join(on), alone))
        return tuple(found)

    def create(
        self, place: Place, replica: ReplicaShape, domain: tuple[str, str] | None, pods: Snapshot[SeenPod]
    ) -> None:
        """The slot of this place, whole or not at all; done already where it stands. domain: as in `gang`. Raises
        `PortError`.
        """
        policy = self._seats.policies[place.workload].name
        expires = datetime.fromtimestamp(self._clock.wall_s() + self._settings.expires_after_s, UTC)
        seat = Seat(policy, self._seats.pins[place.pool].pool, place.slot, self._seats.owners[policy], expires)
        if not replica.is_gang:
            self._create(placeholder(replica.members[0], seat, self._house))
            return
        standing = next((slot for slot in self._slots(pods) if slot.place == place), None)
        if standing is not None and standing.is_whole and not self._wholeness.is_promised(standing):
            return
        left = Conflict(f"create {self._seats.name(place)}: a part of an earlier one is left; next tick")
        if standing is not None:
            raise left
        made: list[Json] = []
        try:
            for pod in gang(replica.members, seat, self._house, domain):
                is_new, found = self._create(pod)
                made += [found] if is_new else []
            if 0 < len(made) < len(replica.members):
                raise left
        except PortError:
            self._take_back(made)
            raise

    def _create(self, pod: Json) -> tuple[bool, Json]:
        """(whether it was made now, the placeholder)"""
        address = self._address(name(pod))
        try:
            made = self._objects.create(address, pod)
            self._writes.create(made)
            return True, made
        except AlreadyExists:
            there = self._objects.get(address)
            if there is None or not self._seats.is_ours(there) or self._is_ending(there):
                raise Conflict(f"create {address}: one of this name is going or is not ours; next tick") from None
            self._writes.create(there)
            return False, there

    def _take_back(self, made: Iterable[Json]) -> None:
        """What was made of a slot that cannot be made whole; what cannot be deleted now is left to the next sweep."""
        for pod in made:
            self._endings.dismiss(str(metadata(pod)["uid"]))
            with suppress(PortError):
                self._release(pod)

    def delete(self, place: Place, pods: Snapshot[SeenPod]) -> None:
        """Deletes the slot of this place; done already where it is gone. Raises `PortError`."""
        for slot in self._slots(pods):
            if slot.place == place:
                for pod in slot.members:
                    self._release(pod)

    def hand_over(self, workload: int, count: int, pods: Snapshot[SeenPod], first: int | None = None) -> None:
        """Gives so many slots of a workload, those of which all are bound, the lowest first, to groups that are asked
        for: these find free room, and the scheduler need not take parts of other slots for them.

        first: how many members of each are deleted, None for all. The others are promised to the pods of the group that
        come later.
        """
        bound = [
            slot
            for slot in self._slots(pods)
            if slot.place is not None and slot.place.workload == workload and slot.is_whole
            and all(node_name(pod) and not self._is_ending(pod) for pod in slot.members)
            and not self._wholeness.is_promised(slot)
        ]  # fmt: skip
        verdict = Verdict(
            Fate.RELEASED, HANDOVER, "a group was asked for, which needs the room of all of it", delete=True
        )
        for slot in bound[: max(count, 0)]:
            self._wholeness.promise(slot)
            for pod in slot.members[:first]:
                self._endings.judge(str(metadata(pod)["uid"]), verdict)
                with suppress(PortError):  # the scheduler takes its place all the same
                    self._release(pod)

    def sweep(
        self, pods: Snapshot[SeenPod], standing: Standing, scales: Sequence[Scale | None],
        gangs: Sequence[Gang | None], now_s: float,
    ) -> Sweep:  # fmt: skip
        """Deletes what holds nothing, and tells what ended since the last call. scales, gangs: by workload, as seen
        last, None where it is not known.
        """
        failed: list[str] = []
        stuck = []
        for slot, going in self._going(pods, standing, scales, gangs, now_s, failed):
            for pod, verdict in going:
                try:
                    self._endings.judge(str(metadata(pod)["uid"]), verdict)
                    self._release(pod)
                except PortError as error:
                    failed.append(str(error))
                if verdict.fate is Fate.STUCK and slot.place is not None:
                    stuck.append(slot.place.pool)
        ended = self._endings.since_last(standing, scales, now_s)
        return Sweep(ended, tuple(failed), tuple(stuck))

    def _going(
        self, pods: Snapshot[SeenPod], standing: Standing, scales: Sequence[Scale | None],
        gangs: Sequence[Gang | None], now_s: float, failed: list[str],
    ) -> list[tuple[Slot, list[tuple[Json, Verdict]]]]:  # fmt: skip
        """The placeholders that we must delete, by slot, each with the reason. Of a slot all go where one must.

        failed: takes what could not be asked.
        """
        found, others = [], []
        for slot in self._slots(pods):
            own = [(pod, self._doomed(pod, standing.nodes, now_s)) for pod in slot.members]
            if all(verdict is None for _, verdict in own):
                others.append(slot)
            elif not any(verdict and verdict.cause == NODE_GONE and self._stands(pod, failed) for pod, verdict in own):
                found.append((slot, [(pod, verdict or BROKEN) for pod, verdict in own if not is_leaving(pod)]))
        for slot, verdict in self._wholeness.going(others, standing, scales, gangs, now_s):
            found.append((slot, [(pod, verdict) for pod in slot.members if not is_leaving(pod)]))
        return found

    def _stands(self, pod: Json, failed: list[str]) -> bool:
        """Whether its node is there: the two watches are of different moments. True where it cannot be asked."""
        try:
            return self._objects.get(Name(NODES, None, node_name(pod))) is not None
        except PortError as error:
            failed.append(str(error))
            return True

    def standing(self, pods: Snapshot[SeenPod]) -> dict[str, Json]:
        """Placeholders by name, our own last writes included."""
        return self._writes.standing(pods, self._clock.monotonic_s())

    def held(self, pods: Snapshot[SeenPod]) -> list[Json]:
        """Placeholders of ours that are bound, and stay."""
        standing = self.standing(pods).values()
        return [pod for pod in standing if node_name(pod) and self._seats.is_ours(pod) and not self._is_ending(pod)]

    def give_up(self, handed: Iterable[Handover]) -> tuple[str, ...]:
        """Deletes placeholders for the pods that need their room; what failed, in the port's words."""
        failed = []
        for one in handed:
            uid = str(metadata(one.placeholder)["uid"])
            said = f"pod {one.pod_uid}: {one.reason}"
            self._endings.judge(uid, Verdict(Fate.RELEASED, HANDOVER, said, delete=True))
            try:
                self._release(one.placeholder)
            except PortError as error:
                failed.append(str(error))
        return tuple(failed)

    def _slots(self, pods: Snapshot[SeenPod]) -> list[Slot]:
        """Those that stand, by what we know."""
        return slots(self.standing(pods).values(), self._seats)

    def _release(self, pod: Json) -> None:
        uid = str(metadata(pod)["uid"])
        self._writes.delete(uid, self._clock.monotonic_s())
        try:
            self._objects.delete(self._address(name(pod)), only=uid)
        except PortError:
            self._writes.forget(uid)
            raise

    def _doomed(self, pod: Json, nodes: Mapping[Key, SeenNode], now_s: float) -> Verdict | None:
        """Why we must delete it; None where it may stand, or goes already."""
        if is_leaving(pod):
            return None
        if not self._seats.is_ours(pod):
            return Verdict(Fate.RELEASED, "Orphan", "no policy, pool or owner of ours has it", delete=True)
        if self._seats.only_observes(pod):
            return Verdict(Fate.RELEASED, "Observes", "its policy does not act any more", delete=True)
        if _expires_s(pod) <= now_s:
            return Verdict(Fate.RELEASED, "Expired", "its time was up", delete=True)
        verdict = self._verdict(pod, nodes, now_s)
        return verdict if verdict.delete else None

    def _verdict(self, pod: Json, nodes: Mapping[Key, SeenNode], now_s: float) -> Verdict:
        node = nodes.get(Key("", node_name(pod)))
        thing = None if node is None else node.thing
        waited_s = now_s - datetime.fromisoformat(metadata(pod)["creationTimestamp"]).timestamp()
        sighting = Sighting(pod, False, False, thing, waited_s, succeeded=False)
        return fate(sighting, self._settings.stuck_after_s)

    def _is_ending(self, pod: Json) -> bool:
        """Whether it was preempted or evicted, has failed, or is being deleted: it holds its name only."""
        disrupted = condition(pod, "DisruptionTarget").get("status") == "True"
        failed = status(pod).get("phase") in ("Failed", "Succeeded")
        return disrupted or failed or is_leaving(pod) or self._writes.is_released(metadata(pod)["uid"])

    def _address(self, pod: str) -> Name:
        return Name(PODS, self._house.namespace, pod)


def _expires_s(pod: Json) -> float:
    """When its time is up, in seconds since the epoch; at once where that cannot be read."""
    try:
        return datetime.fromisoformat(str((metadata(pod).get("annotations") or {}).get(EXPIRES))).timestamp()
    except ValueError:
        return float("-inf")


def _holds(pod: SeenPod, resources: Container[str]) -> bool:
    """Whether it holds any of these on a node."""
    return bool(pod.node) and not pod.ended and any(r in resources and amount for r, amount in pod.devices.items())
