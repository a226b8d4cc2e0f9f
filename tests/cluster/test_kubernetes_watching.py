"""The live copy against the real API server: what happened, in order; how old it is; and why, where it is old."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from autoscaler.adapters.kubernetes.backoff import Backoff
from autoscaler.adapters.kubernetes.cache import Change, Happened, Key
from autoscaler.adapters.kubernetes.json_object import Json
from autoscaler.adapters.kubernetes.listing import Selection
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import CONFIG_MAPS, PODS
from autoscaler.adapters.kubernetes.transport import Transport, TransportSettings
from autoscaler.adapters.kubernetes.watching import Watching, WatchSettings
from tests.cluster.clock import now_s, pause, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.credentials import PRODUCT
from tests.cluster.product_link import product_link, relay_to

SOON_S = 10.0
OURS = "part=ours"


def floor(thing: Json) -> str:
    return str((thing.get("data") or {}).get("floor"))


@dataclass
class Followed:
    """A watch of the ConfigMaps that are labelled as ours, and what its handler was told."""

    watching: Watching[str]
    cluster: Cluster
    told: list[Change[str]] = field(default_factory=list)

    def put(self, name: str, value: str) -> None:
        body = {"metadata": {"labels": {"part": "ours"}}, "data": {"floor": value}}
        with product_link(self.cluster) as link:
            Objects(link, "test").apply(Name(CONFIG_MAPS, self.cluster.namespace, name), body)

    def delete(self, name: str) -> None:
        self.cluster.api.delete("configmaps", name, self.cluster.namespace)

    def happened(self) -> list[tuple[Happened, str, str]]:
        return [(change.happened, change.key.name, change.now) for change in list(self.told)]

    def wait_told(self, count: int, within_s: float = SOON_S) -> list[tuple[Happened, str, str]]:
        wait_until(lambda: len(self.told) >= count, f"{count} changes", within_s, 0.005)
        return self.happened()

    def floors(self) -> dict[str, str]:
        return {key.name: value for key, value in self.watching.snapshot().items.items()}


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[Transport]:
    with product_link(cluster) as link:
        yield link


@pytest.fixture
def follow(cluster: Cluster, transport: Transport) -> Iterator[Callable[[WatchSettings], Followed]]:
    """Begins to watch, and ends it after the test."""
    begun: list[Watching[str]] = []

    def start(settings: WatchSettings) -> Followed:
        told: list[Change[str]] = []
        selection = Selection(CONFIG_MAPS, cluster.namespace, labels=OURS)
        watching = Watching(transport, selection, floor, [told.append], settings)
        begun.append(watching)
        watching.start()
        assert watching.wait_listed(SOON_S)
        return Followed(watching, cluster, told)

    yield start
    for watching in begun:
        assert watching.stop()


@pytest.fixture
def followed(follow: Callable[[WatchSettings], Followed]) -> Followed:
    return follow(WatchSettings())


def test_before_it_is_listed_everything_is_infinitely_old(cluster: Cluster, transport: Transport) -> None:
    snapshot = Watching(transport, Selection(CONFIG_MAPS, cluster.namespace), floor).snapshot()
    assert (dict(snapshot.items), snapshot.age_s, snapshot.problem) == ({}, math.inf, None)


def test_what_is_there_is_listed_in_pages(
    cluster: Cluster, transport: Transport, follow: Callable[[WatchSettings], Followed]
) -> None:
    ours = Objects(transport, "test")
    for number in range(7):
        body = {"metadata": {"labels": {"part": "ours"}}, "data": {"floor": str(number)}}
        ours.create(Name(CONFIG_MAPS, cluster.namespace, f"c-{number}"), body)
    followed = follow(WatchSettings(page=3))
    assert followed.floors() == {f"c-{number}": str(number) for number in range(7)}
    assert [change.happened for change in followed.told] == [Happened.ADDED] * 7


def test_changes_are_told_in_order_and_the_copy_has_them(followed: Followed) -> None:
    followed.put("a", "1")
    followed.put("b", "1")
    followed.put("a", "2")
    followed.delete("b")
    assert followed.wait_told(4) == [
        (Happened.ADDED, "a", "1"),
        (Happened.ADDED, "b", "1"),
        (Happened.CHANGED, "a", "2"),
        (Happened.DELETED, "b", "1"),
    ]
    assert followed.told[2].before == "1"
    assert followed.floors() == {"a": "2"}


def test_what_no_longer_matches_is_gone(followed: Followed) -> None:
    followed.put("a", "1")
    change = {"metadata": {"labels": {"part": "theirs"}}, "data": {"floor": "9"}}
    followed.cluster.api.patch("configmaps", "a", change, followed.cluster.namespace)
    assert followed.wait_told(2)[1][0] is Happened.DELETED
    assert followed.floors() == {}


def test_a_snapshot_stays_as_it_was(followed: Followed) -> None:
    followed.put("a", "1")
    followed.wait_told(1)
    before = followed.watching.snapshot()
    followed.put("a", "2")
    followed.wait_told(2)
    assert dict(before.items) == {Key(followed.cluster.namespace, "a"): "1"}
    assert int(before.version) < int(followed.watching.snapshot().version)


def test_the_last_state_of_a_deleted_pod_is_told(cluster: Cluster, transport: Transport) -> None:
    told: list[Change[bool]] = []

    def disrupted(pod: Json) -> bool:
        return any(one["type"] == "DisruptionTarget" for one in pod["status"].get("conditions") or ())

    watching = Watching(transport, Selection(PODS, cluster.namespace), disrupted, [told.append])
    watching.start()
    assert watching.wait_listed(SOON_S)
    cluster.create_pod("slot-1", gpus=0, nodeName="nowhere")
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    cluster.api.patch(
        "pods", "slot-1", {"status": {"conditions": [condition]}}, cluster.namespace, subresource="status"
    )
    cluster.api.delete("pods", "slot-1", cluster.namespace)
    wait_until(lambda: told and told[-1].happened is Happened.DELETED, "the deletion", SOON_S)
    assert told[-1].now
    assert not told[-1].unseen
    assert watching.stop()


def test_where_nothing_happens_there_is_news_all_the_same(follow: Callable[[WatchSettings], Followed]) -> None:
    followed = follow(WatchSettings(renew_s=2.0))
    stays(lambda: followed.watching.snapshot().age_s < 4.0, "the copy being young", 6.0)
    assert followed.watching.snapshot().problem is None
    followed.put("a", "1")
    followed.wait_told(1)
    assert followed.floors() == {"a": "1"}


def test_after_a_broken_connection_it_goes_on_from_where_it_was(cluster: Cluster) -> None:
    with relay_to(cluster) as relay, product_link(cluster, through=relay) as link:
        told: list[Change[str]] = []
        settings = WatchSettings(backoff=Backoff(0.05, 0.2))
        selection = Selection(CONFIG_MAPS, cluster.namespace, labels=OURS)
        followed = Followed(Watching(link, selection, floor, [told.append], settings), cluster, told)
        followed.watching.start()
        followed.put("a", "1")
        followed.wait_told(1)
        relay.cut()
        problem = wait_until(lambda: followed.watching.snapshot().problem, "the problem", SOON_S)
        assert problem.startswith("watch configmaps")
        followed.put("a", "2")
        followed.delete("a")
        stays(lambda: followed.watching.snapshot().problem, "the problem", 1.0)
        assert followed.floors() == {"a": "1"}
        assert followed.watching.snapshot().age_s > 1.0
        relay.mend()
        assert followed.wait_told(3)[1:] == [(Happened.CHANGED, "a", "2"), (Happened.DELETED, "a", "2")]
        assert not followed.told[-1].unseen
        assert followed.watching.snapshot().problem is None
        assert followed.watching.stop()


def test_a_connection_that_falls_silent_is_noticed_and_replaced(cluster: Cluster) -> None:
    quick = TransportSettings(deadline_s=2.0)
    with relay_to(cluster) as relay, product_link(cluster, settings=quick, through=relay) as link:
        settings = WatchSettings(renew_s=1.0, grace_s=0.5, backoff=Backoff(0.05, 0.2))
        selection = Selection(CONFIG_MAPS, cluster.namespace, labels=OURS)
        followed = Followed(Watching(link, selection, floor, settings=settings), cluster)
        followed.watching.start()
        assert followed.watching.wait_listed(SOON_S)
        relay.freeze()
        wait_until(lambda: followed.watching.snapshot().age_s > 3.0, "the copy to be old", SOON_S)
        wait_until(lambda: followed.watching.snapshot().problem, "the problem", SOON_S)
        followed.put("a", "1")
        relay.mend()
        wait_until(lambda: followed.floors() == {"a": "1"}, "the object", 20.0)
        assert followed.watching.stop()


def test_a_handler_that_fails_stops_nobody(cluster: Cluster, transport: Transport) -> None:
    told: list[str] = []

    def fails(change: Change[str]) -> None:
        if change.key.name == "bad":
            raise RuntimeError("no")

    selection = Selection(CONFIG_MAPS, cluster.namespace, labels=OURS)
    watching = Watching(transport, selection, floor, [fails, lambda change: told.append(change.key.name)])
    followed = Followed(watching, cluster)
    watching.start()
    assert watching.wait_listed(SOON_S)
    followed.put("bad", "1")
    wait_until(lambda: told == ["bad"], "the change", SOON_S)
    assert "a handler of configmaps" in str(watching.snapshot().problem)
    followed.put("good", "1")
    wait_until(lambda: told == ["bad", "good"], "the next change", SOON_S)
    assert watching.snapshot().problem is None
    assert watching.stop()


def test_an_object_that_cannot_be_read_is_a_problem_and_no_end(cluster: Cluster, transport: Transport) -> None:
    selection = Selection(CONFIG_MAPS, cluster.namespace, labels=OURS)
    settings = WatchSettings(backoff=Backoff(0.05, 0.2))
    watching = Watching(transport, selection, lambda thing: int(thing["data"]["floor"]), settings=settings)
    followed = Followed(watching, cluster)  # type: ignore[arg-type]
    watching.start()
    followed.put("a", "many")
    wait_until(lambda: "ValueError" in (watching.snapshot().problem or ""), "the problem", SOON_S)
    followed.put("a", "7")
    wait_until(lambda: list(watching.snapshot().items.values()) == [7], "the object", SOON_S)
    assert watching.snapshot().problem is None
    assert watching.stop()


def test_without_rights_it_says_so_and_goes_on_once_they_are_given(cluster: Cluster) -> None:
    with product_link(cluster, PRODUCT) as link:
        settings = WatchSettings(backoff=Backoff(0.05, 0.2))
        watching = Watching(link, Selection(CONFIG_MAPS, cluster.namespace), floor, settings=settings)
        watching.start()
        problem = wait_until(lambda: watching.snapshot().problem, "the problem", SOON_S)
        assert 'User "product" cannot list resource "configmaps"' in problem
        assert watching.snapshot().age_s == math.inf
        may_read(cluster)
        assert watching.wait_listed(SOON_S)
        assert watching.snapshot().problem is None
        assert watching.stop()


def may_read(cluster: Cluster) -> None:
    """Lets the product read ConfigMaps in the namespace of the test."""
    metadata = {"name": "reader", "namespace": cluster.namespace}
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]}]
    cluster.create("rbac.authorization.k8s.io/v1/roles", {"metadata": metadata, "rules": rules})
    binding = {
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": PRODUCT}],
    }
    cluster.create("rbac.authorization.k8s.io/v1/rolebindings", binding)


def test_it_ends_at_once_when_asked(followed: Followed) -> None:
    pause(0.1)  # it waits for the server by now
    begin = now_s()
    assert followed.watching.stop()
    assert now_s() - begin < 1.0
    followed.put("a", "1")
    assert followed.floors() == {}
