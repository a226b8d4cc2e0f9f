"""KEDA itself: a floor is written to the ScaledObject, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cluster.clock import now_s, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.exporter import Exporter
from tests.cluster.external_metrics import HPAS
from tests.cluster.keda import SCALED_OBJECTS, scaled_object
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.objects import condition
from tests.cluster.processes import LOOPBACK

Measured = Callable[[str, float, str], None]
SOON_S = 90.0
HPA = "keda-hpa-chat"
pytestmark = pytest.mark.usefixtures("keda")


class Scaled:
    """A Deployment `chat` whose ScaledObject wants what the exporter says in `wanted`."""

    def __init__(self, cluster: Cluster, exporter: Exporter, least: int) -> None:
        self._cluster = cluster
        url = f"http://{LOOPBACK}:{exporter.port}/metrics"
        cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 1))
        cluster.create(
            SCALED_OBJECTS,
            scaled_object("chat", cluster.namespace, least, 20, url, "wanted", format="prometheus"),
        )

    def floor(self, least: int) -> None:
        change = {"spec": {"minReplicaCount": least}}
        self._cluster.api.patch(SCALED_OBJECTS, "chat", change, self._cluster.namespace)

    @property
    def replicas(self) -> int:
        return int(self._cluster.api.get(DEPLOYMENTS, "chat", self._cluster.namespace)["spec"]["replicas"])

    @property
    def hpa_floor(self) -> int | None:
        """Of the autoscaler that KEDA keeps; None while there is none."""
        found = self._cluster.api.find(HPAS, HPA, self._cluster.namespace)
        return int(found["spec"]["minReplicas"]) if found else None

    def wait(self, replicas: int) -> float:
        """Seconds until the Deployment has so many."""
        begin = now_s()
        wait_until(lambda: self.replicas == replicas, f"{replicas} replicas", SOON_S)
        return now_s() - begin


def test_the_floor_of_a_scaled_object_is_followed(cluster: Cluster, exporter: Exporter, measured: Measured) -> None:
    exporter.set("wanted", 4)
    chat = Scaled(cluster, exporter, 1)
    chat.wait(4)
    chat.floor(9)
    measured("KEDA: floor up", chat.wait(9), "0.12-0.28")
    assert chat.hpa_floor == 9
    chat.floor(1)
    measured("KEDA: floor down", chat.wait(4), "0.12-0.28")
    owned = cluster.api.get(HPAS, HPA, cluster.namespace)["metadata"]["ownerReferences"]
    assert [(one["kind"], one["name"], one["controller"]) for one in owned] == [("ScaledObject", "chat", True)]


def test_a_floor_is_a_ratchet_while_the_endpoint_is_dead(cluster: Cluster, exporter: Exporter) -> None:
    exporter.set("wanted", 4)
    chat = Scaled(cluster, exporter, 1)
    chat.wait(4)
    exporter.down = True
    chat.floor(8)
    chat.wait(8)

    def dead() -> bool:
        seen = cluster.api.get(SCALED_OBJECTS, "chat", cluster.namespace)
        return condition(seen, "Ready").get("status") == "False"

    wait_until(dead, "the ScaledObject not to be Ready", SOON_S)
    chat.floor(2)
    wait_until(lambda: chat.hpa_floor == 2, "the floor to come down", SOON_S)
    stays(lambda: chat.replicas == 8, "eight replicas above a floor of two", 8.0)
    exporter.down = False
    chat.wait(4)


def test_a_deployment_at_zero_is_woken_by_a_floor(cluster: Cluster, exporter: Exporter, measured: Measured) -> None:
    exporter.set("wanted", 0)
    chat = Scaled(cluster, exporter, 0)
    chat.wait(0)
    chat.floor(3)
    measured("KEDA: floor up from zero", chat.wait(3), "0.2")
