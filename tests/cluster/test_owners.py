"""Floors through the fields of real owners: followed, kept beside people's own edits, and given back as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from autoscaler.ports.errors import NotFound, OwnedByOthers
from tests.cluster.clock import now_s, stays
from tests.cluster.cluster import Cluster
from tests.cluster.external_metrics import HPAS, ExternalMetrics, hpa
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.owned import Owned, owned, settles

Measured = Callable[[str, float, str], None]
WAITING = "waiting"
FAST_S, DEAD_S = 10.0, 5.0


@pytest.fixture
def chat(cluster: Cluster, external_metrics: ExternalMetrics) -> Iterator[Owned]:
    """Two replicas, an HPA of 2 to 12 of which the metric asks for four."""
    external_metrics.set(WAITING, 40.0)
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 2))
    cluster.create(HPAS, hpa("chat", cluster.namespace, 2, 12, WAITING))
    with owned(cluster) as found:
        settles(lambda: replicas(found), 4, "replicas")
        yield found


def replicas(chat: Owned) -> int:
    found = chat.cluster.api.get(DEPLOYMENTS, "chat", chat.cluster.namespace)
    return int(found["spec"]["replicas"])


def least(chat: Owned) -> int:
    found = chat.cluster.api.get(HPAS, "chat", chat.cluster.namespace)
    return int(found["spec"]["minReplicas"])


def edit(chat: Owned, **spec: object) -> None:
    """Somebody else changes the HPA."""
    chat.cluster.api.patch(HPAS, "chat", {"spec": spec}, chat.cluster.namespace)


def test_an_hpa_follows_the_floor_and_gets_its_users_value_back(chat: Owned, measured: Measured) -> None:
    seen = chat.inventory()
    assert (seen.floor.tolist(), seen.pending.tolist()) == ([2], [4])
    assert seen.owner_least is not None
    assert seen.owner_most is not None
    assert (seen.owner_least.tolist(), seen.owner_most.tolist()) == ([2], [12])
    begin = now_s()
    chat.set_floor(9)
    settles(lambda: replicas(chat), 9, "replicas")
    measured("HPA: floor 2 to 9", now_s() - begin, "0.08-0.55, or within the sync period")
    after = chat.inventory()
    assert after.owner_least is not None
    assert (after.floor.tolist(), after.owner_least.tolist(), after.pending.tolist()) == ([9], [2], [9])
    assert chat.owner().owner == f"HorizontalPodAutoscaler {chat.cluster.namespace}/chat spec.minReplicas"
    assert chat.owner().follows
    chat.set_floor(6)
    settles(lambda: replicas(chat), 6, "replicas")
    [said] = chat.remove_policy()
    assert said.endswith("spec.minReplicas given back: 2, as before")
    assert least(chat) == 2
    settles(lambda: replicas(chat), 4, "replicas")


def test_what_a_person_writes_meanwhile_is_left_alone_and_stands_in_the_end(chat: Owned) -> None:
    chat.set_floor(9)
    edit(chat, minReplicas=5)
    with pytest.raises(OwnedByOthers, match=r"minReplicas was set to 5 by .* after us; it is left alone for 300 s"):
        chat.set_floor(10)
    assert least(chat) == 5
    seen = chat.inventory()
    assert seen.owner_least is not None
    assert seen.owner_least.tolist() == [5]
    chat.later_s = 301.0
    chat.set_floor(10)
    assert least(chat) == 10
    chat.remove_policy()
    assert least(chat) == 5


def test_an_edit_that_nobody_saw_before_the_policy_went_stands(chat: Owned) -> None:
    chat.set_floor(9)
    edit(chat, minReplicas=3)
    [said] = chat.remove_policy()
    assert "is left as it is: set to 3 by" in said
    assert least(chat) == 3


def test_the_users_value_is_given_back_after_a_crash(chat: Owned) -> None:
    chat.set_floor(9)
    chat.restarted()
    chat.set_floor(11)
    chat.restarted()
    chat.remove_policy()
    assert least(chat) == 2
    chat.restarted()
    assert chat.remove_policy() == ()


def test_without_its_metric_a_floor_is_a_ratchet_and_that_is_said(
    chat: Owned, external_metrics: ExternalMetrics, measured: Measured
) -> None:
    external_metrics.down = True
    assert chat.wait_owner("MetricDead").follows is False
    chat.set_floor(9)
    settles(lambda: replicas(chat), 9, "replicas")
    chat.set_floor(3)
    stays(lambda: replicas(chat) == 9, "the replicas that a dead metric keeps", DEAD_S)
    told = chat.owner()
    assert "6 replicas above it stay until they can, and are not ours to free" in told.message
    seen = chat.inventory()
    assert (seen.floor.tolist(), seen.pending.tolist()) == ([3], [9])
    begin = now_s()
    external_metrics.down = False
    settles(lambda: replicas(chat), 4, "replicas", 60.0)
    measured("HPA: surplus goes once the metric is back", now_s() - begin, "11.8 at a sync each 15 s")
    assert chat.wait_owner("Followed").follows


def test_a_metric_that_lies_takes_replicas_to_the_maximum_and_the_floor_stays_ours(
    chat: Owned, external_metrics: ExternalMetrics
) -> None:
    chat.set_floor(5)
    external_metrics.set(WAITING, 1e6)
    settles(lambda: replicas(chat), 12, "replicas", 60.0)
    seen = chat.inventory()
    assert (seen.floor.tolist(), seen.pending.tolist()) == ([5], [12])
    chat.remove_policy()
    assert least(chat) == 2


def test_the_owners_maximum_is_told_as_it_is_lowered(chat: Owned) -> None:
    chat.set_floor(6)
    edit(chat, maxReplicas=8)
    seen = chat.inventory()
    assert seen.owner_most is not None
    assert seen.owner_most.tolist() == [8]
    chat.set_floor(8)
    settles(lambda: replicas(chat), 8, "replicas")


def test_a_workload_at_zero_is_woken_though_its_hpa_is_off(chat: Owned, measured: Measured) -> None:
    chat.cluster.api.patch(DEPLOYMENTS, "chat", {"spec": {"replicas": 0}}, chat.cluster.namespace)
    told = chat.wait_owner("TargetAtZero")
    assert "is off until somebody scales it up" in told.message
    assert chat.inventory().floor.tolist() == [0]
    begin = now_s()
    chat.set_floor(3)
    settles(lambda: replicas(chat) >= 3, True, "three replicas or more")
    measured("HPA: woken from zero, where it was off", now_s() - begin, "never by itself")
    assert least(chat) == 3
    chat.wait_owner("Followed")
    chat.remove_policy()
    assert least(chat) == 2


def test_an_hpa_that_took_its_workload_to_zero_wakes_it_by_itself(
    chat: Owned, external_metrics: ExternalMetrics
) -> None:
    edit(chat, minReplicas=0)
    external_metrics.set(WAITING, 0.0)
    settles(lambda: replicas(chat), 0, "replicas", 60.0)
    assert chat.owner().reason != "TargetAtZero"
    chat.set_floor(3)
    settles(lambda: replicas(chat), 3, "replicas")
    chat.remove_policy()
    assert least(chat) == 0


def test_several_owners_are_named_and_none_is_moved(chat: Owned) -> None:
    chat.cluster.create(HPAS, hpa("other", chat.cluster.namespace, 1, 5) | {
        "spec": hpa("chat", chat.cluster.namespace, 1, 5)["spec"]})  # fmt: skip
    with pytest.raises(OwnedByOthers, match=r"HorizontalPodAutoscaler .*/chat, HorizontalPodAutoscaler .*/other move"):
        chat.set_floor(5)
    assert least(chat) == 2
    assert chat.owner().reason in ("Followed", "NotOurs")  # as it was found last, or looked up anew


def test_an_owner_that_the_policy_names_and_nobody_made_is_missed(cluster: Cluster) -> None:
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 1))
    with owned(cluster, via="hpa") as chat:
        with pytest.raises(NotFound, match="there is no HorizontalPodAutoscaler for it; create one, or write"):
            chat.set_floor(5)
        assert chat.owner().reason == "OwnerMissing"
