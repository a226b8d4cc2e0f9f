"""The contract of the cluster port: placeholders, floors, and an inventory that adds up."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from autoscaler.domain.inventory import Inventory, Placeholder
from autoscaler.ports.cluster import ClusterPort

A, B, POOL = 0, 1, 0
MOMENT_S = 3.0


class ClusterRig(Protocol):
    """A cluster behind the port, and the longest that things take in it.

    Two workloads run one GPU a replica on one pool of one GPU a node. At the start `start` replicas of each serve, and
    nothing else stands. buys_s: from asking to a bound placeholder. starts_s: from asking to a serving replica where
    there is room for it. counts_nodes: whether the inventory counts nodes, or leaves them at 0. rounds: of whatever is
    asked for at random.
    """

    @property
    def cluster(self) -> ClusterPort: ...

    @property
    def now_s(self) -> float: ...

    @property
    def start(self) -> int: ...

    @property
    def buys_s(self) -> float: ...

    @property
    def starts_s(self) -> float: ...

    @property
    def counts_nodes(self) -> bool: ...

    @property
    def rounds(self) -> int: ...

    def wait(self, seconds: float) -> None:
        """Lets so much time pass, or less where nothing is on its way any more."""
        ...

    def settle(self) -> None:
        """Lets those who move replicas see what was asked for last."""
        ...


def stands(rig: ClusterRig) -> Inventory:
    return rig.cluster.inventory(rig.now_s)


def held(rig: ClusterRig) -> list[Placeholder]:
    """Placeholders in the order of their names; where they are is left out."""
    standing = (replace(p, node="", alone=False) for p in stands(rig).placeholders)
    return sorted(standing, key=lambda p: (p.workload, p.pool, p.slot))


def replicas(rig: ClusterRig, workload: int = A) -> tuple[int, int]:
    """(serving, on their way)"""
    now = stands(rig)
    coming = int(now.starting[workload].sum() + now.pending[workload])
    return int(now.ready[workload].sum()), coming


def nodes(rig: ClusterRig) -> int:
    return int((stands(rig).nodes + stands(rig).nodes_starting).sum())


class ClusterContract:
    # placeholders

    def test_a_placeholder_is_pending_and_then_bound(self, rig: ClusterRig) -> None:
        rig.cluster.create_placeholder(A, POOL, 0)
        assert held(rig) == [Placeholder(A, POOL, 0, bound=False)]
        rig.wait(rig.buys_s)
        assert held(rig) == [Placeholder(A, POOL, 0, bound=True)]

    def test_creating_a_placeholder_again_changes_nothing(self, rig: ClusterRig) -> None:
        for _ in range(2):
            rig.cluster.create_placeholder(A, POOL, 0)
        rig.wait(rig.buys_s)
        stood = nodes(rig)
        rig.cluster.create_placeholder(A, POOL, 0)
        assert held(rig) == [Placeholder(A, POOL, 0, bound=True)]
        rig.wait(rig.buys_s)
        assert held(rig) == [Placeholder(A, POOL, 0, bound=True)]
        assert nodes(rig) == stood

    def test_a_slot_belongs_to_its_workload(self, rig: ClusterRig) -> None:
        for workload in (A, B):
            for slot in (3, 7):
                rig.cluster.create_placeholder(workload, POOL, slot)
        assert [(p.workload, p.slot) for p in held(rig)] == [(A, 3), (A, 7), (B, 3), (B, 7)]
        rig.cluster.delete_placeholder(A, POOL, 7)
        assert [(p.workload, p.slot) for p in held(rig)] == [(A, 3), (B, 3), (B, 7)]

    def test_a_deleted_placeholder_is_gone_at_once_pending_or_bound(self, rig: ClusterRig) -> None:
        rig.cluster.create_placeholder(A, POOL, 0)
        rig.cluster.delete_placeholder(A, POOL, 0)
        assert held(rig) == []
        rig.cluster.create_placeholder(A, POOL, 1)
        rig.wait(rig.buys_s)
        rig.cluster.delete_placeholder(A, POOL, 1)
        assert held(rig) == []

    def test_deleting_what_is_not_there_is_done_already(self, rig: ClusterRig) -> None:
        rig.cluster.delete_placeholder(A, POOL, 5)
        rig.cluster.create_placeholder(A, POOL, 0)
        rig.cluster.delete_placeholder(A, POOL, 0)
        rig.cluster.delete_placeholder(A, POOL, 0)
        rig.cluster.delete_placeholder(B, POOL, 0)
        assert held(rig) == []

    def test_a_slot_can_be_used_again(self, rig: ClusterRig) -> None:
        rig.cluster.create_placeholder(A, POOL, 0)
        rig.wait(rig.buys_s)
        rig.cluster.delete_placeholder(A, POOL, 0)
        rig.cluster.create_placeholder(A, POOL, 0)
        assert [p.slot for p in held(rig)] == [0]
        rig.wait(rig.buys_s)
        assert held(rig) == [Placeholder(A, POOL, 0, bound=True)]

    def test_placeholders_serve_nobody(self, rig: ClusterRig) -> None:
        rig.cluster.create_placeholder(A, POOL, 0)
        rig.wait(rig.buys_s)
        assert replicas(rig) == (rig.start, 0)

    def test_one_that_is_bound_says_where_and_that_it_is_alone_there(self, rig: ClusterRig) -> None:
        for slot in range(2):
            rig.cluster.create_placeholder(A, POOL, slot)
        assert {(p.node, p.alone) for p in stands(rig).placeholders} == {("", False)}
        rig.wait(rig.buys_s)
        where = [p.node for p in stands(rig).placeholders]
        assert len(set(where)) == (2 if rig.counts_nodes else 1)
        assert all(p.alone for p in stands(rig).placeholders if p.node)

    # floors

    def test_at_the_start_the_floor_is_what_runs(self, rig: ClusterRig) -> None:
        assert stands(rig).floor.tolist() == [rig.start, rig.start]
        assert replicas(rig, A) == replicas(rig, B) == (rig.start, 0)

    def test_the_floor_is_what_was_asked_for_last(self, rig: ClusterRig) -> None:
        for replica_count in (5, 3, 3, 0):
            rig.cluster.set_floor(A, replica_count)
            assert stands(rig).floor.tolist() == [replica_count, rig.start]
        rig.wait(rig.starts_s)
        assert stands(rig).floor.tolist() == [0, rig.start]

    def test_a_higher_floor_brings_replicas_that_are_on_their_way_and_then_serve(self, rig: ClusterRig) -> None:
        rig.cluster.set_floor(A, rig.start + 3)
        assert replicas(rig) == (rig.start, 3)
        rig.wait(rig.buys_s + rig.starts_s)
        assert replicas(rig) == (rig.start + 3, 0)
        assert replicas(rig, B) == (rig.start, 0)

    def test_a_lower_floor_releases_replicas(self, rig: ClusterRig) -> None:
        rig.cluster.set_floor(A, 1)
        rig.wait(MOMENT_S)
        assert replicas(rig) == (1, 0)
        assert replicas(rig, B) == (rig.start, 0)

    def test_a_floor_of_nothing_releases_all_of_them(self, rig: ClusterRig) -> None:
        rig.cluster.set_floor(A, 0)
        rig.wait(MOMENT_S)
        assert replicas(rig) == (0, 0)

    def test_of_replicas_too_many_those_go_first_that_do_not_serve_yet(self, rig: ClusterRig) -> None:
        rig.cluster.set_floor(A, rig.start + 2)
        rig.wait(MOMENT_S)
        rig.cluster.set_floor(A, rig.start)
        rig.wait(MOMENT_S)
        assert replicas(rig) == (rig.start, 0)

    def test_setting_the_same_floor_again_changes_nothing(self, rig: ClusterRig) -> None:
        for _ in range(3):
            rig.cluster.set_floor(A, rig.start + 1)
        rig.wait(rig.buys_s + rig.starts_s)
        assert replicas(rig) == (rig.start + 1, 0)

    # handover

    def test_a_replica_takes_the_place_of_a_placeholder_without_another_node(self, rig: ClusterRig) -> None:
        rig.cluster.create_placeholder(A, POOL, 0)
        rig.wait(rig.buys_s)
        stood = nodes(rig)
        rig.cluster.set_floor(A, rig.start + 1)
        rig.wait(MOMENT_S)
        assert held(rig) == []
        assert nodes(rig) == stood
        assert stands(rig).pending[A] == 0
        assert rig.starts_s < rig.buys_s
        rig.wait(rig.starts_s)
        assert replicas(rig) == (rig.start + 1, 0)
        assert nodes(rig) == stood

    def test_as_many_placeholders_go_as_replicas_came(self, rig: ClusterRig) -> None:
        for slot in range(3):
            rig.cluster.create_placeholder(A, POOL, slot)
        rig.wait(rig.buys_s)
        rig.cluster.set_floor(A, rig.start + 2)
        rig.wait(MOMENT_S)
        assert len(held(rig)) == 1
        assert replicas(rig) == (rig.start, 2)

    # the inventory as a whole

    def test_an_inventory_is_of_one_moment(self, rig: ClusterRig) -> None:
        before = stands(rig)
        rig.cluster.set_floor(A, 7)
        rig.cluster.create_placeholder(A, POOL, 0)
        rig.wait(rig.buys_s + rig.starts_s)
        assert before.floor.tolist() == [rig.start, rig.start]
        assert before.ready.sum() == 2 * rig.start
        assert before.placeholders == ()

    def test_the_inventory_adds_up_whatever_is_asked_for(self, rig: ClusterRig) -> None:
        rng = np.random.default_rng(1)
        for _ in range(rig.rounds):
            workload, number = int(rng.integers(2)), int(rng.integers(6))
            rig.cluster.set_floor(workload, number)
            (rig.cluster.create_placeholder if rng.random() < 0.5 else rig.cluster.delete_placeholder)(
                int(rng.integers(2)), POOL, number
            )
            rig.settle()
            adds_up(stands(rig), rig.counts_nodes)
            rig.wait(float(rng.choice([MOMENT_S, 10.0, 40.0])))
            rig.settle()
            adds_up(stands(rig), rig.counts_nodes)


def adds_up(now: Inventory, counts_nodes: bool) -> None:
    workloads, pools = now.floor.size, now.free_gpus.size
    assert now.ready.shape == now.starting.shape == (workloads, pools)
    assert now.pending.shape == (workloads,)
    assert now.nodes.shape == now.nodes_starting.shape == now.obtainable.shape == (pools,)
    for counts in (now.ready, now.starting, now.pending, now.floor, now.free_gpus, now.nodes, now.nodes_starting):
        assert np.issubdtype(counts.dtype, np.integer)
        assert (counts >= 0).all()
    assert (now.ready.sum(axis=1) + now.starting.sum(axis=1) + now.pending == now.floor).all()
    keys = [(p.workload, p.pool, p.slot) for p in now.placeholders]
    assert len(set(keys)) == len(keys)
    if counts_nodes:
        bound, _ = now.placeholder_counts()
        assert (now.ready.sum(axis=0) + now.starting.sum(axis=0) + bound.sum(axis=0) + now.free_gpus <= now.nodes).all()
