"""The API server killed and started again under the adapter: what it forgot is listed anew, and nothing is missed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest

from autoscaler.adapters.kubernetes.backoff import Backoff
from autoscaler.adapters.kubernetes.cache import Change, Happened
from autoscaler.adapters.kubernetes.json_object import uid, version
from autoscaler.adapters.kubernetes.listing import Selection, pages
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import CONFIG_MAPS
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.adapters.kubernetes.watching import Watching, WatchSettings
from autoscaler.ports.errors import Gone, Unavailable
from tests.cluster.clock import wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import ControlPlane, Programs
from tests.cluster.product_link import product_link, relay_to

SOON_S = 30.0


@pytest.fixture(scope="module")
def cluster(built: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """On a control plane of its own: the controllers of a shared one need half a minute to come back."""
    plane = ControlPlane(built, tmp_path_factory.mktemp("restarted"))
    try:
        plane.start()
        yield Cluster(plane, "restarted")
    finally:
        plane.stop()


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[Transport]:
    with product_link(cluster) as link:
        yield link


def restart(cluster: Cluster) -> None:
    cluster.control_plane.programs["kube-apiserver"].restart(kill=True)
    cluster.control_plane.wait_ready()


def compact(cluster: Cluster, revision: str) -> None:
    """Makes etcd forget all that was before a revision."""
    body = json.dumps({"revision": revision, "physical": True}).encode()
    with urlopen(Request(f"{cluster.control_plane.etcd_url}/v3/kv/compaction", body), timeout=10.0) as answer:
        assert answer.status == 200


def test_what_happened_meanwhile_is_worked_out_where_the_server_has_forgotten_it(
    cluster: Cluster, transport: Transport
) -> None:
    ours, labels = Objects(transport, "test"), {"metadata": {"labels": {"part": "ours"}}}
    names = {name: Name(CONFIG_MAPS, cluster.namespace, name) for name in ("kept", "goes", "changes", "again", "comes")}
    for name in ("kept", "goes", "changes", "again"):
        ours.create(names[name], labels)
    with relay_to(cluster) as relay, product_link(cluster, through=relay) as link:
        told: list[Change[str]] = []
        selection = Selection(CONFIG_MAPS, cluster.namespace, labels="part=ours")
        watching = Watching(link, selection, uid, [told.append], WatchSettings(backoff=Backoff(0.05, 0.2)))
        watching.start()
        assert watching.wait_listed(SOON_S)
        before = watching.snapshot()
        told.clear()

        relay.cut()
        wait_until(lambda: watching.snapshot().problem, "the loss to be seen", SOON_S)
        ours.delete(names["goes"])
        ours.merge_patch(names["changes"], {"data": {"a": "1"}})
        ours.delete(names["again"])
        ours.create(names["again"], labels)
        compact(cluster, version(ours.create(names["comes"], labels)))
        restart(cluster)  # it keeps a copy of past moments itself
        assert dict(watching.snapshot().items) == dict(before.items)

        relay.mend()
        wait_until(lambda: watching.snapshot().problem is None and len(told) >= 5, "the news", SOON_S)
        assert watching.stop()
    happened = [(change.happened, change.key.name, change.unseen) for change in told]
    assert set(happened[:2]) == {(Happened.DELETED, "goes", True), (Happened.DELETED, "again", True)}
    assert set(happened[2:]) == {
        (Happened.ADDED, "again", False),
        (Happened.ADDED, "comes", False),
        (Happened.CHANGED, "changes", False),
    }
    assert len(happened) == 5
    assert {key.name for key in watching.snapshot().items} == {"kept", "changes", "again", "comes"}


def test_a_list_whose_moment_is_forgotten_between_two_pages(cluster: Cluster, transport: Transport) -> None:
    ours = Objects(transport, "test")
    for number in range(5):
        ours.create(Name(CONFIG_MAPS, cluster.namespace, f"c-{number}"), {})
    several = pages(transport, Selection(CONFIG_MAPS, cluster.namespace), size=2)
    next(several)
    last = ours.create(Name(CONFIG_MAPS, cluster.namespace, "c-9"), {})
    compact(cluster, last["metadata"]["resourceVersion"])
    restart(cluster)
    with pytest.raises(Gone, match="read the present state as a whole"):
        list(several)


def test_a_call_while_it_is_down_says_so_and_later_ones_go_through(cluster: Cluster, transport: Transport) -> None:
    ours, name = Objects(transport, "test"), Name(CONFIG_MAPS, cluster.namespace, "a")
    ours.create(name, {})
    cluster.control_plane.programs["kube-apiserver"].stop(kill=True)
    with pytest.raises(Unavailable, match=r"read configmaps .*check that the API server runs and is reachable"):
        ours.get(name)
    cluster.control_plane.programs["kube-apiserver"].start()
    cluster.control_plane.wait_ready()
    assert ours.get(name) is not None
