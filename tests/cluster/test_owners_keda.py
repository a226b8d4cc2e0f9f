"""Floors on a real KEDA: through the ScaledObject, whatever becomes of its trigger, and back as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from autoscaler.ports.errors import OwnedByOthers
from tests.cluster.clock import now_s, stays
from tests.cluster.cluster import Cluster
from tests.cluster.exporter import Exporter
from tests.cluster.external_metrics import HPAS
from tests.cluster.keda import SCALED_OBJECTS, scaled_object
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.owned import Owned, owned, settles
from tests.cluster.processes import LOOPBACK

Measured = Callable[[str, float, str], None]
SOON_S = 90.0
pytestmark = pytest.mark.usefixtures("keda")


@pytest.fixture
def chat(cluster: Cluster, exporter: Exporter) -> Iterator[Owned]:
    """A ScaledObject of 1 to 12 of which the trigger asks for four."""
    exporter.set("wanted", 4)
    url = f"http://{LOOPBACK}:{exporter.port}/metrics"
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 1))
    body = scaled_object("chat", cluster.namespace, 1, 12, url, "wanted", format="prometheus")
    cluster.create(SCALED_OBJECTS, body)
    with owned(cluster) as found:
        settles(lambda: replicas(found), 4, "replicas", SOON_S)
        yield found


def replicas(chat: Owned) -> int:
    return int(chat.cluster.api.get(DEPLOYMENTS, "chat", chat.cluster.namespace)["spec"]["replicas"])


def least(chat: Owned) -> int:
    return int(chat.cluster.api.get(SCALED_OBJECTS, "chat", chat.cluster.namespace)["spec"]["minReplicaCount"])


def hpa_least(chat: Owned) -> int:
    return int(chat.cluster.api.get(HPAS, "keda-hpa-chat", chat.cluster.namespace)["spec"]["minReplicas"])


def edit(chat: Owned, **spec: object) -> None:
    chat.cluster.api.patch(SCALED_OBJECTS, "chat", {"spec": spec}, chat.cluster.namespace)


def test_keda_follows_the_floor_and_gets_its_users_value_back(chat: Owned, measured: Measured) -> None:
    assert chat.owner().owner == f"ScaledObject {chat.cluster.namespace}/chat spec.minReplicaCount"
    begin = now_s()
    chat.set_floor(9)
    settles(lambda: replicas(chat), 9, "replicas")
    measured("KEDA: floor 1 to 9 by way of the ScaledObject", now_s() - begin, "0.12-0.28")
    assert (least(chat), hpa_least(chat)) == (9, 9)
    chat.restarted()
    chat.remove_policy()
    assert least(chat) == 1
    settles(lambda: replicas(chat), 4, "replicas", SOON_S)


def test_what_a_person_writes_meanwhile_stands(chat: Owned) -> None:
    chat.set_floor(9)
    edit(chat, minReplicaCount=5)
    with pytest.raises(OwnedByOthers, match="minReplicaCount was set to 5 by"):
        chat.set_floor(10)
    settles(lambda: hpa_least(chat), 5, "the HPA's floor")
    chat.remove_policy()
    assert least(chat) == 5


def test_without_its_trigger_a_floor_is_a_ratchet(chat: Owned, exporter: Exporter) -> None:
    exporter.down = True
    chat.set_floor(8)
    settles(lambda: replicas(chat), 8, "replicas")
    assert chat.wait_owner("MetricDead", SOON_S).follows is False
    chat.set_floor(2)
    settles(lambda: hpa_least(chat), 2, "the HPA's floor")
    stays(lambda: replicas(chat) == 8, "eight replicas above a floor of two", 5.0)
    assert "6 replicas above it stay" in chat.owner().message
    exporter.down = False
    settles(lambda: replicas(chat), 4, "replicas", SOON_S)


def test_a_trigger_that_lies_and_a_maximum_below_the_floor(chat: Owned, exporter: Exporter) -> None:
    chat.set_floor(6)
    exporter.set("wanted", 1_000_000)
    settles(lambda: replicas(chat), 12, "replicas", SOON_S)
    edit(chat, maxReplicaCount=7)
    seen = chat.inventory()
    assert seen.owner_most is not None
    assert (seen.owner_most.tolist(), seen.floor.tolist()) == ([7], [6])


def test_keda_wakes_a_workload_at_zero_by_itself(chat: Owned, exporter: Exporter, measured: Measured) -> None:
    edit(chat, minReplicaCount=0)
    exporter.set("wanted", 0)
    settles(lambda: replicas(chat), 0, "replicas", SOON_S)
    begin = now_s()
    chat.set_floor(3)
    settles(lambda: replicas(chat), 3, "replicas")
    measured("KEDA: woken from zero by a floor", now_s() - begin, "0.2")
    chat.remove_policy()
    assert least(chat) == 0
