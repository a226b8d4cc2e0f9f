"""The way to one cluster and its metric store, for commands that look at them once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.connection import Connection, connect
from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.adapters.kubernetes.plans.capacity_plans import CapacityPlans
from autoscaler.adapters.kubernetes.store import ConfigMapStore
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.adapters.prometheus.settings import PrometheusSettings
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.controller.records import FORM, Records
from autoscaler.settings import Settings, SettingsError

MANAGER = "gpu-autoscaler"


@dataclass(frozen=True, slots=True)
class Link:
    """What the commands reach a cluster through."""

    connection: Connection
    transport: Transport
    objects: Objects
    plans: CapacityPlans
    server: PrometheusServer
    namespace: str

    def records(self) -> Records:
        """What a controller there keeps; not read yet."""
        return Records(ConfigMapStore(self.transport, self.objects, self.namespace, FORM))


@contextmanager
def linked(settings: Settings, clock: SystemClock) -> Iterator[Link]:
    """Raises `SettingsError`, and `PortError` where there is no way to the cluster."""
    with ExitStack() as ends:
        server = PrometheusServer(prometheus_settings(settings), clock)
        ends.callback(server.close)
        connection = connect(settings.kubeconfig, settings.context)
        ends.callback(connection.close)
        transport = Transport(connection, clock)
        objects = Objects(transport, MANAGER)
        plans = CapacityPlans(transport, objects, settings.namespace)
        yield Link(connection, transport, objects, plans, server, settings.namespace)


def prometheus_settings(settings: Settings) -> PrometheusSettings:
    """How the metric store is reached. Raises `SettingsError`, ValueError."""
    if settings.prometheus is None:
        raise SettingsError(
            "setting prometheus (--prometheus, GPU_AUTOSCALER_PROMETHEUS): not given; write http://HOST:PORT"
        )
    return PrometheusSettings(
        url=settings.prometheus,
        token_file=settings.prometheus_token_file,
        user_file=settings.prometheus_user_file,
        password_file=settings.prometheus_password_file,
        tenant=settings.prometheus_tenant,
        ca_file=settings.prometheus_ca_file,
        certificate_file=settings.prometheus_certificate_file,
        key_file=settings.prometheus_key_file,
        tick_s=min(10.0, settings.tick_s * 2.0 / 3.0),
    )
