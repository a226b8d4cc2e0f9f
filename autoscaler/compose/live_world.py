"""Policies taken into force on a real cluster and a real Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from autoscaler.adapters.kubernetes.cluster.live import MANAGER, LiveCluster
from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.adapters.kubernetes.plans.capacity_plans import CapacityPlans
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.adapters.kubernetes.waiting.live_queue import LiveQueue
from autoscaler.adapters.prometheus.answer import QueryReport
from autoscaler.adapters.prometheus.metrics import Key, PrometheusMetrics
from autoscaler.adapters.prometheus.past import PrometheusPast
from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.adapters.prometheus.signals import signal_queries
from autoscaler.adapters.prometheus.stamps import PrometheusStamps
from autoscaler.adapters.prometheus.usage import PrometheusUsage
from autoscaler.compose.ownership import OwnedCluster, Owners
from autoscaler.compose.stamped import StampedStarts
from autoscaler.compose.stopped import AnyPolicy, Stopped
from autoscaler.compose.used import UsedGpus
from autoscaler.controller.cycle import Ports
from autoscaler.controller.in_force import InForce, Swept
from autoscaler.controller.leads import LeadsInForce
from autoscaler.domain.gang import Gang
from autoscaler.placeholder.manifest import House
from autoscaler.policy.check import PolicyDocument
from autoscaler.policy.compile import compile_fleet
from autoscaler.policy.compile_queue import with_queues
from autoscaler.policy.folder import PolicySet
from autoscaler.policy.governed import Governed
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import Unavailable
from autoscaler.ports.events import ObjectReference
from autoscaler.settings import Settings

Shapes = tuple[dict[str, int], dict[str, Gang]]
"""By policy name, GPUs a replica, and replicas that are groups of pods."""
LISTED_S = 20.0
"""How long the first lists of a new set of policies may take."""


@dataclass(slots=True)
class _Serving:
    """What serves one set of policies."""

    policies: tuple[PolicyDocument, ...]
    source: PolicySet
    cluster: LiveCluster
    metrics: PrometheusMetrics
    queue: LiveQueue | None

    @property
    def documents(self) -> tuple[AnyPolicy, ...]:
        """All policies, of either kind."""
        return (*self.policies, *tuple[AnyPolicy, ...](self.source.queues))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(document.name for document in self.documents)

    def close(self) -> None:
        if self.queue is not None:
            self.queue.stop()
        self.metrics.close()
        self.cluster.stop()


class LiveWorld:
    """Takes policies into force, but for those that somebody stopped. Writes nothing itself: `InForce` does."""

    def __init__(
        self, settings: Settings, transport: Transport, plans: CapacityPlans, server: PrometheusServer,
        clock: ClockPort,
    ) -> None:  # fmt: skip
        self._settings, self._transport, self._plans = settings, transport, plans
        self._server, self._clock = server, clock
        self._serving: _Serving | None = None
        self._leads = LeadsInForce(settings.node_lead_s, settings.replica_lead_s)
        self._stamped = StampedStarts(PrometheusStamps(server))
        self._used = UsedGpus(PrometheusUsage(server))
        self._stopped = Stopped(plans.take_deleted)
        self._named: frozenset[str] = frozenset()
        self._users = 0

    @property
    def stopped(self) -> frozenset[str]:
        """Names of policies that are out of force since somebody deleted their plan."""
        return self._stopped.names

    def tells_starts(self) -> bool:
        """As `LiveCluster.tells_starts`, of what serves the policies now."""
        return self._serving is not None and self._serving.cluster.tells_starts()

    def govern(self, found: PolicySet) -> InForce:
        """`Govern`: where only the world has changed, what serves the policies goes on."""
        self._plans.read()
        before = self._serving
        self._named = frozenset(document.name for document in (*found.policies, *found.queues))
        found = self._stopped.without(found, () if before is None else before.documents)
        serving = before if before is not None and before.source == found else self._serve(found)
        try:
            shapes = _shapes(serving.cluster)
            self._learn(serving)
            governed = self._compiled(serving, shapes)
        except Exception:
            if serving is not before:
                serving.close()
            raise
        self._serving = serving
        self._users += 1
        return InForce(
            policies=governed,
            ports=Ports(
                serving.metrics, OwnedCluster(serving.cluster, self._plans, governed.fleet.names), serving.queue
            ),
            about=tuple(_about(document) for document in serving.policies),
            past=self._past(serving),
            problems=lambda: self._problems(serving, governed),
            sweep=lambda now_s: self._sweep(serving, now_s),
            attend=lambda now_s: _attended(serving, now_s),
            is_outdated=lambda: self._is_outdated(serving, shapes),
            close=self._closer(serving),
            leads=self._leads,
            via=tuple(document.model.replicas.via for document in serving.policies),
            owners=serving.cluster.owners,
            uses=self._used.usage,
        )

    def _problems(self, serving: _Serving, governed: Governed) -> tuple[str, ...]:
        of_plans = (*self._plans.problems(), *self._stopped.problems(), *self._stamped.problems())
        return (*of_plans, *_of_cluster(serving.cluster), *_of_signals(serving.metrics.reports, governed))

    def _sweep(self, serving: _Serving, now_s: float) -> Swept:
        """Owners first: a placeholder whose owner is not known could be anybody's."""
        self._plans.ensure(name for name in serving.names if name not in self.stopped)
        failed = () if serving.source.problems else self._plans.keep_only(self._named)
        if not self._plans.are_known:
            return Swept(failed=failed)
        swept = serving.cluster.sweep(now_s)
        left = () if serving.queue is None else serving.queue.sweep(now_s)
        return Swept(swept.ended, (*failed, *swept.failed, *left))

    def _is_outdated(self, serving: _Serving, shapes: Shapes) -> bool:
        """Asked in every tick, and so the place to learn."""
        self._learn(serving)
        moved = self._leads.is_outdated(self._clock.wall_s())
        return moved or self._is_stopped(serving) or _shapes_differ(serving.cluster, shapes)

    def _learn(self, serving: _Serving) -> None:
        """Who cannot see the cluster learns later: the objects remember."""
        now_s = self._clock.wall_s()
        with suppress(Unavailable):
            self._leads.learn(self._stamped.take(serving.cluster.starts(now_s), now_s))
        self._used.look(serving.cluster.serving_pods, now_s)

    def _is_stopped(self, serving: _Serving) -> bool:
        """Whether a policy that is served must not be any more."""
        gone = self._plans.deleted() | self.stopped
        return any(name in gone for name in serving.names)

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
        house = House(
            settings.namespace, settings.placeholder_image, settings.placeholder_priority_class,
            settings.placeholder_labels, settings.placeholder_annotations,
        )  # fmt: skip
        owners = Owners(self._plans, [policy.name for policy in policies])
        cluster = LiveCluster(self._transport, policies, found.pools, house, owners)
        queue = self._queue(found, cluster, house)
        if queue is not None:
            cluster.tell(queue.told_pod)
        cluster.start()
        if not cluster.wait_listed(LISTED_S):
            cluster.stop()
            raise Unavailable(f"the cluster was not listed within {LISTED_S:g} s; check the API server and our rights")
        metrics = PrometheusMetrics(self._server, self._clock, len(policies), _queries(policies))
        if queue is not None:
            queue.start()
            queue.wait_listed(LISTED_S)
        return _Serving(policies, found, cluster, metrics, queue)

    def _queue(self, found: PolicySet, cluster: LiveCluster, house: House) -> LiveQueue | None:
        """What will serve policies for queued work; None where there are none."""
        if not found.queues:
            return None
        objects = Objects(self._transport, MANAGER)
        owners = Owners(self._plans, [document.name for document in found.queues])
        return LiveQueue(self._transport, objects, cluster, found.queues, found.pools, house, owners)

    def _compiled(self, serving: _Serving, shapes: Shapes) -> Governed:
        homes = {document.name: document.model.pools.primary[0] for document in serving.policies}
        leads = self._leads.take(homes, self._clock.wall_s())
        self._used.usage.keep_only(homes.keys())
        source = serving.source
        gpus, gangs = shapes
        governed = compile_fleet(serving.policies, source.pools, gpus, leads, budgets=source.budgets, gangs=gangs)
        return replace(with_queues(governed, source.queues), wishes=self._plans)

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
    return [*(f"{policy}: {said}" for policy, said in cluster.problems().items()), *cluster.unread()]


def _of_signals(reports: Sequence[QueryReport], governed: Governed) -> list[str]:
    names = governed.fleet.names
    return [
        f"{names[report.workload]} {report.signal.name.lower()}: {report.answer.problem}"
        for report in reports
        if report.answer.problem is not None
    ]


def _shapes(cluster: LiveCluster) -> Shapes:
    gpus = cluster.shapes()
    return gpus, cluster.gangs()


def _shapes_differ(cluster: LiveCluster, shapes: Shapes) -> bool:
    """What cannot be told at the moment is no difference."""
    try:
        return _shapes(cluster) != shapes
    except Unavailable:
        return False


def _attended(serving: _Serving, now_s: float) -> tuple[str, ...]:
    """Steps aside for who waits; what went wrong, one line each."""
    queue = serving.queue
    failed = _tried(lambda: serving.cluster.step_aside(now_s))
    return failed if queue is None else (*failed, *_tried(lambda: queue.attend(now_s)))


def _tried(what: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """Who cannot see the cluster steps aside for nobody, and the next tick says why."""
    try:
        return what()
    except Unavailable:
        return ()
