"""The contract of the starts port: what started, what is under way, what failed; the same after a restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import pytest

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath
from autoscaler.ports.cluster import ClusterPort
from autoscaler.ports.starts import StartsPort

A, B, POOL = 0, 1, 0


class StartsRig(Protocol):
    """A cluster behind the ports, and how long each stage takes there.

    Two workloads run one GPU a replica on one pool of one GPU a node. At the start `start` replicas of each serve, and
    nothing else stands. policies, pool: their names. node_stages, replica_stages: seconds of each stage that is known,
    of every start; a replica has all of these stages, in this order, and no others. within_s: how far a told stage may
    be off. lasts_s: more than any start takes. step_s: between two looks. No node has an image before it was pulled.
    """

    @property
    def cluster(self) -> ClusterPort: ...

    @property
    def port(self) -> StartsPort: ...

    @property
    def now_s(self) -> float: ...

    @property
    def start(self) -> int: ...

    @property
    def policies(self) -> Sequence[str]: ...

    @property
    def pool(self) -> str: ...

    @property
    def node_stages(self) -> Mapping[Stage, float]: ...

    @property
    def replica_stages(self) -> Mapping[Stage, float]: ...

    @property
    def within_s(self) -> float: ...

    @property
    def lasts_s(self) -> float: ...

    @property
    def step_s(self) -> float: ...

    def wait(self, seconds: float) -> None:
        """Lets so much time pass."""
        ...

    def restart(self) -> None:
        """Begins the next life of the port, on the same cluster, and of whatever it needs to be read."""
        ...


class Log:
    """All that one life of the port told, look by look; what stood when it began is left out of `ended`."""

    def __init__(self, rig: StartsRig, forgets_first: bool = True) -> None:
        self._rig = rig
        self.looks: list[list[Start]] = []
        self.look()
        self._before = {one.uid for one in self.looks[0] if one.end is not StartEnd.WAITING} if forgets_first else set()

    def look(self) -> list[Start]:
        self._rig.cluster.inventory(self._rig.now_s)
        self.looks.append(list(self._rig.port.starts(self._rig.now_s)))
        return self.looks[-1]

    def until(self, condition: Callable[[Log], bool], what: str) -> Log:
        """Looks again and again until the condition holds."""
        ends_s = self._rig.now_s + self._rig.lasts_s
        while not condition(self):
            assert self._rig.now_s < ends_s, f"{what}: not within {self._rig.lasts_s:g} s, told last: {self.looks[-1]}"
            self._rig.wait(self._rig.step_s)
            self.look()
        return self

    def ended(self, part: Part, end: StartEnd = StartEnd.COMPLETE, policy: str = "") -> list[Start]:
        """The newest report of each start that ended so, in the order of their uids."""
        told = {
            one.uid: one
            for look in self.looks
            for one in look
            if (one.part, one.end) == (part, end) and one.uid not in self._before and policy in ("", one.policy)
        }
        return [told[uid] for uid in sorted(told)]

    def under_way(self, part: Part) -> list[Start]:
        """All reports of starts under way, oldest first."""
        return [one for look in self.looks for one in look if (one.part, one.end) == (part, StartEnd.WAITING)]

    def until_ended(self, nodes: int, replicas: int) -> Log:
        """Looks until so many starts were complete."""

        def are_there(log: Log) -> bool:
            return len(log.ended(Part.NODE)) >= nodes and len(log.ended(Part.REPLICA)) >= replicas

        return self.until(are_there, f"{nodes} nodes and {replicas} replicas complete")


def add_up(start: Start) -> bool:
    """Stages of its own part, none of them negative."""
    return set(start.stages) <= set(start.part.stages) and all(seconds >= 0.0 for seconds in start.stages.values())


def is_under_way(part: Part) -> Callable[[Log], bool]:
    return lambda log: any((one.part, one.end) == (part, StartEnd.WAITING) for one in log.looks[-1])


class StartsContract:
    # one start

    def test_a_node_and_the_replica_on_it_with_each_stage_as_long_as_it_took(self, rig: StartsRig) -> None:
        log = Log(rig)
        rig.cluster.set_floor(A, rig.start + 1)
        log.until_ended(1, 1)
        (node,), (replica,) = log.ended(Part.NODE), log.ended(Part.REPLICA)
        for start, injected in ((node, rig.node_stages), (replica, rig.replica_stages)):
            assert (start.policy, start.pool, start.open_stage) == (rig.policies[A], rig.pool, None)
            assert add_up(start)
            for stage, seconds in injected.items():
                assert start.stages[stage] == pytest.approx(seconds, abs=rig.within_s), stage
        assert Stage.ORDERED in node.stages
        assert [stage for stage in Part.REPLICA.stages if stage in replica.stages] == list(rig.replica_stages)
        assert replica.path is StartPath.COLD_NODE
        assert node.ended_s == pytest.approx(replica.began_s, abs=rig.within_s)
        assert replica.ended_s <= rig.now_s

    def test_one_that_is_complete_is_not_told_otherwise_later(self, rig: StartsRig) -> None:
        log = Log(rig)
        rig.cluster.set_floor(A, rig.start + 1)
        log.until_ended(1, 1)
        told = {(one.part, one.uid): one for part in Part for one in log.ended(part)}
        for _ in range(5):
            rig.wait(rig.step_s)
            for again in log.look():
                first = told.get((again.part, again.uid), again)
                assert (again.end, again.stages, again.ended_s) == (first.end, first.stages, first.ended_s)

    def test_starts_of_two_workloads_bear_their_names(self, rig: StartsRig) -> None:
        log = Log(rig)
        for workload in (A, B):
            rig.cluster.set_floor(workload, rig.start + 1)
        log.until_ended(2, 2)
        for part in Part:
            assert sorted(start.policy for start in log.ended(part)) == sorted(rig.policies)

    # under way

    def test_what_is_under_way_is_told_in_every_look_with_the_stage_that_it_is_in(self, rig: StartsRig) -> None:
        log = Log(rig)
        rig.cluster.set_floor(A, rig.start + 1)
        log.until_ended(1, 1)
        for part in Part:
            seen = log.under_way(part)
            assert len(seen) >= 2
            assert all(add_up(start) and start.policy == rig.policies[A] for start in seen)
            began = [start.began_s for start in seen]
            assert max(began) - min(began) <= rig.within_s
            assert [start.seconds for start in seen] == sorted(start.seconds for start in seen)
            order = [part.stages.index(start.open_stage) for start in seen if start.open_stage is not None]
            assert order == sorted(order)
            assert len(order) == len(seen)
        (whole,) = log.ended(Part.REPLICA)
        assert {start.uid for start in log.under_way(Part.REPLICA)} == {whole.uid}

    def test_of_all_that_wait_for_a_node_one_speaks(self, rig: StartsRig) -> None:
        log = Log(rig)
        rig.cluster.set_floor(A, rig.start + 3)
        log.until_ended(3, 3)
        for look in log.looks:
            assert sum((one.part, one.end) == (Part.NODE, StartEnd.WAITING) for one in look) <= 1
        assert any((one.part, one.end) == (Part.NODE, StartEnd.WAITING) for look in log.looks for one in look)

    # warm

    def test_a_placeholder_brings_a_node_and_is_no_replica(self, rig: StartsRig) -> None:
        log = Log(rig)
        rig.cluster.create_placeholder(A, POOL, 0)
        log.until_ended(1, 0)
        rig.wait(rig.step_s)
        log.look()
        assert log.ended(Part.REPLICA) == log.under_way(Part.REPLICA) == []
        assert [start.policy for start in log.ended(Part.NODE)] == [rig.policies[A]]

    def test_a_replica_in_the_place_of_a_placeholder_found_a_node_and_pulled_its_image(self, rig: StartsRig) -> None:
        log = Log(rig)
        rig.cluster.create_placeholder(A, POOL, 0)
        log.until_ended(1, 0)
        rig.cluster.set_floor(A, rig.start + 1)
        log.until_ended(1, 1)
        (warm,) = log.ended(Part.REPLICA)
        assert (warm.path, len(log.ended(Part.NODE))) == (StartPath.COLD_NODE, 1)

    # what does not come

    def test_a_replica_that_goes_before_it_is_ready_has_failed_as_far_as_it_came(self, rig: StartsRig) -> None:
        log = Log(rig)
        rig.cluster.set_floor(A, rig.start + 1)
        log.until(is_under_way(Part.REPLICA), "a replica under way")
        (seen,) = [one for one in log.looks[-1] if one.part is Part.REPLICA]
        rig.cluster.set_floor(A, rig.start)
        log.until(lambda log: bool(log.ended(Part.REPLICA, StartEnd.FAILED)), "the replica failed")
        (failed,) = log.ended(Part.REPLICA, StartEnd.FAILED)
        assert (failed.uid, failed.policy) == (seen.uid, rig.policies[A])
        assert add_up(failed)
        assert failed.open_stage is not None
        assert seen.open_stage is not None
        order = Part.REPLICA.stages.index
        assert order(failed.open_stage) >= order(seen.open_stage)
        assert seen.seconds - rig.within_s <= failed.seconds <= sum(rig.replica_stages.values()) + rig.within_s
        assert log.ended(Part.REPLICA) == []
        assert not is_under_way(Part.REPLICA)(log)

    # restarts

    def test_after_a_restart_all_that_stands_is_told_again_the_same(self, rig: StartsRig) -> None:
        log = Log(rig)
        rig.cluster.set_floor(A, rig.start + 2)
        log.until_ended(2, 2)
        told = {part: {start.uid: start.stages for start in log.ended(part)} for part in Part}
        rig.restart()
        again = Log(rig, forgets_first=False)
        for part in Part:
            known = {start.uid: start.stages for start in again.ended(part)}
            assert {uid: known[uid] for uid in told[part]} == told[part]

    def test_a_restart_in_the_middle_changes_no_stage(self, rig: StartsRig) -> None:
        log = Log(rig)
        rig.cluster.set_floor(A, rig.start + 1)
        for part in Part:
            log.until(is_under_way(part), f"a {part} under way")
            rig.restart()
            log = Log(rig)
        log.until_ended(0, 1)
        (replica,) = log.ended(Part.REPLICA)
        for stage, seconds in rig.replica_stages.items():
            assert replica.stages[stage] == pytest.approx(seconds, abs=rig.within_s), stage
