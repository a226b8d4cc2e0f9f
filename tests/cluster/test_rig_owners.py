"""What horizontal pod autoscalers do when their floor moves, with a metric that is live, dead, back, or false."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cluster.clock import now_s, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.external_metrics import HPAS, ExternalMetrics, hpa
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.objects import condition

Measured = Callable[[str, float, str], None]
METRIC = "waiting"
SOON_S = 60.0  # recorded within one reading of the metric; a busy machine takes its time
WATCHED_S = 8.0  # several readings


class Scaled:
    """A Deployment `chat` with a horizontal pod autoscaler of the same name."""

    def __init__(self, cluster: Cluster, least: int, replicas: int = 1) -> None:
        self._cluster = cluster
        cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, replicas))
        cluster.create(HPAS, hpa("chat", cluster.namespace, least, 20, METRIC))

    def floor(self, least: int) -> None:
        self._cluster.api.patch(HPAS, "chat", {"spec": {"minReplicas": least}}, self._cluster.namespace)

    def scale(self, replicas: int) -> None:
        change = {"spec": {"replicas": replicas}}
        self._cluster.api.patch(DEPLOYMENTS, "chat", change, self._cluster.namespace, subresource="scale")

    @property
    def replicas(self) -> int:
        return int(self._cluster.api.get(DEPLOYMENTS, "chat", self._cluster.namespace)["spec"]["replicas"])

    def reason(self, kind: str) -> str:
        """Of a condition of the autoscaler, empty until it has it."""
        found = condition(self._cluster.api.get(HPAS, "chat", self._cluster.namespace), kind)
        return str(found.get("reason", ""))

    def wait(self, replicas: int) -> float:
        """Seconds until the Deployment has so many."""
        begin = now_s()
        wait_until(lambda: self.replicas == replicas, f"{replicas} replicas", SOON_S)
        return now_s() - begin

    def wait_reason(self, kind: str, reason: str) -> None:
        wait_until(lambda: self.reason(kind) == reason, f"the autoscaler to say {reason}", SOON_S)


def test_a_floor_is_a_ratchet_while_the_metric_is_dead(
    cluster: Cluster, external_metrics: ExternalMetrics, measured: Measured
) -> None:
    external_metrics.set(METRIC, 20)
    external_metrics.down = True
    chat = Scaled(cluster, 2)
    chat.wait(2)
    chat.wait_reason("ScalingActive", "FailedGetExternalMetric")
    chat.floor(7)
    measured("HPA: floor up, metric dead", chat.wait(7), "0.08-0.55")
    chat.floor(2)
    stays(lambda: chat.replicas == 7, "seven replicas above a floor of two", WATCHED_S)
    external_metrics.down = False
    measured("HPA: comes down once the metric is back", chat.wait(2), "at the next reading, or when 10 s have passed")


def test_a_floor_comes_down_to_what_the_metric_says(
    cluster: Cluster, external_metrics: ExternalMetrics, measured: Measured
) -> None:
    external_metrics.set(METRIC, 40)
    chat = Scaled(cluster, 1)
    chat.wait(4)
    chat.floor(12)
    measured("HPA: floor up by eight, metric live", chat.wait(12), "0.05-0.16")
    chat.floor(2)
    measured("HPA: floor down, metric live", chat.wait(4), "0.06")
    external_metrics.set(METRIC, 80)
    measured("HPA: metric doubled", chat.wait(8), "at the next reading")


def test_a_metric_that_answers_late_is_a_late_metric(cluster: Cluster, external_metrics: ExternalMetrics) -> None:
    external_metrics.set(METRIC, 20)
    chat = Scaled(cluster, 1)
    chat.wait(2)
    external_metrics.late_s = 3.0
    external_metrics.set(METRIC, 60)
    assert chat.wait(6) > 1.0
    external_metrics.late_s = 0.0
    external_metrics.remove(METRIC)
    chat.wait_reason("ScalingActive", "FailedGetExternalMetric")
    assert chat.replicas == 6


@pytest.mark.parametrize("least", [0, 2])
def test_a_target_that_somebody_zeroed_is_not_woken_by_a_floor(
    cluster: Cluster, external_metrics: ExternalMetrics, least: int
) -> None:
    external_metrics.set(METRIC, 40)
    chat = Scaled(cluster, least)
    chat.wait(4)
    chat.scale(0)
    chat.wait_reason("ScalingActive", "ScalingDisabled")
    chat.floor(5)
    stays(lambda: chat.replicas == 0, "no replica of a target that is zeroed", WATCHED_S)
    chat.scale(1)
    chat.wait(5)


def test_a_target_that_the_autoscaler_zeroed_is_woken_by_a_floor(
    cluster: Cluster, external_metrics: ExternalMetrics, measured: Measured
) -> None:
    external_metrics.set(METRIC, 0)
    chat = Scaled(cluster, 0)
    chat.wait(0)
    chat.wait_reason("ScaledToZero", "ScaledToZero")
    chat.floor(3)
    measured("HPA: floor up from its own zero", chat.wait(3), "0.15")


def test_a_count_above_the_most_is_put_back(cluster: Cluster, external_metrics: ExternalMetrics) -> None:
    external_metrics.set(METRIC, 20)
    chat = Scaled(cluster, 1)
    chat.wait(2)
    external_metrics.down = True
    chat.scale(25)
    chat.wait(20)
