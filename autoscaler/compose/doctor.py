"""The composition root of the preflight: reads the facts from API server, metric store and files. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from autoscaler.adapters.kubernetes.connection import Connection, connect
from autoscaler.adapters.kubernetes.preflight import Access, Preflight, server_time_s, written_fields
from autoscaler.adapters.kubernetes.resource import NODES
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.compose.doctor_queues import queue_facts
from autoscaler.compose.doctor_signals import answered
from autoscaler.compose.doctor_told import told
from autoscaler.compose.doctor_workloads import Workloads
from autoscaler.compose.link import prometheus_settings
from autoscaler.doctor.examination import examine
from autoscaler.doctor.facts import Definition, Facts, QueueFacts, Told, Unread, WorkloadFacts
from autoscaler.doctor.finding import Check
from autoscaler.doctor.needs import Permission, WorkloadKind, permissions
from autoscaler.doctor.owners import owner_kind
from autoscaler.doctor.queue_needs import queue_permissions
from autoscaler.placeholder.manifest import House
from autoscaler.policy.folder import PolicySet
from autoscaler.ports.clock import ClockPort
from autoscaler.settings import Settings

Progress = Callable[[str], None]
"""Is told what is looked at now."""
AT_ONCE = 8
"""Questions about rights under way at the same time."""
ANSWER_S = 5.0


def examined(
    settings: Settings, found: PolicySet, progress: Progress, clock: ClockPort | None = None
) -> tuple[Check, ...]:
    """All checks. progress: called often. Raises `SettingsError`, and `PortError` where no API server answers."""
    own = SystemClock() if clock is None else clock
    with ExitStack() as ends:
        server = PrometheusServer(prometheus_settings(settings), own)
        ends.callback(server.close)
        connection = connect(settings.kubeconfig, settings.context)
        ends.callback(connection.close)
        progress("the API server")
        transport = Transport(connection, own)
        preflight = Preflight(transport)
        preflight.greet()
        return examine(_facts(settings, found, progress, own, server, connection, transport, preflight))


def _facts(
    settings: Settings, found: PolicySet, progress: Progress, clock: ClockPort, server: PrometheusServer,
    connection: Connection, transport: Transport, preflight: Preflight,
) -> Facts:  # fmt: skip
    house = _house(settings)
    progress("Prometheus")
    api_ahead_s = told(lambda: _ahead_s(clock, lambda: server_time_s(connection)))
    store_ahead_s = told(lambda: _ahead_s(clock, lambda: server.time_s(ANSWER_S)))
    store = store_ahead_s if isinstance(store_ahead_s, Unread) else None
    progress("queries")
    signals = answered(found, server, clock, store)
    progress("nodes and pods")
    nodes = told(lambda: tuple(preflight.each(NODES)))
    looking = Workloads(transport, preflight, found, house, nodes)
    workloads = []
    for policy in found.policies:
        progress(f"policy {policy.name}")
        workloads.append(looking.facts(policy))
    queues = queue_facts(found, preflight)
    progress("permissions")
    return Facts(
        house=house,
        problems=found.problems,
        permissions=_allowed(preflight, settings, workloads, queues),
        store=store,
        api_server_ahead_s=api_ahead_s,
        store_ahead_s=store_ahead_s,
        signals=signals,
        namespace=told(lambda: preflight.namespace(house.namespace)),
        definition=told(lambda: _definition(preflight)),
        priority_class=told(lambda: preflight.priority_class(house.priority_class)),
        cutoff=preflight.cutoff(),
        pools=tuple(found.pools),
        nodes=nodes,
        node_pools=told(preflight.node_pools),
        workloads=tuple(workloads),
        queues=queues,
    )


def _house(settings: Settings) -> House:
    return House(
        settings.namespace, settings.placeholder_image, settings.placeholder_priority_class,
        settings.placeholder_labels, settings.placeholder_annotations,
    )  # fmt: skip


def _ahead_s(clock: ClockPort, ask: Callable[[], float]) -> float:
    """By how much another clock is ahead of ours, both read at the same moment, half of the way there and back."""
    before_s = clock.wall_s()
    theirs_s = ask()
    return theirs_s - (before_s + clock.wall_s()) / 2.0


def _definition(preflight: Preflight) -> Definition | None:
    versions = preflight.plan_versions()
    return Definition(versions, told(preflight.plan_fields), written_fields()) if versions else None


def _allowed(
    preflight: Preflight, settings: Settings, workloads: list[WorkloadFacts], queues: tuple[QueueFacts, ...]
) -> tuple[tuple[Permission, Told[bool]], ...]:
    kinds = [
        WorkloadKind(
            one.policy.model.workload.namespace,
            one.kind.group,
            one.kind.plural,
            one.kind.scales,
            owner_kind(one),
            one.policy.model.scale_in.pod_deletion_cost,
        )
        for one in workloads
        if one.kind is not None and not isinstance(one.kind, Unread)
    ]
    asked = (*permissions(settings.namespace, settings.lease, kinds), *queue_permissions(queues))

    def may(one: Permission) -> Told[bool]:
        return told(lambda: preflight.may(Access(one.namespace, one.group, one.resource, one.verb, one.name)))

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="rights") as threads:
        return tuple(zip(asked, threads.map(may, asked), strict=True))
