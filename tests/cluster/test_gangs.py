"""Groups of pods on the real control plane, with LeaderWorkerSet's own controller: reserved, counted, handed over and
released whole, and asked for only where there is room for all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from autoscaler.adapters.kubernetes.cluster.settings import LiveSettings
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.controller.cycle import CycleReport, Ports, cycle, start
from autoscaler.domain.ending import EndFate, Taker
from autoscaler.domain.gang import Gang
from autoscaler.domain.plan import Reason
from autoscaler.domain.signal import SignalKind, SignalReadings
from autoscaler.plan.strategies import Setting, strategy
from autoscaler.policy.compile import compile_fleet
from autoscaler.ports.errors import Conflict, Invalid, QuotaExceeded
from tests.cluster.clock import epoch_s, now_s, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.karpenter import Karpenter
from tests.cluster.live import DEPLOYMENTS, LiveFleet, deployment, live_fleet
from tests.cluster.lws import GROUP_INDEX, GROUP_SETS, NAME, group_set
from tests.cluster.pools import GPU, PRIMARY, ZONE_LABEL, Pool
from tests.cluster.product_link import product_link
from tests.cluster.stages import Stages

Measured = Callable[[str, float, str], None]
POOL = Pool("gpu-primary", stages=Stages(boot_s=0))
BIG, SMALL, ON_DEMAND = 0, 1, 0
SOON_S = 60.0
TICK_S, PER_REPLICA = 15.0, 4.0
KEPT = ("name", "namespace", "labels", "annotations", "ownerReferences")
"""Metadata of a placeholder that makes it what it is."""
EXCLUSIVE = "leaderworkerset.sigs.k8s.io/exclusive-topology"
pytestmark = pytest.mark.usefixtures("lws")


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[Transport]:
    with product_link(cluster) as link:
        yield link


@pytest.fixture
def fleet(cluster: Cluster, transport: Transport) -> Iterator[LiveFleet]:
    """`big`: groups of two pods of a node each. `small`: single pods of a node each. None of them runs."""
    cluster.create(GROUP_SETS, group_set("big", cluster.namespace, 0, 2))
    cluster.create(DEPLOYMENTS, deployment("small", cluster.namespace, 0, gpus=8))
    with live_fleet(_fleet(cluster, transport)) as found:
        yield found


def _fleet(cluster: Cluster, transport: Transport, group_sets: tuple[str, ...] = ("big",)) -> LiveFleet:
    settings = LiveSettings(patience_s=3.0)
    return LiveFleet(cluster, transport, (POOL,), ("big", "small"), settings, group_sets=group_sets)


def add_nodes(fleet: LiveFleet, count: int, zone: str = "zone-a") -> list[str]:
    """Ready nodes, which the port knows of."""
    before = fleet.inventory().nodes.sum()
    names = fleet.cluster.add_nodes(POOL, zone, count)
    fleet.wait(lambda now: now.nodes.sum() == before + count, f"{count} nodes to be ready", SOON_S)
    return names


def bound_groups(cluster: Cluster) -> dict[str, int]:
    """How many pods of each group have a node."""
    found: dict[str, int] = {}
    for pod in cluster.pods(labelSelector=NAME):
        index = pod["metadata"]["labels"][GROUP_INDEX]
        found[index] = found.get(index, 0) + bool(pod["spec"].get("nodeName"))
    return found


def ask(cluster: Cluster, groups: int) -> None:
    """Somebody else scales the groups."""
    cluster.api.patch(GROUP_SETS, "big", {"spec": {"replicas": groups}}, cluster.namespace, subresource="scale")


def ends(fleet: LiveFleet, count: int = 1) -> list[tuple[str, int | None, EndFate, Taker]]:
    """What ended, once so many did; no more comes after."""

    def swept() -> bool:
        fleet.sweep()
        return len(fleet.ended) >= count

    wait_until(swept, f"{count} slots to end", SOON_S, 0.1)
    return [(end.policy, end.slot, end.fate, end.taker) for end in fleet.ended]


class Loop:
    """The controller's cycle on the rig, tick by tick, with so many replicas' worth of requests for `big`."""

    def __init__(self, fleet: LiveFleet, demand: float) -> None:
        self.fleet, self.demand = fleet, demand
        policies, pools = fleet.documents()
        leads = {policy.name: (2.0, 1.0) for policy in policies}
        gpus, gangs = fleet.port.shapes(), fleet.port.gangs()
        self.governed = compile_fleet(policies, pools, gpus, leads, gangs=gangs)
        self.state = start(self.governed.fleet, strategy("ours", Setting(0.0, shared_nodes=True)), TICK_S, True)
        self.reports: list[CycleReport] = []

    def read(self, now_s: float) -> SignalReadings:
        found = SignalReadings.empty(2)
        found.values[:, SignalKind.ARRIVALS] = [self.demand * PER_REPLICA, 0.0]
        found.age_s[:, SignalKind.ARRIVALS] = 0.0
        return found

    def tick(self) -> CycleReport:
        self.fleet.sweep()
        ports = Ports(self, self.fleet.port)
        self.state, report = cycle(epoch_s(), self.state, self.governed, ports)
        self.reports.append(report)
        return report

    def until(self, look: Callable[[], object], what: str) -> None:
        def ticked() -> bool:
            self.tick()
            return bool(look())

        wait_until(ticked, what, SOON_S, 0.5)


def test_groups_count_whole(fleet: LiveFleet, cluster: Cluster) -> None:
    assert fleet.port.shapes() == {"big": 16, "small": 8}
    assert fleet.port.gangs() == {"big": Gang(8, 8, 2)}
    add_nodes(fleet, 3)
    ask(cluster, 2)
    wait_until(lambda: sorted(bound_groups(cluster).values()) == [1, 2], "one and a half groups to be bound", SOON_S)
    now = fleet.wait(lambda now: now.ready[BIG].sum() == 1, "the whole group to serve", SOON_S)
    assert (now.ready.tolist(), now.starting.tolist(), now.pending.tolist()) == ([[1], [0]], [[0], [0]], [1, 0])
    assert now.free_gpus.tolist() == [0]
    assert fleet.port.shapes() == {"big": 16, "small": 8}


def test_no_half_group_is_caused_by_us(fleet: LiveFleet, cluster: Cluster, measured: Measured) -> None:
    add_nodes(fleet, 2)
    loop = Loop(fleet, demand=2.0)
    begin = now_s()
    loop.until(lambda: fleet.inventory().ready[BIG].sum() == 1, "the group for which there is room to serve")
    measured("groups: from demand for two to the one for which there is room", now_s() - begin, "two ticks")

    def only_one() -> bool:
        loop.tick()
        return bound_groups(cluster) == {"0": 2}

    stays(only_one, "one whole group, and no other", 6.0)
    assert loop.reports[-1].plan is not None
    assert int(loop.reports[-1].plan.reasons[BIG]) & Reason.GANG
    assert any(not one.bound and one.workload == BIG for one in fleet.held())
    add_nodes(fleet, 2)
    loop.until(lambda: fleet.inventory().ready[BIG].sum() == 2, "both groups to serve, since there is room now")
    assert all(count == 2 for count in bound_groups(cluster).values())
    loop.demand = 0.0


def test_nodes_come_before_the_group_that_needs_them(
    fleet: LiveFleet, cluster: Cluster, start_karpenter: Callable[..., Karpenter], measured: Measured
) -> None:
    start_karpenter((PRIMARY,))
    loop = Loop(fleet, demand=1.0)
    begin = now_s()
    loop.until(lambda: fleet.inventory().ready[BIG].sum() == 1, "the group to serve on new nodes")
    measured("Karpenter: a group of two nodes from nothing to serving, boot 2 + 3 s", now_s() - begin, "")
    before = [report for report in loop.reports if report.plan is not None and report.plan.floor[BIG] == 0]
    assert before
    assert all(int(report.plan.reasons[BIG]) & Reason.GANG for report in before if report.plan is not None)
    assert bound_groups(cluster) == {"0": 2}
    assert len(cluster.nodes()) == 2
    assert ends(fleet) == [("big", 0, EndFate.RELEASED, Taker.OWN)]


def test_a_gang_of_four_is_reserved_handed_over_and_released_whole(
    cluster: Cluster, transport: Transport, measured: Measured
) -> None:
    cluster.create(GROUP_SETS, group_set("big", cluster.namespace, 0, 4))
    cluster.create(DEPLOYMENTS, deployment("small", cluster.namespace, 0, gpus=8))
    with live_fleet(_fleet(cluster, transport)) as fleet:
        others = add_nodes(fleet, 3)
        for slot in range(3):
            fleet.port.create_placeholder(SMALL, ON_DEMAND, slot)
        fleet.wait_all_bound(3, SOON_S)
        fleet.port.create_placeholder(BIG, ON_DEMAND, 0)
        assert [(one.workload, one.bound) for one in fleet.held()] == [(BIG, False), *[(SMALL, True)] * 3]
        assert len(fleet.pods()) == 7
        add_nodes(fleet, 4)
        now = fleet.wait_all_bound(4, SOON_S)
        [reserved] = [one for one in now.placeholders if one.workload == BIG]
        assert (len(reserved.node.split(",")), reserved.alone, now.free_gpus.tolist()) == (4, True, [0])
        begin = now_s()
        fleet.port.set_floor(BIG, 1)
        now = fleet.wait(lambda now: now.ready[BIG].sum() == 1, "the group to serve", SOON_S)
        measured("groups: four nodes handed over to a group", now_s() - begin, "")
        assert {one.node for one in now.placeholders} == set(others)
        assert ends(fleet) == [("big", 0, EndFate.RELEASED, Taker.OWN)]
        add_nodes(fleet, 4)
        fleet.port.create_placeholder(BIG, ON_DEMAND, 0)
        fleet.wait_all_bound(4, SOON_S)
        fleet.port.delete_placeholder(BIG, ON_DEMAND, 0)
        assert [one.workload for one in fleet.held()] == [SMALL] * 3
        wait_until(lambda: len(fleet.pods()) == 3, "all four placeholders to go", SOON_S)
        assert ends(fleet, 2)[1:] == [("big", 0, EndFate.RELEASED, Taker.NOBODY)]


def test_groups_of_others_keep_their_room(cluster: Cluster, transport: Transport) -> None:
    for name in ("big", "small"):
        cluster.create(GROUP_SETS, group_set(name, cluster.namespace, 0, 2))
    with live_fleet(_fleet(cluster, transport, ("big", "small"))) as fleet:
        add_nodes(fleet, 8)
        places = [(SMALL, 0), (BIG, 0), (SMALL, 1), (BIG, 1)]
        for workload, slot in places:
            fleet.port.create_placeholder(workload, ON_DEMAND, slot)
        held = fleet.wait_all_bound(4, SOON_S).placeholders
        others = {(one.slot, one.node) for one in held if one.workload == SMALL}
        fleet.port.set_floor(BIG, 2)
        now = fleet.wait(lambda now: now.ready[BIG].sum() == 2, "two groups to serve", SOON_S)
        assert {(one.slot, one.node) for one in now.placeholders} == others
        assert {one[0] for one in ends(fleet, 2)} == {"big"}


def test_a_leader_without_gpus_has_no_placeholder(cluster: Cluster, transport: Transport) -> None:
    groups = group_set("big", cluster.namespace, 0, 3)
    leader = group_set("big", cluster.namespace, 0, 3, gpus=0)["spec"]["leaderWorkerTemplate"]["workerTemplate"]
    groups["spec"]["leaderWorkerTemplate"]["leaderTemplate"] = leader
    cluster.create(GROUP_SETS, groups)
    cluster.create(DEPLOYMENTS, deployment("small", cluster.namespace, 0, gpus=8))
    with live_fleet(_fleet(cluster, transport)) as fleet:
        assert fleet.port.shapes()["big"] == 16
        assert fleet.port.gangs() == {"big": Gang(0, 8, 3)}
        add_nodes(fleet, 2)
        fleet.port.create_placeholder(BIG, ON_DEMAND, 0)
        fleet.wait_all_bound(1, SOON_S)
        assert len(fleet.pods()) == 2
        assert fleet.sweep() == []
        fleet.port.set_floor(BIG, 1)
        fleet.wait(lambda now: now.ready[BIG].sum() == 1, "the group to serve", SOON_S)
        assert fleet.port.shapes()["big"] == 16
        assert fleet.port.problems() == {}


def test_workers_that_come_when_their_leader_is_ready_find_their_room(cluster: Cluster, transport: Transport) -> None:
    groups = group_set("big", cluster.namespace, 0, 3)
    groups["spec"]["startupPolicy"] = "LeaderReady"
    groups["spec"]["leaderWorkerTemplate"]["workerTemplate"]["metadata"]["annotations"] = Stages(
        image_s=8
    ).annotations()
    cluster.create(GROUP_SETS, groups)
    cluster.create(DEPLOYMENTS, deployment("small", cluster.namespace, 0, gpus=8))
    with live_fleet(_fleet(cluster, transport)) as fleet:
        fleet.port.shapes()
        add_nodes(fleet, 3)
        fleet.port.create_placeholder(BIG, ON_DEMAND, 0)
        fleet.wait_all_bound(1, SOON_S)
        fleet.port.set_floor(BIG, 1)
        wait_until(lambda: bound_groups(cluster) == {"0": 1}, "the leader to be bound", SOON_S)
        now = fleet.inventory()
        assert (now.placeholders, now.pending.tolist(), now.free_gpus.tolist()) == ((), [1, 0], [0])
        stays(lambda: (fleet.sweep(), len(fleet.pods()) == 2)[-1], "the room of the workers", 4.0)

        def serves() -> bool:
            fleet.sweep()
            return bool(fleet.inventory().ready[BIG].sum() == 1)

        wait_until(serves, "the group to serve", SOON_S, 0.2)
        assert ends(fleet) == [("big", 0, EndFate.RELEASED, Taker.OWN)]


def test_a_group_that_somebody_else_asks_for_takes_a_slot(fleet: LiveFleet, cluster: Cluster) -> None:
    add_nodes(fleet, 2)
    fleet.port.create_placeholder(BIG, ON_DEMAND, 0)
    fleet.wait_all_bound(1, SOON_S)
    fleet.inventory()
    ask(cluster, 1)
    fleet.wait(lambda now: now.ready[BIG].sum() == 1, "the group to serve", SOON_S)
    assert fleet.held() == []
    assert ends(fleet) == [("big", 0, EndFate.CONSUMED, Taker.OWN)]
    assert fleet.ended[0].taken_by.startswith(f"{cluster.namespace}/big-0")


def test_the_rest_of_a_slot_waits_for_the_rest_of_its_group_and_not_for_ever(
    fleet: LiveFleet, cluster: Cluster
) -> None:
    add_nodes(fleet, 2)
    fleet.port.create_placeholder(BIG, ON_DEMAND, 0)
    fleet.wait_all_bound(1, SOON_S)
    fleet.inventory()
    template = group_set("big", cluster.namespace, 0, 2)["spec"]["leaderWorkerTemplate"]["workerTemplate"]
    nowhere = {"spec": {"nodeSelector": {"rig.test/later": "yes"}}}
    patch = {"spec": {"leaderWorkerTemplate": {"leaderTemplate": template, "workerTemplate": nowhere}}}
    cluster.api.patch(GROUP_SETS, "big", patch, cluster.namespace)
    ask(cluster, 1)
    wait_until(lambda: bound_groups(cluster) == {"0": 1}, "the leader to be bound", SOON_S)
    now = fleet.wait(lambda now: now.placeholders == (), "half a slot not to count", SOON_S)
    assert (now.pending.tolist(), now.free_gpus.tolist()) == ([1, 0], [0])
    with pytest.raises(Conflict):
        fleet.port.create_placeholder(BIG, ON_DEMAND, 0)
    stays(lambda: fleet.sweep() == [] and len(fleet.pods()) == 1, "the rest to stay while the group comes", 5.0)
    ask(cluster, 0)
    wait_until(lambda: (fleet.inventory(), fleet.sweep(), not fleet.pods())[-1], "the rest to go", SOON_S)
    assert ends(fleet) == [("big", 0, EndFate.CONSUMED, Taker.OWN)]


def test_a_lost_node_takes_the_slot_along(fleet: LiveFleet, cluster: Cluster) -> None:
    nodes = add_nodes(fleet, 2)
    fleet.port.create_placeholder(BIG, ON_DEMAND, 0)
    fleet.wait_all_bound(1, SOON_S)
    cluster.api.delete("nodes", nodes[0])
    fleet.wait(lambda now: now.placeholders == (), "half a slot not to count", SOON_S)
    wait_until(lambda: (fleet.sweep(), not fleet.pods())[-1], "both placeholders to go", SOON_S)
    assert ends(fleet) == [("big", 0, EndFate.LOST, Taker.NOBODY)]
    add_nodes(fleet, 1)
    fleet.port.create_placeholder(BIG, ON_DEMAND, 0)
    fleet.wait_all_bound(1, SOON_S)


def test_a_slot_that_cannot_be_made_whole_is_not_made(fleet: LiveFleet, cluster: Cluster) -> None:
    hard = {"metadata": {"name": "q", "namespace": fleet.house}, "spec": {"hard": {f"requests.{GPU}": "8"}}}
    cluster.create("resourcequotas", hard)
    wait_until(lambda: cluster.api.get("resourcequotas", "q", fleet.house).get("status", {}).get("hard"), "q", SOON_S)
    with pytest.raises(QuotaExceeded):
        fleet.port.create_placeholder(BIG, ON_DEMAND, 0)
    assert fleet.held() == []
    wait_until(lambda: not fleet.pods(), "the half that was made to go", SOON_S)


def test_slots_that_halve_the_room_leave_it_to_one_of_them(fleet: LiveFleet, cluster: Cluster) -> None:
    for slot in range(2):
        fleet.port.create_placeholder(BIG, ON_DEMAND, slot)
    for member in ("0-1", "1-1"):
        [pod] = [p for p in fleet.pods() if p["metadata"]["name"].endswith(member)]
        cluster.api.delete("pods", pod["metadata"]["name"], fleet.house)
        again = {key: value for key, value in pod["metadata"].items() if key in KEPT}
        gated = {**pod["spec"], "schedulingGates": [{"name": "rig.test/later"}]}
        cluster.create("pods", {"metadata": again, "spec": gated})
    add_nodes(fleet, 2)
    wait_until(
        lambda: sum(bool(pod["spec"].get("nodeName")) for pod in fleet.pods()) == 2, "each slot to have half", SOON_S
    )
    assert [one.bound for one in fleet.held()] == [False, False]
    wait_until(lambda: (fleet.sweep(), len(fleet.pods()) == 2)[-1], "one of them to yield", SOON_S)
    for pod in fleet.pods():
        cluster.api.patch("pods", pod["metadata"]["name"], {"spec": {"schedulingGates": []}}, fleet.house)
    assert [one.slot for one in fleet.wait_all_bound(1, SOON_S).placeholders] == [0]


def test_a_group_that_takes_a_domain_for_itself_is_reserved_in_one(
    cluster: Cluster, transport: Transport, measured: Measured
) -> None:
    groups = group_set("big", cluster.namespace, 0, 2)
    groups["metadata"]["annotations"] = {EXCLUSIVE: ZONE_LABEL}
    cluster.create(GROUP_SETS, groups)
    cluster.create(DEPLOYMENTS, deployment("small", cluster.namespace, 0, gpus=8))
    with live_fleet(_fleet(cluster, transport)) as fleet:
        for zone in ("zone-a", "zone-b"):
            add_nodes(fleet, 2, zone)
        zones = {node["metadata"]["name"]: node["metadata"]["labels"][ZONE_LABEL] for node in cluster.nodes()}
        for slot in range(2):
            fleet.port.create_placeholder(BIG, ON_DEMAND, slot)
        held = fleet.wait_all_bound(2, SOON_S).placeholders
        assert sorted({zones[node] for node in one.node.split(",")} for one in held) == [{"zone-a"}, {"zone-b"}]
        fleet.inventory()
        begin = now_s()
        fleet.port.set_floor(BIG, 1)
        fleet.wait(lambda now: now.ready[BIG].sum() == 1, "the group to serve", SOON_S)
        measured("groups: a domain handed over to a group", now_s() - begin, "")
        [taken] = {zones[pod["spec"]["nodeName"]] for pod in cluster.pods(labelSelector=NAME)}
        [left] = fleet.held()
        assert {zones[node] for node in left.node.split(",")} == {"zone-a", "zone-b"} - {taken}
        assert fleet.port.shapes() == {"big": 16, "small": 8}
        fleet.port.create_placeholder(BIG, ON_DEMAND, 7)  # the third zone is empty
        with pytest.raises(Invalid, match="no value of"):
            fleet.port.create_placeholder(BIG, ON_DEMAND, 8)


def test_placeholders_of_another_size_go(fleet: LiveFleet, cluster: Cluster) -> None:
    fleet.port.create_placeholder(BIG, ON_DEMAND, 0)
    cluster.api.patch(GROUP_SETS, "big", {"spec": {"leaderWorkerTemplate": {"size": 3}}}, cluster.namespace)
    assert fleet.port.shapes()["big"] == 24
    fleet.inventory()
    wait_until(lambda: (fleet.sweep(), not fleet.pods())[-1], "what has the old size to go", SOON_S)
    fleet.port.create_placeholder(BIG, ON_DEMAND, 0)
    assert len(fleet.pods()) == 3
