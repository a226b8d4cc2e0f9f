"""Groups of pods in the account: ready, starting or pending as a whole, on the pool where they stand."""

from __future__ import annotations

import pytest

from autoscaler.adapters.kubernetes.cache import Key
from autoscaler.adapters.kubernetes.cluster.account import Supply, account
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.seats import Place, Seats
from autoscaler.adapters.kubernetes.cluster.sight import SeenPod, seen_node, seen_pod
from autoscaler.domain.inventory import Inventory
from autoscaler.placeholder.group import GROUP_INDEX, SET, WORKER_INDEX
from autoscaler.policy.load import of_kind, parse_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool
from tests.unit.adapters.kubernetes.gang_house import POOL_TEXT
from tests.unit.controller.live import policy
from tests.unit.placeholder.objects import OWNER, container, node

TEXT = "---\n".join([POOL_TEXT, policy("chat"), policy("code")])
CHAT = Scale(2, ({"key": SET, "operator": "In", "values": ["chat"]},), 2)
CODE = Scale(0, ({"key": "app", "operator": "In", "values": ["code"]},))
NODES = ("n0", "n1", "n2")
Pods = dict[str, tuple[str, bool]]
"""By name, as `<group>-<worker>`: node, empty where there is none, and whether it is ready."""


def seats() -> Seats:
    documents = parse_documents(TEXT.encode(), "test.yaml", KINDS, lambda _: b"")
    return Seats(of_kind(documents, CapacityPolicy), of_kind(documents, GpuPool), {"chat": OWNER, "code": OWNER})


def member(name: str, on: str, ready: bool) -> SeenPod:
    group, worker = name.split("-")
    labels = {SET: "chat", GROUP_INDEX: group, WORKER_INDEX: worker}
    thing = {
        "metadata": {"name": f"chat-{name}", "namespace": "inference", "uid": name, "labels": labels},
        "spec": {"containers": [container(gpu="8")], **({"nodeName": on} if on else {})},
        "status": {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }
    return seen_pod(thing, "house")


def counted(pods: Pods) -> Inventory:
    own = seats()
    nodes = {}
    for name in NODES:
        thing = node(name, {"gpu": "h100"})
        thing["status"]["allocatable"] = {"nvidia.com/gpu": "8"}
        nodes[Key("", name)] = seen_node(thing, own.pins)
    seen = {Key("inference", name): member(name, *pod) for name, pod in pods.items()}
    return account(own, [CHAT, CODE], [None, None], Standing(seen, nodes), (), Supply((), ()))


@pytest.mark.parametrize(
    ("pods", "ready", "starting", "pending", "free"),
    [
        pytest.param({"0-0": ("n0", True), "0-1": ("n1", True)}, 1, 0, 0, 8, id="all serve"),
        pytest.param({"0-0": ("n0", True), "0-1": ("n1", False)}, 0, 1, 0, 8, id="one is starting"),
        pytest.param({"0-0": ("n0", True), "0-1": ("", False)}, 0, 0, 1, 16, id="one has no node"),
        pytest.param({"0-0": ("n0", True)}, 0, 0, 1, 16, id="one is not even there"),
        pytest.param({"0-0": ("", False), "0-1": ("", False)}, 0, 0, 1, 24, id="none has a node: one replica waits"),
        pytest.param({"0-0": ("n0", True), "0-1": ("gone", True)}, 0, 0, 0, 16, id="one is on a node that is gone"),
        pytest.param(
            {"0-0": ("n0", True), "0-1": ("n1", True), "1-0": ("n2", True), "1-1": ("", False)}, 1, 0, 1, 0,
            id="one and a half groups",
        ),
        pytest.param({"0-0": ("n0", True), "1-0": ("n1", True)}, 0, 0, 2, 8, id="two halves are no group"),
    ],
)  # fmt: skip
def test_a_group_counts_as_its_pod_that_is_furthest_behind(
    pods: Pods, ready: int, starting: int, pending: int, free: int
) -> None:
    found = counted(pods)
    assert (int(found.ready[0, 0]), int(found.starting[0, 0])) == (ready, starting)
    assert (found.pending.tolist(), found.free_gpus.tolist()) == ([pending, 0], [free])


def test_events_on_placeholders_of_groups_tell_the_pool() -> None:
    own = seats()
    for place, number in ((Place(0, 0, 3), None), (Place(1, 0, 12), 0), (Place(1, 0, 0), 11)):
        assert own.pool_of_name(own.name(place, number)) == 0
    assert [own.pool_of_name(name) for name in ("", "chat", "chat-0", "cap-chat-h100-00000000-1-2")] == [None] * 4
