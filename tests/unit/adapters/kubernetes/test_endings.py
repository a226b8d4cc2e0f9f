"""What became of placeholders that went: who took their place, what is told once, and what is kept for refills."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from autoscaler.adapters.kubernetes.cache import Change, Happened, Key
from autoscaler.adapters.kubernetes.cluster.endings import GAP_S, KEPT_S, Endings
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.adapters.kubernetes.cluster.own_writes import OwnWrites
from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.seats import Seats
from autoscaler.adapters.kubernetes.cluster.sight import SeenPod, seen_node, seen_pod
from autoscaler.adapters.kubernetes.cluster.takers import BOUND_AFTER_S
from autoscaler.domain.ending import EndFate, PlaceholderEnd, Taker
from autoscaler.placeholder.fate import Fate
from autoscaler.placeholder.manifest import PLACEHOLDER, PLAN, POOL, ROLE, SLOT
from autoscaler.placeholder.naming import placeholder_name
from autoscaler.policy.load import of_kind, parse_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool
from tests.stepped_clock import SteppedClock
from tests.unit.controller.live import policy
from tests.unit.placeholder.objects import container, node

HOUSE, NODE = "gpu-autoscaler", "node-1"
POOL_TEXT = """\
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: h100}
spec:
  capacityType: on-demand
  nodeAffinity: [{key: gpu, operator: In, values: [h100]}]
  gpusPerNode: 8
  pricePerGpuHour: 2
"""
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "plan", "uid": "u-1"}
TEXT = "---\n".join([POOL_TEXT, policy("chat"), policy("code")])


def scale(app: str) -> Scale:
    return Scale(1, ({"key": "app", "operator": "In", "values": [app]},))


@dataclass
class Watched:
    """Endings, and a cluster as its watches would show it."""

    clock: SteppedClock = field(default_factory=SteppedClock)
    writes: OwnWrites = field(default_factory=OwnWrites)
    pods: dict[Key, SeenPod] = field(default_factory=dict)
    scales: list[Scale | None] = field(default_factory=lambda: [scale("chat"), scale("code")])

    def __post_init__(self) -> None:
        documents = parse_documents(TEXT.encode(), "test.yaml", KINDS, lambda _: b"")
        owners = {"chat": OWNER, "code": OWNER}
        self.seats = Seats(of_kind(documents, CapacityPolicy), of_kind(documents, GpuPool), owners)
        self.endings = Endings(self.clock, self.seats, self.writes, 1800.0)
        node_seen = seen_node(node(NODE, {"gpu": "h100"}), self.seats.pins)
        self.nodes = {Key("", NODE): node_seen}
        self.tell()

    def stamp(self, ago_s: float = 0.0) -> str:
        return datetime.fromtimestamp(int(self.clock.wall_s() - ago_s), UTC).isoformat()

    def goes(self, slot: int, why: str = "PreemptionByScheduler", plan: str = "chat", gpus: int = 1) -> str:
        """A placeholder on the node goes; its uid."""
        conditions = [{"type": "DisruptionTarget", "status": "True", "reason": why}] if why else []
        name = placeholder_name(plan, "h100", slot)
        pod = {
            "metadata": {
                "name": name,
                "namespace": HOUSE,
                "uid": f"{name}-{self.clock.wall_s()}",
                "labels": {ROLE: PLACEHOLDER, PLAN: plan, POOL: "h100"},
                "annotations": {SLOT: str(slot)},
                "creationTimestamp": self.stamp(60.0),
            },
            "spec": {"nodeName": NODE, "containers": [container(gpu=str(gpus))]},
            "status": {"phase": "Running", "conditions": conditions},
        }
        seen = seen_pod(pod, HOUSE)
        self.endings.told(Change(Happened.DELETED, Key(HOUSE, name), seen, seen))
        return seen.uid

    def binds(
        self, name: str, app: str, namespace: str = "inference", ago_s: float = 0.0, gpus: int = 1, **status: Any
    ) -> None:
        """A pod is bound to the node."""
        scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": self.stamp(ago_s)}
        pod = {
            "metadata": {"name": name, "namespace": namespace, "uid": name, "labels": {"app": app}},
            "spec": {"nodeName": NODE, "containers": [container(**({"gpu": str(gpus)} if gpus else {"cpu": "1"}))]},
            "status": {"phase": "Running", "conditions": [scheduled], **status},
        }
        self.pods[Key(namespace, name)] = seen_pod(pod, HOUSE)

    def tell(self) -> list[PlaceholderEnd]:
        standing = Standing(self.pods, self.nodes)
        return list(self.endings.since_last(standing, self.scales, self.clock.wall_s()))

    def lately(self) -> list[PlaceholderEnd]:
        return list(self.endings.lately(self.clock.wall_s()))


def takers(ends: list[PlaceholderEnd]) -> list[tuple[Taker, str]]:
    return [(end.taker, end.taken_by) for end in ends]


def test_fates_of_those_that_ended_have_the_same_words() -> None:
    assert {fate.value for fate in EndFate} == {fate.value for fate in Fate} - {"Pending", "Held"}


@pytest.mark.parametrize(
    ("app", "namespace", "taker"),
    [
        pytest.param("chat", "inference", Taker.OWN, id="its own workload"),
        pytest.param("code", "inference", Taker.FELLOW, id="another workload of ours"),
        pytest.param("train", "inference", Taker.OTHER, id="another in its namespace"),
        pytest.param("chat", "research", Taker.OTHER, id="one that is only called alike"),
    ],
)
def test_who_took_the_place(app: str, namespace: str, taker: Taker) -> None:
    watched = Watched()
    watched.goes(3)
    watched.binds("taker", app, namespace)
    (end,) = watched.tell()
    assert (end.policy, end.pool, end.slot, end.fate) == ("chat", "h100", 3, EndFate.CONSUMED)
    assert takers([end]) == [(taker, f"{namespace}/taker")]
    assert end.is_strangers is (taker is Taker.OTHER)
    assert watched.tell() == []


def test_a_pod_that_is_not_bound_yet_is_waited_for_but_not_for_ever() -> None:
    watched = Watched()
    watched.goes(0)
    assert watched.tell() == []
    watched.clock.move(1.0)
    watched.binds("taker", "train", "research")
    assert takers(watched.tell()) == [(Taker.OTHER, "research/taker")]
    watched.clock.move(60.0)
    watched.goes(1)
    assert watched.tell() == []
    watched.clock.move(BOUND_AFTER_S)
    assert takers(watched.tell()) == [(Taker.UNKNOWN, "")]


def test_the_one_that_was_bound_nearest_took_it() -> None:
    watched = Watched()
    watched.binds("long-there", "chat", ago_s=600.0)
    watched.binds("shortly-before", "chat", ago_s=2.0)
    watched.goes(0)
    assert watched.tell() == []
    watched.binds("taker", "train", "research")
    assert takers(watched.tell()) == [(Taker.OTHER, "research/taker")]


def test_where_no_other_comes_the_one_shortly_before_took_it() -> None:
    watched = Watched()
    watched.binds("shortly-before", "chat", ago_s=2.0)
    watched.goes(0)
    assert watched.tell() == []
    watched.clock.move(BOUND_AFTER_S)
    assert takers(watched.tell()) == [(Taker.OWN, "inference/shortly-before")]


def test_each_answers_for_what_it_holds() -> None:
    watched = Watched()
    for slot in range(5):
        watched.goes(slot)
    watched.binds("large", "train", "research", gpus=4)
    watched.binds("small", "chat")
    told = watched.tell()
    assert sorted(takers(told)) == [(Taker.OWN, "inference/small"), *[(Taker.OTHER, "research/large")] * 4]
    watched.goes(5)
    assert watched.tell() == []
    watched.clock.move(1.0)
    watched.binds("next", "code")
    assert takers(watched.tell()) == [(Taker.FELLOW, "inference/next")]


def test_one_without_gpus_took_it_only_where_no_other_can_have() -> None:
    watched = Watched()
    watched.binds("cpu", "chat", gpus=0)
    watched.goes(0)
    assert takers(watched.tell()) == [(Taker.OWN, "inference/cpu")]
    watched.binds("gpu", "train", "research")
    watched.goes(1)
    assert takers(watched.tell()) == [(Taker.OTHER, "research/gpu")]


def test_whose_it_is_is_unknown_where_a_workload_there_cannot_be_read() -> None:
    watched = Watched()
    watched.scales = [scale("chat"), None]
    watched.goes(0)
    watched.binds("taker", "train")
    assert takers(watched.tell()) == [(Taker.UNKNOWN, "inference/taker")]


def test_a_placeholder_that_vanished_was_used_where_a_pod_of_ours_stands_there() -> None:
    watched = Watched()
    watched.goes(0, why="")
    watched.binds("taker", "chat")
    assert [(end.fate, end.cause, end.taker) for end in watched.tell()] == [(EndFate.CONSUMED, "Succeeded", Taker.OWN)]
    watched.pods.clear()
    watched.goes(1, why="")
    assert watched.tell() == []
    watched.clock.move(BOUND_AFTER_S)
    assert [(end.fate, end.cause, end.taker) for end in watched.tell()] == [(EndFate.LOST, "Deleted", Taker.NOBODY)]


def test_what_we_released_nobody_took() -> None:
    watched = Watched()
    watched.writes.delete(watched.goes(0, why=""), 0.0)
    assert [(end.fate, end.taker) for end in watched.tell()] == [(EndFate.RELEASED, Taker.NOBODY)]


def test_who_begins_to_lead_tells_only_what_went_just_now_and_says_why() -> None:
    watched = Watched()
    watched.clock.move(2 * GAP_S)
    watched.goes(0, why="DeletionByPodGC")
    watched.clock.move(300.0)
    watched.goes(1, why="")
    watched.goes(2, why="DeletionByPodGC")
    watched.clock.move(20.0)
    assert [(end.slot, end.fate) for end in watched.tell()] == [(2, EndFate.LOST)]
    watched.goes(3, why="DeletionByPodGC")
    assert [end.slot for end in watched.tell()] == [3]


def test_what_bears_on_asking_again_is_kept_for_some_hours() -> None:
    watched = Watched()
    watched.goes(0)
    watched.binds("own", "chat")
    watched.goes(1, why="DeletionByPodGC")
    watched.goes(2, why="EvictionByEvictionAPI")
    assert watched.lately() == []
    watched.tell()
    assert [(end.slot, end.fate) for end in watched.lately()] == [(1, EndFate.LOST), (2, EndFate.DRAINED)]
    watched.pods.clear()
    watched.clock.move(60.0)
    watched.goes(3)
    watched.binds("stranger", "train", "research")
    watched.tell()
    assert [end.slot for end in watched.lately()] == [1, 2, 3]
    watched.clock.move(KEPT_S - 30.0)
    assert [end.slot for end in watched.lately()] == [3]
