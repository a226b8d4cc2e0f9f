"""Rollouts on the real control plane: seen at once, room held all along, and the shape of what is held renewed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from autoscaler.act.difference import difference
from autoscaler.act.renewal import renewed
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.controller.apply import apply
from autoscaler.domain.ending import EndFate
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.plan import Plan
from autoscaler.placeholder.manifest import SHAPE
from autoscaler.plan.rollouts import lifts, surge_to_come
from autoscaler.policy.compile import compile_fleet
from tests.cluster import objects
from tests.cluster.api import Json
from tests.cluster.clock import now_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.live import DEPLOYMENTS, LiveFleet, deployment, live_fleet
from tests.cluster.lws import GROUP_SETS, group_set
from tests.cluster.pools import GPU, PRIMARY
from tests.cluster.product_link import product_link
from tests.cluster.stages import Stages
from tests.cluster.watch import Watch

Measured = Callable[[str, float, str], None]
REPLICAS, HELD, GPUS, LARGER = 2, 2, 4, 8
START = Stages(image_s=2, weights_s=2)
ONE_MORE, ONE_FEWER = {"maxSurge": 1, "maxUnavailable": 0}, {"maxSurge": 0, "maxUnavailable": 1}
WITHIN_S = 90.0
STATEFUL_SETS = "apps/v1/statefulsets"
OLD_IMAGE, NEW_IMAGE = objects.IMAGE, "registry.test/chat:2"


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[Transport]:
    with product_link(cluster) as link:
        yield link


@pytest.fixture
def fleet(cluster: Cluster, transport: Transport) -> Iterator[LiveFleet]:
    """Two replicas that fill one node, and two placeholders that fill another. Nobody buys nodes."""
    cluster.add_nodes(PRIMARY, PRIMARY.zones[0], 2)
    body = deployment("chat", cluster.namespace, REPLICAS, gpus=GPUS, stages=START)
    body["spec"]["strategy"] = {"rollingUpdate": ONE_MORE}
    cluster.create(DEPLOYMENTS, body)
    with live_fleet(LiveFleet(cluster, transport, (PRIMARY,), ("chat",))) as found:
        found.wait(lambda now: now.ready.sum() == REPLICAS, "the replicas to serve", WITHIN_S)
        wait_until(lambda: _bound(turn(found)) == HELD, "the placeholders to be bound", WITHIN_S, 0.2)
        yield found


def turn(fleet: LiveFleet, floor: int = REPLICAS, held: int = HELD) -> Inventory:
    """What a tick does where `floor` replicas and room for `held` more are wanted, whatever the demand."""
    policies, pools = fleet.documents()
    shapes = fleet.port.shapes()
    leads = dict.fromkeys(shapes, (60.0, 30.0))
    known = compile_fleet(policies, pools, shapes, leads, gangs=fleet.port.gangs()).fleet
    now = fleet.inventory()
    wanted = np.array([float(floor)])
    asked = (wanted + lifts(wanted, now, known)).astype(np.int64)
    placeholders = held + surge_to_come(now, known)
    plan = Plan(asked, placeholders[:, None], wanted, np.zeros(1, dtype=np.uint32), np.zeros(1))
    outcomes = apply(renewed(difference(plan, now), plan, now, known), fleet.port)
    assert [one.error for one in outcomes if one.error is not None and "next tick" not in one.error] == []
    fleet.sweep()
    return now


def test_a_surge_pod_takes_a_place_at_once_and_the_room_is_there_again(
    fleet: LiveFleet, cluster: Cluster, measured: Measured
) -> None:
    with Watch(cluster.api, "pods", cluster.namespace) as real:
        begin = now_s()
        change(cluster, {"containers": [{"name": "serve", "image": NEW_IMAGE}]})
        seen_s = _until(fleet, begin, lambda now: bool(now.rollouts), "the rollout to be seen")
        rollout = fleet.inventory().rollouts[0]
        assert rollout is None or (rollout.moves, rollout.extra(REPLICAS), rollout.lift(REPLICAS)) == (True, 1, 0)
        done_s = _until(fleet, begin, lambda now: not now.rollouts and _bound(now) == HELD, "all to be new")
    measured("rollout: seen after the change of the template", seen_s, "a turn of the loop")
    new = [one for one in real.seen if _image(one.object) == NEW_IMAGE]
    first_s = min(one.at_s for one in new if one.object["spec"].get("nodeName")) - begin
    measured("rollout: the first surge pod on a warm node", first_s, "the scheduler's own time")
    measured(f"rollout: {REPLICAS} replicas new, the room held again", done_s, "2 starts of 4 s")
    assert len(cluster.nodes()) == 2
    assert EndFate.CONSUMED in {end.fate for end in fleet.ended}
    end_with_nothing(fleet, cluster)


def test_replicas_that_a_rollout_takes_away_are_made_up_for(
    fleet: LiveFleet, cluster: Cluster, measured: Measured
) -> None:
    cluster.api.patch(DEPLOYMENTS, "chat", {"spec": {"strategy": {"rollingUpdate": ONE_FEWER}}}, cluster.namespace)
    begin = now_s()
    change(cluster, {"containers": [{"name": "serve", "image": NEW_IMAGE}]})
    raised_s = _until(fleet, begin, lambda now: now.floor.tolist() == [REPLICAS + 1], "the floor to be raised")
    measured("rollout: the floor raised by the replica that is away", raised_s, "a turn of the loop")
    done_s = _until(fleet, begin, lambda now: not now.rollouts and now.floor.tolist() == [REPLICAS], "all to be over")
    measured("rollout: the floor as before", done_s, "3 starts of 4 s")
    wait_until(lambda: turn(fleet).ready.sum() == REPLICAS, "the replicas asked for alone to stand", WITHIN_S, 0.2)
    assert {_image(pod) for pod in cluster.pods() if not _is_leaving(pod)} == {NEW_IMAGE}
    end_with_nothing(fleet, cluster)


def test_room_of_the_old_shape_goes_only_as_room_of_the_new_one_stands(
    fleet: LiveFleet, cluster: Cluster, measured: Measured
) -> None:
    cluster.add_nodes(PRIMARY, PRIMARY.zones[0], 4)  # nobody need take the place of another
    fleet.wait(lambda now: now.nodes.sum() == 6, "the nodes to be ready", WITHIN_S)
    (old,) = {_shape(pod) for pod in fleet.pods()}
    with Watch(cluster.api, "pods", fleet.house) as held:
        begin = now_s()
        amounts = {"requests": {GPU: str(LARGER)}, "limits": {GPU: str(LARGER)}}
        change(cluster, {"containers": [{"name": "serve", "resources": amounts}]})
        done_s = _until(fleet, begin, lambda now: not now.rollouts and _is_renewed(now), "all to be new")
    bound_s = min(
        one.at_s for one in held.seen if _shape(one.object) != old and one.object["spec"].get("nodeName")
    )  # fmt: skip
    gone_s = [
        one.at_s
        for one in held.seen
        if one.change == "DELETED" and _shape(one.object) == old and not _was_preempted(one.object)
    ]
    measured("rollout: first placeholder of the new shape bound", bound_s - begin, "the scheduler's own time")
    measured(f"rollout: {REPLICAS} replicas and {HELD} placeholders of the new shape", done_s, "2 starts of 4 s")
    assert len(gone_s) == HELD
    assert all(at_s >= bound_s for at_s in gone_s)
    assert old not in {_shape(pod) for pod in fleet.pods()}
    assert {_gpus(pod) for pod in (*fleet.pods(), *cluster.pods())} == {str(LARGER)}
    assert fleet.port.shapes() == {"chat": LARGER}
    end_with_nothing(fleet, cluster)


def test_a_stateful_set_rolls_to_its_partition_and_no_further(cluster: Cluster, transport: Transport) -> None:
    count = REPLICAS + 1
    cluster.add_nodes(PRIMARY, PRIMARY.zones[0], 3)
    body = deployment("chat", cluster.namespace, count, gpus=GPUS, stages=START)
    body["spec"] |= {"serviceName": "chat", "podManagementPolicy": "Parallel"}
    cluster.create(STATEFUL_SETS, body | {"apiVersion": "apps/v1", "kind": "StatefulSet"})
    with live_fleet(StatefulFleet(cluster, transport, (PRIMARY,), ("chat",))) as fleet:

        def until(look: Callable[[Inventory], object], what: str) -> None:
            wait_until(lambda: look(turn(fleet, count)), what, WITHIN_S, 0.2)

        def is_over(now: Inventory) -> bool:
            return not now.rollouts and now.floor.tolist() == [count] == [now.ready.sum()]

        fleet.wait(lambda now: now.ready.sum() == count, "the replicas to serve", WITHIN_S)
        partition(cluster, 1)
        roll(cluster, STATEFUL_SETS)
        until(lambda now: now.floor.tolist() == [count + 1], "the floor to be raised")
        until(is_over, "the partition to be reached")
        assert images(cluster) == sorted([OLD_IMAGE, NEW_IMAGE, NEW_IMAGE])
        partition(cluster, 0)
        until(lambda now: bool(now.rollouts), "the last replica to be seen to roll")
        until(is_over, "all to be new")
        assert images(cluster) == [NEW_IMAGE] * count


@pytest.mark.usefixtures("lws")
def test_groups_that_a_rollout_takes_away_are_made_up_for_whole(cluster: Cluster, transport: Transport) -> None:
    cluster.add_nodes(PRIMARY, PRIMARY.zones[0], REPLICAS + 1)
    body = group_set("chat", cluster.namespace, REPLICAS, 2, GPUS)
    body["spec"]["leaderWorkerTemplate"]["workerTemplate"]["metadata"]["annotations"] = START.annotations()
    cluster.create(GROUP_SETS, body)
    with live_fleet(LiveFleet(cluster, transport, (PRIMARY,), ("chat",), group_sets=("chat",))) as fleet:
        fleet.wait(lambda now: now.ready.sum() == REPLICAS, "the groups to serve", WITHIN_S)
        change = {"leaderWorkerTemplate": {"workerTemplate": {"spec": {"containers": containers(cluster)}}}}
        cluster.api.patch(GROUP_SETS, "chat", {"spec": change}, cluster.namespace)
        _until(fleet, now_s(), lambda now: now.floor.tolist() == [REPLICAS + 1], "a group more to be asked for")
        _until(fleet, now_s(), lambda now: _is_over(now) and now.ready.sum() == REPLICAS, "all to be new")
        assert images(cluster) == [NEW_IMAGE] * REPLICAS * 2


class StatefulFleet(LiveFleet):
    """Its workloads are StatefulSets."""

    def _text(self) -> str:
        return super()._text().replace("workload: {", "workload: {kind: StatefulSet, ")


def partition(cluster: Cluster, first: int) -> None:
    """Replicas below `first` keep their revision."""
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": first}}
    cluster.api.patch(STATEFUL_SETS, "chat", {"spec": {"updateStrategy": strategy}}, cluster.namespace)


def roll(cluster: Cluster, resource: str) -> None:
    """A new image."""
    patch = {"spec": {"template": {"spec": {"containers": containers(cluster)}}}}
    cluster.api.patch(resource, "chat", patch, cluster.namespace)


def containers(cluster: Cluster) -> list[Json]:
    """Those that run, with the new image."""
    spec = cluster.pods()[0]["spec"]["containers"]
    kept = ("name", "resources")
    return [{**{key: one[key] for key in kept}, "image": NEW_IMAGE} for one in spec]


def images(cluster: Cluster) -> list[str]:
    return sorted(_image(pod) for pod in cluster.pods() if not _is_leaving(pod))


def change(cluster: Cluster, spec: dict[str, Any]) -> None:
    """Changes the pod template, container by container of that name."""
    patch = {"spec": {"template": {"spec": spec}}}
    cluster.api.patch(DEPLOYMENTS, "chat", patch, cluster.namespace, "application/strategic-merge-patch+json")


def end_with_nothing(fleet: LiveFleet, cluster: Cluster) -> None:
    """Nothing is left over: as many replicas as there were, and no placeholder once none is wanted."""
    assert fleet.inventory().floor.tolist() == [REPLICAS]
    assert fleet.inventory().pending.tolist() == [0]
    turn(fleet, held=0)
    wait_until(lambda: not fleet.pods(), "the placeholders to go", WITHIN_S)
    assert len([pod for pod in cluster.pods() if not _is_leaving(pod)]) == REPLICAS


def _until(fleet: LiveFleet, begin: float, look: Callable[[Inventory], object], what: str) -> float:
    """Turns until `look` is true; seconds since `begin`."""
    wait_until(lambda: look(turn(fleet)), what, WITHIN_S, 0.2)
    return now_s() - begin


def _bound(now: Inventory) -> int:
    return sum(one.bound for one in now.placeholders)


def _is_over(now: Inventory) -> bool:
    return not now.rollouts and now.floor.tolist() == [REPLICAS]


def _is_renewed(now: Inventory) -> bool:
    return _bound(now) == len(now.placeholders) == HELD and not any(one.outdated for one in now.placeholders)


def _image(pod: Json) -> str:
    return str(pod["spec"]["containers"][0]["image"])


def _gpus(pod: Json) -> str:
    return str(pod["spec"]["containers"][0]["resources"]["requests"][GPU])


def _shape(pod: Json) -> str:
    return str(pod["metadata"]["annotations"][SHAPE])


def _is_leaving(pod: Json) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _was_preempted(pod: Json) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(one["type"] == "DisruptionTarget" and one["status"] == "True" for one in conditions)
