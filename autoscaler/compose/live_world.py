"""Policies taken into force on a real cluster and a real Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.cluster.live import LiveCluster
from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.adapters.prometheus.answer import QueryReport
from autoscaler.adapters.prometheus.metrics import Key, PrometheusMetrics
from autoscaler.adapters.prometheus.past import PrometheusPast
from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.adapters.prometheus.signals import signal_queries
from autoscaler.compose.owners import owners
from autoscaler.controller.cycle import Ports
from autoscaler.controller.in_force import InForce
from autoscaler.placeholder.manifest import House
from autoscaler.policy.check import PolicyDocument
from autoscaler.policy.compile import compile_fleet
from autoscaler.policy.folder import PolicySet
from autoscaler.policy.governed import Governed
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import Unavailable
from autoscaler.ports.events import ObjectReference
from autoscaler.settings import Settings

LISTED_S = 20.0
"""How long the first lists of a new set of policies may take."""


@dataclass(slots=True)
class _Serving:
    """What serves one set of policies."""

    policies: tuple[PolicyDocument, ...]
    source: PolicySet
    cluster: LiveCluster
    metrics: PrometheusMetrics

    def close(self) -> None:
        self.metrics.close()
        self.cluster.stop()


class LiveWorld:
    """Takes policies into force; `writes` False: nothing is written, owners of placeholders included."""

    def __init__(
        self, settings: Settings, transport: Transport, objects: Objects, server: PrometheusServer, clock: ClockPort,
        writes: bool,
    ) -> None:  # fmt: skip
        self._settings, self._transport, self._objects = settings, transport, objects
        self._server, self._clock, self._writes = server, clock, writes
        self._serving: _Serving | None = None
        self._users = 0

    def govern(self, found: PolicySet) -> InForce:
        """`Govern`: where only the world has changed, what serves the policies goes on."""
        before = self._serving
        serving = before if before is not None and before.source == found else self._serve(found)
        try:
            shapes = serving.cluster.shapes()
            governed = self._compiled(serving, shapes)
        except Exception:
            if serving is not before:
                serving.close()
            raise
        self._serving = serving
        self._users += 1
        return InForce(
            policies=governed,
            ports=Ports(serving.metrics, serving.cluster),
            about=tuple(_about(document) for document in serving.policies),
            past=self._past(serving),
            problems=lambda: (*_of_cluster(serving.cluster), *_of_signals(serving.metrics.reports, governed)),
            sweep=lambda now_s: serving.cluster.sweep(now_s).failed,
            attend=lambda now_s: _tried(lambda: serving.cluster.step_aside(now_s)),
            is_outdated=lambda: _shapes_differ(serving.cluster, shapes),
            close=self._closer(serving),
        )

    def _closer(self, serving: _Serving) -> Callable[[], None]:
        """Ends what serves policies with the last of those that it serves."""

        def close() -> None:
            self._users -= 1
            if serving is not self._serving or self._users == 0:
                serving.close()

        return close

    def _serve(self, found: PolicySet) -> _Serving:
        policies = tuple(sorted(found.policies, key=lambda document: -document.model.priority))
        settings = self._settings
        house = House(settings.namespace, settings.placeholder_image, settings.placeholder_priority_class, {}, {})
        whose = owners(self._objects, settings.namespace, [p.name for p in policies], self._writes)
        cluster = LiveCluster(self._transport, policies, found.pools, house, whose)
        cluster.start()
        if not cluster.wait_listed(LISTED_S):
            cluster.stop()
            raise Unavailable(f"the cluster was not listed within {LISTED_S:g} s; check the API server and our rights")
        metrics = PrometheusMetrics(self._server, self._clock, len(policies), _queries(policies))
        return _Serving(policies, found, cluster, metrics)

    def _compiled(self, serving: _Serving, shapes: Mapping[str, int]) -> Governed:
        names = [document.name for document in serving.policies]
        lead_s = (self._settings.node_lead_s, self._settings.replica_lead_s)
        return compile_fleet(
            serving.policies,
            serving.source.pools,
            shapes,
            dict.fromkeys(names, lead_s),
            budgets=serving.source.budgets,
        )

    def _past(self, serving: _Serving) -> PrometheusPast:
        stale_after_s = [document.model.demand.stale_after_s for document in serving.policies]
        names = [document.name for document in serving.policies]
        return PrometheusPast(self._server, names, _queries(serving.policies), stale_after_s)


def _queries(policies: Sequence[PolicyDocument]) -> dict[Key, str]:
    return signal_queries([document.model for document in policies])


def _about(document: PolicyDocument) -> ObjectReference:
    workload = document.model.workload
    return ObjectReference(workload.api_version, workload.kind, workload.namespace, workload.name, "")


def _of_cluster(cluster: LiveCluster) -> list[str]:
    return [f"{policy}: {said}" for policy, said in cluster.problems().items()]


def _of_signals(reports: Sequence[QueryReport], governed: Governed) -> list[str]:
    names = governed.fleet.names
    return [
        f"{names[report.workload]} {report.signal.name.lower()}: {report.answer.problem}"
        for report in reports
        if report.answer.problem is not None
    ]


def _shapes_differ(cluster: LiveCluster, shapes: Mapping[str, int]) -> bool:
    """What cannot be told at the moment is no difference."""
    try:
        return cluster.shapes() != dict(shapes)
    except Unavailable:
        return False


def _tried(what: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """Who cannot see the cluster steps aside for nobody, and the next tick says why."""
    try:
        return what()
    except Unavailable:
        return ()
