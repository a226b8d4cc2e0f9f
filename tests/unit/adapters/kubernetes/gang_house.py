"""Placeholders of groups in a house whose API server stands in memory, with a scheduler that a test plays."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from autoscaler.adapters.kubernetes.cache import Change, Happened, Key
from autoscaler.adapters.kubernetes.cluster.lifecycle import Lifecycle
from autoscaler.adapters.kubernetes.cluster.models import ReplicaShape, Standing
from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.seats import Place, Seats
from autoscaler.adapters.kubernetes.cluster.settings import LiveSettings
from autoscaler.adapters.kubernetes.cluster.sight import SeenNode, SeenPod, seen_node, seen_pod
from autoscaler.adapters.kubernetes.json_object import Json
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.watching import Snapshot
from autoscaler.domain.ending import PlaceholderEnd
from autoscaler.domain.gang import Gang
from autoscaler.domain.inventory import Placeholder
from autoscaler.placeholder.constraints import Surroundings
from autoscaler.placeholder.group import GROUP_INDEX, SET, WORKER_INDEX
from autoscaler.placeholder.manifest import MEMBER, SLOT
from autoscaler.placeholder.shape import Shape, shape
from autoscaler.policy.load import of_kind, parse_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool
from autoscaler.ports.errors import AlreadyExists, PortError, QuotaExceeded, Unavailable
from tests.stepped_clock import SteppedClock
from tests.unit.controller.live import policy
from tests.unit.placeholder.objects import HOUSE, OWNER, container, node, pod

POOL_TEXT = """\
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: h100}
spec:
  capacityType: on-demand
  nodeAffinity: [{key: gpu, operator: In, values: [h100]}]
  tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
  gpusPerNode: 8
  pricePerGpuHour: 2
"""
SIZE = 3
PATIENCE_S, GROUP_S = LiveSettings().patience_s, LiveSettings().group_s


class MemoryServer(Objects):
    """Pods and nodes by name. dead: it answers nothing. left: of creations that a quota lets through, None for all."""

    def __init__(self, clock: SteppedClock) -> None:
        self.clock, self.manager = clock, "gpu-autoscaler"
        self.pods: dict[str, dict[str, Any]] = {}
        self.nodes: dict[str, dict[str, Any]] = {}
        self.gone: list[dict[str, Any]] = []
        self.dead = False
        self.left: int | None = None
        self._made = 0

    def get(self, name: Name) -> Json | None:
        self._answers()
        return copy.deepcopy((self.nodes if name.resource.kind == "Node" else self.pods).get(name.name))

    def create(self, name: Name, body: Mapping[str, object]) -> Json:
        self._answers()
        if name.name in self.pods:
            raise AlreadyExists(name.name)
        if self.left is not None:
            if self.left == 0:
                raise QuotaExceeded("exceeded quota")
            self.left -= 1
        self._made += 1
        made: dict[str, Any] = copy.deepcopy(dict(body))
        now = datetime.fromtimestamp(self.clock.wall_s(), UTC).isoformat()
        told = {"uid": f"uid-{self._made}", "resourceVersion": str(self._made), "creationTimestamp": now}
        made["metadata"] |= told
        self.pods[name.name] = made
        return copy.deepcopy(made)

    def delete(self, name: Name, only: str | None = None, grace_s: int | None = None, version: str = "") -> bool:
        self._answers()
        found = self.pods.get(name.name)
        if found is None or (only is not None and found["metadata"]["uid"] != only):
            return False
        self.goes(name.name)
        return True

    def goes(self, name: str, why: str = "") -> None:
        """A pod ends, whoever ends it."""
        gone = self.pods.pop(name)
        if why:
            gone["status"] = {"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": why}]}
        self.gone.append(gone)

    def version(self) -> str:
        return str(self._made)

    def _answers(self) -> None:
        if self.dead:
            raise Unavailable("no answer")


@dataclass
class GangHouse:
    """`chat`: groups of three pods of a node each. A test moves the clock by itself, or by ticks."""

    clock: SteppedClock = field(default_factory=SteppedClock)
    ended: list[PlaceholderEnd] = field(default_factory=list)
    real: dict[Key, SeenPod] = field(default_factory=dict)

    def __post_init__(self) -> None:
        documents = parse_documents(
            "---\n".join([POOL_TEXT, policy("chat")]).encode(), "test.yaml", KINDS, lambda _: b""
        )
        policies, pools = of_kind(documents, CapacityPolicy), of_kind(documents, GpuPool)
        self.seats = Seats(policies, pools, {"chat": OWNER})
        self.server = MemoryServer(self.clock)
        self.scale = Scale(0, ({"key": SET, "operator": "In", "values": ["chat"]},), SIZE)
        self.gang = Gang(8, 8, SIZE)
        self.lifecycle = self.begin()
        member = shape(pod(containers=[container(gpu="8")]), self.seats.pins[0], Surroundings())
        assert isinstance(member, Shape)
        self.replica = ReplicaShape((member,) * SIZE, True, None)

    def begin(self) -> Lifecycle:
        """A controller that remembers nothing; the one before sees no more."""
        self.lifecycle = Lifecycle(self.server, self.clock, self.seats, HOUSE, LiveSettings())
        self.lifecycle.ended(0.0)
        self.lifecycle.sweep(self.snapshot(), self.standing(), [self.scale], [self.gang], self.clock.wall_s())
        return self.lifecycle

    def snapshot(self) -> Snapshot[SeenPod]:
        """What the watch shows, the handlers having heard what went."""
        for gone in self.server.gone:
            seen = seen_pod(gone, HOUSE.namespace)
            key = Key(HOUSE.namespace, seen.name)
            self.lifecycle.told(Change(Happened.DELETED, key, seen, seen))
        self.server.gone.clear()
        own = {Key(HOUSE.namespace, name): seen_pod(one, HOUSE.namespace) for name, one in self.server.pods.items()}
        return Snapshot({**own, **self.real}, self.server.version(), 0.0, None)

    def nodes(self) -> dict[Key, SeenNode]:
        return {Key("", name): seen_node(one, self.seats.pins) for name, one in self.server.nodes.items()}

    def standing(self) -> Standing:
        return Standing(self.snapshot().items, self.nodes())

    def create(self, slot: int) -> str:
        """The name of the error, empty where there was none."""
        try:
            self.lifecycle.create(Place(0, 0, slot), self.replica, None, self.snapshot())
        except PortError as error:
            return type(error).__name__
        return ""

    def delete(self, slot: int) -> None:
        self.lifecycle.delete(Place(0, 0, slot), self.snapshot())

    def add_nodes(self, *names: str) -> None:
        for name in names:
            self.server.nodes[name] = node(name, {"gpu": "h100"}) | {}
            self.server.nodes[name]["status"]["allocatable"] = {"nvidia.com/gpu": "8"}

    def free_nodes(self) -> list[str]:
        taken = {one["spec"].get("nodeName") for one in self.server.pods.values()} | {
            p.node for p in self.real.values()
        }
        return [name for name in self.server.nodes if name not in taken]

    def schedule(self, *names: str) -> None:
        """Binds these placeholders, or all in the order in which they came, to nodes that are free."""
        waiting = [name for name, one in self.server.pods.items() if not one["spec"].get("nodeName")]
        for name, on in zip([n for n in waiting if n in names] if names else waiting, self.free_nodes(), strict=False):
            self.server.pods[name]["spec"]["nodeName"] = on

    def takes(self, placeholder: str, app: str = "chat", worker: int = 0) -> None:
        """A pod of a group of this set, or of somebody else, preempts a placeholder."""
        on = self.server.pods[placeholder]["spec"]["nodeName"]
        self.server.goes(placeholder, "PreemptionByScheduler")
        self.runs(f"{app}-{worker}", on, app, worker)

    def runs(self, name: str, on: str, app: str = "chat", worker: int = 0) -> None:
        """A real pod stands on a node, or waits where that is empty."""
        at = datetime.fromtimestamp(int(self.clock.wall_s()), UTC).isoformat()
        bound = {"type": "PodScheduled", "status": "True", "lastTransitionTime": at}
        thing = {
            "metadata": {
                "name": name,
                "namespace": "inference",
                "uid": name,
                "labels": {SET: app, GROUP_INDEX: "0", WORKER_INDEX: str(worker)},
            },
            "spec": {"containers": [container(gpu="8")], **({"nodeName": on} if on else {})},
            "status": {"conditions": [bound] if on else []},
        }
        self.real[Key("inference", name)] = seen_pod(thing, HOUSE.namespace)

    def tick(self, seconds: float = 1.0) -> list[PlaceholderEnd]:
        """Time passes, then one sweep; what ended."""
        self.clock.move(seconds)
        swept = self.lifecycle.sweep(
            self.snapshot(), self.standing(), [self.scale], [self.gang], self.clock.wall_s()
        )  # fmt: skip
        self.snapshot()
        self.ended += swept.ended
        return list(swept.ended)

    def seen(self) -> tuple[Placeholder, ...]:
        return self.lifecycle.placeholders(self.snapshot(), self.nodes(), self.clock.wall_s())

    def members(self) -> dict[int, set[int]]:
        """Which members stand, by slot."""
        found: dict[int, set[int]] = {}
        for one in self.server.pods.values():
            notes = one["metadata"]["annotations"]
            found.setdefault(int(notes[SLOT]), set()).add(int(notes[MEMBER]))
        return found

    def named(self, slot: int, member: int) -> str:
        return self.seats.name(Place(0, 0, slot), member)
