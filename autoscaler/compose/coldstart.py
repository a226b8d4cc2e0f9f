"""Starts of a live cluster: what its objects, the records and whoever stamps stages tell of them."""

from __future__ import annotations

from autoscaler.adapters.system_clock import SystemClock
from autoscaler.compose.link import Link, linked
from autoscaler.compose.live_world import LiveWorld
from autoscaler.controller.in_force import InForce
from autoscaler.evaluation.waterfall.seen import Seen
from autoscaler.policy.folder import PolicySet
from autoscaler.ports.errors import PortError
from autoscaler.settings import Settings

UNLISTED = "events and node claims are not listed yet: only what a controller has saved is told; look again"


def starts(settings: Settings, found: PolicySet) -> Seen:
    """One look at the live cluster, and at what a controller there has saved; writes nothing.

    Raises `SettingsError`, and `PortError` where cluster or policies cannot be read.
    """
    clock = SystemClock()
    with linked(settings, clock) as link:
        world = LiveWorld(settings, link.transport, link.plans, link.server, clock)
        in_force = world.govern(found)
        late = () if world.tells_starts() else (UNLISTED,)
        in_files = tuple(str(problem) for problem in found.problems)
        try:
            problems = (*in_files, *late, *_remembered(link, in_force))
            fleet = in_force.policies.fleet
            gpus = {name: int(count) for name, count in zip(fleet.names, fleet.gpus_per_replica, strict=True)}
            told = () if in_force.leads is None else tuple(in_force.leads.starts())
            pools = {pool.name: pool for pool in fleet.pools}
            return Seen(told, pools, gpus, clock.wall_s(), (*problems, *in_force.problems()))
        finally:
            in_force.close()


def _remembered(link: Link, in_force: InForce) -> tuple[str, ...]:
    """Adds the starts of the records to those of the look; what of them cannot be read, one line each."""
    records = link.records()
    try:
        problems = list(records.read())
    except PortError as error:
        return (str(error),)
    for policy in in_force.policies.fleet.names:
        kept = records.of(policy).lead_times
        try:
            if kept and in_force.leads is not None:
                in_force.leads.restore(policy, kept)
        except ValueError as error:
            problems.append(str(error))
    return tuple(problems)
