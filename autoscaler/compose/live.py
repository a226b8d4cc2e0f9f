"""The composition root of the live controller: the one place that knows the API server, Prometheus and the clock."""

from __future__ import annotations

import os
import socket
import uuid
from contextlib import ExitStack

from prometheus_client import CollectorRegistry, ProcessCollector

from autoscaler.adapters.kubernetes.cluster.scales import Scales
from autoscaler.adapters.kubernetes.election import ElectionSettings
from autoscaler.adapters.kubernetes.events import EventRecorder
from autoscaler.adapters.kubernetes.lease import LeaseLeadership
from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.adapters.kubernetes.owners.floors import Floors
from autoscaler.adapters.kubernetes.transport import Transport, TransportSettings
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.compose.link import MANAGER, Link, linked
from autoscaler.compose.live_world import LiveWorld
from autoscaler.compose.stop_signals import stop_signals
from autoscaler.controller import runner
from autoscaler.controller.beginning import Rhythm, begun
from autoscaler.controller.cycle import LoopState, Ports, cycle
from autoscaler.controller.dry import DryCluster, DryQueue
from autoscaler.controller.health import Health
from autoscaler.controller.in_force import InForce
from autoscaler.controller.keeper import Keeper
from autoscaler.controller.recovery import stand_by
from autoscaler.controller.service import Service
from autoscaler.controller.tick import Tick
from autoscaler.policy.folder import PolicyFolder, PolicySet
from autoscaler.ports.errors import PortError
from autoscaler.settings import Settings
from autoscaler.telemetry.events import LoopEvents
from autoscaler.telemetry.log import LoopLog, logger
from autoscaler.telemetry.metrics import LoopMetrics
from autoscaler.telemetry.plan_status import LoopPlans
from autoscaler.telemetry.start_pages import LeadTimePages
from autoscaler.telemetry.targets import LoopTargets
from autoscaler.web.probes import ProbeServer

TICKS_MISSED = 10
"""So many ticks without an end of one, and the process is taken for dead."""
TARGETS, LEAD_TIMES = "/api/v1/targets", "/api/v1/lead-times"
STALE_TICKS, STALE_S = 4, 30.0
"""A plan that is so many ticks old, and so many seconds at least, is published no more."""
QUICK_S = 4.0
"""Longest call for the lease, of 15 s: one that hangs leaves time for another."""


def run(settings: Settings) -> bool:
    """Runs the controller until SIGTERM or SIGINT; False where its last tick did not end in time.

    Raises `SettingsError`, `PortError` (no way to the cluster), OSError (the address to listen on).
    """
    clock = SystemClock()
    with linked(settings, clock) as link, ExitStack() as ends, stop_signals() as stopping:
        identity = settings.identity or socket.gethostname()
        events = EventRecorder(link.objects, clock, identity)
        log, metrics = logger(settings.log_format), LoopMetrics()
        ProcessCollector(registry=metrics.registry)
        limit_s = TICKS_MISSED * settings.tick_s + settings.history_s
        health = Health(clock, limit_s)
        events.start()
        ends.callback(events.stop)
        quick = Transport(link.connection, clock, TransportSettings(deadline_s=QUICK_S))
        leadership, plans = _leadership(quick, clock, settings), link.plans
        plans.start()
        ends.callback(plans.stop)
        targets = LoopTargets(clock, max(STALE_S, STALE_TICKS * settings.tick_s), plans.shown)
        metrics.registry.register(targets)
        lead_times = LeadTimePages(metrics.starts)
        probes = _probes(settings, metrics.registry, health, targets, lead_times)
        probes.start()
        ends.callback(probes.stop)
        world = LiveWorld(settings, link.transport, plans, link.server, clock)
        service = Service(
            PolicyFolder(settings.policies), world.govern, leadership, clock,
            (LoopLog(log), metrics, LoopEvents(events), LoopPlans(plans), targets, health),
            Rhythm(settings.tick_s, settings.history_s), _keeper(link),
        )  # fmt: skip
        log.info("started", policies=str(settings.policies), listen=f"{settings.address[0]}:{probes.port}")
        ended = runner.run(service, leadership, clock, settings.tick_s, settings.stop_s, stopping)
        log.info("stopped" if ended else "stopped in the middle of a tick")
    return ended


def plan(settings: Settings, found: PolicySet) -> Tick:
    """One tick against the live cluster that writes nothing.

    Raises `SettingsError`, and `PortError` where cluster or policies cannot be read.
    """
    clock = SystemClock()
    with linked(settings, clock) as link, ExitStack() as ends:
        world = LiveWorld(settings, link.transport, link.plans, link.server, clock)
        in_force = world.govern(found)
        ends.callback(in_force.close)
        began_s, now_s = clock.monotonic_s(), clock.wall_s()
        rhythm = Rhythm(settings.tick_s, settings.history_s)
        state, notes = begun(in_force, now_s, rhythm)
        keeper = _keeper(link)
        said = _recalled(keeper, in_force, state)
        stand_by(state, in_force.policies.fleet, in_force.ports.cluster.inventory(now_s), now_s)
        cluster = DryCluster(keeper.holding(in_force, now_s).inventory)
        queue = None if in_force.ports.queue is None else DryQueue(in_force.ports.queue)
        _, report = cycle(now_s, state, in_force.policies, Ports(in_force.ports.metrics, cluster, queue))
        seen = (report.error, None if report.queue is None else report.queue.error)
        problems = (*said, *(line for line in seen if line is not None), *in_force.problems())
        in_files = tuple(str(problem) for problem in found.problems)
        took_s = clock.monotonic_s() - began_s
        return Tick(now_s, took_s, False, in_force, report, None, in_files, problems, notes, every_s=rhythm.tick_s)


def _probes(
    settings: Settings, registry: CollectorRegistry, health: Health, targets: LoopTargets, lead_times: LeadTimePages
) -> ProbeServer:
    """Raises OSError where the address cannot be had."""
    checks = {"/healthz": health.why_not_alive, "/readyz": health.why_not_ready}
    pages = {TARGETS: lambda policy: targets.one(policy) if policy else targets.all(), LEAD_TIMES: lead_times.page}
    return ProbeServer(*settings.address, registry, checks, pages)


def _keeper(link: Link) -> Keeper:
    return Keeper(link.records(), Floors(link.objects, Scales(link.transport, link.objects)))


def _recalled(keeper: Keeper, in_force: InForce, state: LoopState) -> tuple[str, ...]:
    """Goes on from the records as far as they can be read; what cannot, one line each."""
    try:
        _, problems = keeper.begin()
    except PortError as error:
        return (str(error),)
    return (*problems, *keeper.recall(in_force, state, everything=True))


def _leadership(transport: Transport, clock: SystemClock, settings: Settings) -> LeaseLeadership:
    """Its times are in the proportions of the usual 15, 10 and 2 s."""
    identity = f"{settings.identity or socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    times = {"duration_s": settings.lease_s, "renew_s": settings.lease_s / 1.5, "retry_s": settings.lease_s / 7.5}
    election = ElectionSettings(settings.namespace, settings.lease, identity, **times)  # type: ignore[arg-type]
    return LeaseLeadership(Objects(transport, MANAGER), clock, election)
