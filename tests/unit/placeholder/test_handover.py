"""A placeholder steps aside only for a pod that the scheduler cannot give its room to, and only one at a time."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.placeholder.constraints import Surroundings
from autoscaler.placeholder.handover import Handover, Waiting, handover_needed, handovers
from autoscaler.placeholder.manifest import placeholder
from autoscaler.placeholder.pod import Json, name
from autoscaler.placeholder.shape import Shape, shape
from tests.unit.placeholder.objects import (
    HOST,
    HOUSE,
    POOL,
    SEAT,
    ZONE,
    apart,
    container,
    expressions,
    node_affinity,
    pod,
)

PATIENCE_S = 30.0
NODES = {
    f"n{n}": {"pool": "h100", HOST: f"n{n}", ZONE: zone} for n, zone in enumerate(["a", "a", "b", "b", "b"], start=1)
}


def held(on: str | None, name: str = "", **asked: str) -> dict[str, Any]:
    """A placeholder of ours that is bound to a node, with the priority that its class gives it."""
    found = shape(pod(containers=[container(**(asked or {"gpu": "1"}))]), POOL, Surroundings())
    assert isinstance(found, Shape)
    made = placeholder(found, SEAT, HOUSE)
    made["metadata"]["name"] = name or f"cap-{on}"
    made["spec"] |= {"priority": -10, **({"nodeName": on} if on else {})}
    return made


def waiting(message: str = "0/5 nodes", waited_s: float = 1.0, since_s: float | None = None, **spec: Any) -> Waiting:
    """A pod of the workload that the scheduler found no room for."""
    real = pod(**{"priority": 0, **spec})
    said = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return Waiting({**real, "status": {"conditions": [said]}}, waited_s, since_s, {"team": "platform"})


def given(to: Waiting, *placeholders: Json) -> str | None:
    found = handover_needed(to, placeholders, NODES, PATIENCE_S)
    return None if found is None else name(found.placeholder)


def reason(to: Waiting, *placeholders: Json) -> str:
    found = handover_needed(to, placeholders, NODES, PATIENCE_S)
    assert isinstance(found, Handover)
    assert found.pod_uid == "uid-chat-0"
    return found.reason


def test_the_scheduler_does_it_for_an_ordinary_pod() -> None:
    assert given(waiting(), held("n1")) is None


@pytest.mark.parametrize(
    ("to", "words"),
    [
        pytest.param(waiting(preemptionPolicy="Never"), "preemptionPolicy Never", id="may not preempt"),
        pytest.param(waiting(priority=-10), "priority -10 is not above", id="equal priority"),
        pytest.param(waiting(priority=-20), "priority -20 is not above", id="lower priority"),
        pytest.param(waiting(resourceClaims=[{"name": "gpu"}]), "claimed devices", id="claims"),
        pytest.param(waiting(affinity=apart(ZONE, {})), "", id="own namespace alone does not exclude"),
        pytest.param(
            waiting(affinity=apart(ZONE, {}, namespaceSelector={})), f"exclude each other by {ZONE}", id="zone"
        ),
        pytest.param(
            waiting(affinity=apart(ZONE, {}, namespaceSelector={"matchLabels": {"team": "platform"}})),
            f"exclude each other by {ZONE}",
            id="zone, by a label of our namespace",
        ),
        pytest.param(waiting("didn't match pod anti-affinity rules"), "anti-affinity", id="the scheduler says so"),
        pytest.param(waiting("didn't match pod topology spread constraints"), "topology spread", id="spread"),
        pytest.param(waiting(waited_s=31), "Pending for 31 s", id="too long"),
    ],
)
def test_where_the_scheduler_cannot(to: Waiting, words: str) -> None:
    if words:
        assert words in reason(to, held("n1"))
    else:
        assert given(to, held("n1")) is None


def test_devices_that_a_placeholder_has_claimed_are_given_up() -> None:
    """For an extended resource behind a claim the pod that waits has none yet, and the placeholder has."""
    claimed = held("n1") | {"status": {"extendedResourceClaimStatus": {"resourceClaimName": "made"}}}
    assert "claimed devices" in reason(waiting(), claimed)


def test_a_host_rule_is_cured_by_preemption() -> None:
    assert given(waiting(affinity=apart(HOST, {}, namespaceSelector={})), held("n1")) is None


def test_a_placeholders_own_rule_counts_too() -> None:
    ours = held("n1")
    ours["spec"]["affinity"] |= apart("rack", {"matchLabels": {"app": "chat"}}, namespaces=["inference"])
    assert "exclude each other by rack" in reason(waiting(), ours)


NEVER: dict[str, Any] = {"preemptionPolicy": "Never"}


@pytest.mark.parametrize(
    "to",
    [
        pytest.param(Waiting(pod(**NEVER), 99, None, {}), id="not tried yet"),
        pytest.param(waiting(nodeName="n1", **NEVER), id="bound"),
        pytest.param(waiting(since_s=5, **NEVER), id="one was given up just now"),
    ],
)
def test_who_does_not_wait_gets_nothing(to: Waiting) -> None:
    assert given(to, held("n1")) is None


def test_gated_leaving_and_nominated_pods_get_nothing() -> None:
    gated, leaving, nominated = (waiting(**NEVER) for _ in range(3))
    conditions: Any = gated.pod["status"]["conditions"]
    conditions[0]["reason"] = "SchedulingGated"
    meta: Any = leaving.pod["metadata"]
    meta["deletionTimestamp"] = "2026-11-25T09:00:00Z"
    status: Any = nominated.pod["status"]
    status["nominatedNodeName"] = "n1"
    assert [given(to, held("n1")) for to in (gated, leaving, nominated)] == [None] * 3
    assert given(Waiting(nominated.pod, 31, None, {}), held("n1")) == "cap-n1"


def test_patience_over_the_next_may_go() -> None:
    assert given(waiting(since_s=31, **NEVER), held("n1")) == "cap-n1"


def test_what_did_not_help_once_is_not_tried_again() -> None:
    assert given(waiting(waited_s=99, since_s=60), held("n1")) is None


@pytest.mark.parametrize(
    "useless",
    [
        pytest.param(held(None), id="not bound"),
        pytest.param(held("n1", gpu="1") | {"metadata": {"name": "x", "deletionTimestamp": "now"}}, id="leaving"),
        pytest.param(held("n9"), id="on a node that is not known"),
        pytest.param(held("n1", cpu="8", gpu="1"), id="too little memory"),
    ],
)
def test_a_placeholder_that_makes_no_room_stays(useless: Json) -> None:
    to = waiting(containers=[container(gpu="1", memory="1Gi")], **NEVER)
    assert given(to, useless) is None


def test_only_nodes_that_the_pod_may_use() -> None:
    assert given(waiting(nodeSelector={ZONE: "b"}, **NEVER), held("n1")) is None
    assert given(waiting(affinity=node_affinity(expressions((ZONE, "In", ["b"]))), **NEVER), held("n1")) is None
    assert given(waiting(nodeSelector={ZONE: "b"}, **NEVER), held("n1"), held("n3")) == "cap-n3"
    assert given(waiting(affinity=node_affinity(), **NEVER), held("n1")) is None


def test_the_one_that_holds_least_beyond_the_need_then_by_name() -> None:
    to = waiting(**NEVER)
    assert given(to, held("n1", gpu="8"), held("n3", gpu="1"), held("n2", gpu="1")) == "cap-n2"
    assert given(to, held("n1", gpu="1", memory="9Gi"), held("n2", gpu="1", memory="8Gi")) == "cap-n2"


def test_a_domain_is_cleared_one_by_one_and_the_pods_own_room_last() -> None:
    to = waiting(containers=[container(gpu="2")], affinity=apart(ZONE, {}, namespaceSelector={}))
    there = [held("n1", gpu="2"), held("n2", gpu="1"), *(held(n, gpu="2") for n in ("n3", "n4", "n5"))]
    assert given(to, *there) == "cap-n2"
    assert given(to, there[0], *there[2:]) == "cap-n1"


def test_several_pods_get_one_each_and_none_twice() -> None:
    first, second, third = waiting(waited_s=5, **NEVER), waiting(waited_s=9, **NEVER), waiting(waited_s=1, **NEVER)
    found = handovers([first, second, third], [held("n1"), held("n2")], NODES, PATIENCE_S)
    assert [name(h.placeholder) for h in found] == ["cap-n1", "cap-n2"]
    assert handovers([], [held("n1")], NODES, PATIENCE_S) == ()
