"""Leader election on the real API server: one leads, never two, and another takes over."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Barrier, Thread

import pytest

from autoscaler.adapters.kubernetes.election import Election, ElectionSettings
from autoscaler.adapters.kubernetes.json_object import Json
from autoscaler.adapters.kubernetes.lease import LeaseLeadership
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import LEASES
from autoscaler.adapters.kubernetes.transport import Transport, TransportSettings
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.ports.errors import Unavailable
from tests.cluster.clock import now_s, read_stamp, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.product_link import product_link, relay_to
from tests.stepped_clock import SteppedClock

WALL_S = 1_800_000_000.0
QUICK_S = {"duration_s": 3, "renew_s": 2.0, "retry_s": 0.5}


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[Transport]:
    with product_link(cluster, settings=TransportSettings(deadline_s=1.0)) as link:
        yield link


@pytest.fixture
def objects(transport: Transport) -> Objects:
    return Objects(transport, "gpu-autoscaler")


class Candidate:
    """One candidate on a clock of its own, which stands still unless moved."""

    def __init__(self, objects: Objects, namespace: str, identity: str, wall_s: float = WALL_S) -> None:
        self.clock = SteppedClock(wall_s)
        self.settings = ElectionSettings(namespace, "leader", identity)
        self.election = Election(objects, self.clock, self.settings)

    def attempt(self) -> bool:
        return self.election.attempt()

    @property
    def leads(self) -> bool:
        return self.election.is_leader()


@pytest.fixture
def a(objects: Objects, cluster: Cluster) -> Candidate:
    return Candidate(objects, cluster.namespace, "a")


@pytest.fixture
def b(objects: Objects, cluster: Cluster) -> Candidate:
    """Its clock is an hour fast."""
    return Candidate(objects, cluster.namespace, "b", WALL_S + 3600.0)


def lease(objects: Objects, cluster: Cluster) -> Json:
    found = objects.get(Name(LEASES, cluster.namespace, "leader"))
    assert found is not None
    spec: Json = found["spec"]
    return spec


def test_who_comes_first_leads_and_says_so(objects: Objects, cluster: Cluster, a: Candidate, b: Candidate) -> None:
    assert not a.leads
    assert a.attempt()
    assert not b.attempt()
    assert (a.leads, b.leads, b.election.holder) == (True, False, "a")
    spec = lease(objects, cluster)
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"], spec["leaseTransitions"]) == ("a", 15, 1)
    assert read_stamp(spec["acquireTime"]) == read_stamp(spec["renewTime"]) == WALL_S


def test_a_leader_that_renews_keeps_the_lead(objects: Objects, cluster: Cluster, a: Candidate, b: Candidate) -> None:
    a.attempt()
    for _ in range(20):
        for one in (a, b):
            one.clock.move(2.0)
        assert a.attempt()
        assert not b.attempt()
    assert a.leads
    spec = lease(objects, cluster)
    assert (read_stamp(spec["acquireTime"]), read_stamp(spec["renewTime"])) == (WALL_S, WALL_S + 40.0)
    assert spec["leaseTransitions"] == 1


def test_who_seizes_the_lead_has_it_whoever_had_it(
    objects: Objects, cluster: Cluster, a: Candidate, b: Candidate
) -> None:
    b.election.seize()
    assert b.leads
    assert not a.attempt()
    a.election.seize()
    assert a.leads
    assert not b.attempt()
    assert not b.leads
    assert lease(objects, cluster)["holderIdentity"] == "a"


def test_what_an_installer_wrote_beside_the_lead_stays(objects: Objects, cluster: Cluster, a: Candidate) -> None:
    made = {"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "r"}}
    objects.create(Name(LEASES, cluster.namespace, "leader"), {"metadata": made})
    assert a.attempt()
    assert a.attempt()
    found = objects.get(Name(LEASES, cluster.namespace, "leader"))
    assert found is not None
    assert {key: found["metadata"][key] for key in made} == made


def test_a_silent_leader_stops_before_another_begins(
    objects: Objects, cluster: Cluster, a: Candidate, b: Candidate
) -> None:
    a.attempt()
    b.attempt()
    led_until = 0.0
    while not b.leads:
        for one in (a, b):
            one.clock.move(0.5)
        led_until = a.clock.monotonic_s() if a.leads else led_until
        b.attempt()
        assert not (a.leads and b.leads)
    assert led_until == a.settings.renew_s - 0.5
    assert b.clock.monotonic_s() == a.settings.duration_s
    assert lease(objects, cluster)["leaseTransitions"] == 2
    assert not a.attempt()
    assert a.election.holder == "b"


def test_a_leader_given_away_is_taken_at_once(objects: Objects, cluster: Cluster, a: Candidate, b: Candidate) -> None:
    a.attempt()
    b.attempt()
    a.election.release()
    assert not a.leads
    assert lease(objects, cluster).get("holderIdentity", "") == ""
    assert b.attempt()
    assert b.leads


def test_what_another_holds_is_not_released(objects: Objects, cluster: Cluster, a: Candidate, b: Candidate) -> None:
    a.attempt()
    b.election.release()
    assert lease(objects, cluster)["holderIdentity"] == "a"


def test_releasing_what_never_was_is_done(a: Candidate) -> None:
    a.election.release()
    assert not a.leads


def test_of_two_that_ask_at_once_one_leads(objects: Objects, cluster: Cluster) -> None:
    candidates = [Candidate(objects, cluster.namespace, f"c-{number}") for number in range(6)]
    start = Barrier(len(candidates))

    def ask(one: Candidate) -> None:
        start.wait()
        one.attempt()

    threads = [Thread(target=ask, args=(one,)) for one in candidates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    leaders = [one.settings.identity for one in candidates if one.leads]
    assert leaders == [lease(objects, cluster)["holderIdentity"]]


def test_a_leader_without_its_server_leads_until_its_renewal_is_overdue(cluster: Cluster) -> None:
    quick = TransportSettings(deadline_s=1.0)
    with relay_to(cluster) as relay, product_link(cluster, settings=quick, through=relay) as link:
        a = Candidate(Objects(link, "gpu-autoscaler"), cluster.namespace, "a")
        a.attempt()
        relay.cut()
        a.clock.move(9.0)
        with pytest.raises(Unavailable):
            a.attempt()
        assert a.leads
        a.clock.move(1.0)
        assert not a.leads
        relay.mend()
        assert a.attempt()
        assert a.leads


def test_a_lease_that_says_nothing_is_taken(objects: Objects, cluster: Cluster, a: Candidate) -> None:
    objects.create(Name(LEASES, cluster.namespace, "leader"), {})
    assert a.attempt()
    assert a.leads


def test_a_lease_deleted_by_hand_is_made_again(objects: Objects, cluster: Cluster, a: Candidate) -> None:
    a.attempt()
    objects.delete(Name(LEASES, cluster.namespace, "leader"))
    assert a.attempt()
    assert lease(objects, cluster)["holderIdentity"] == "a"


@pytest.mark.parametrize(("duration", "renew", "retry"), [(10, 10.0, 2.0), (15, 2.0, 2.0), (15, 10.0, 0.0)])
def test_times_that_could_make_two_leaders_are_refused(duration: int, renew: float, retry: float) -> None:
    with pytest.raises(ValueError, match="must hold"):
        ElectionSettings("gpu", "leader", "a", duration, renew, retry)


def leadership(objects: Objects, cluster: Cluster, identity: str) -> LeaseLeadership:
    settings = ElectionSettings(cluster.namespace, "leader", identity, **QUICK_S)  # type: ignore[arg-type]
    return LeaseLeadership(objects, SystemClock(), settings)


def test_takeover_after_a_stop_and_after_a_death(objects: Objects, cluster: Cluster) -> None:
    first, second = leadership(objects, cluster, "first"), leadership(objects, cluster, "second")
    first.start()
    wait_until(first.is_leader, "the first to lead", 5.0)
    second.start()
    wait_until(lambda: second.holder == "first", "the second to see it", 5.0)
    begin = now_s()
    first.stop()
    assert not first.is_leader()
    wait_until(second.is_leader, "the second to lead", 5.0, 0.005)
    stopped_s = now_s() - begin
    second.stop()

    dead = Election(objects, SystemClock(), ElectionSettings(cluster.namespace, "leader", "dead", **QUICK_S))  # type: ignore[arg-type]
    assert dead.attempt()
    begin = now_s()
    third = leadership(objects, cluster, "third")
    third.start()
    wait_until(third.is_leader, "the third to lead", 10.0, 0.005)
    died_s = now_s() - begin
    third.stop()
    print(f"takeover after a stop {stopped_s:.2f} s, after a death {died_s:.2f} s (duration 3 s, retry 0.5 s)")
    assert stopped_s < 0.5 + 1.0
    assert 3.0 <= died_s < 3.0 + 0.5 + 1.0
    assert not dead.is_leader()
