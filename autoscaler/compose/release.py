"""Gives back all that the controller holds on a cluster, for who takes it away."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event

from autoscaler.adapters.kubernetes.cluster.scales import Scales
from autoscaler.adapters.kubernetes.connection import connect
from autoscaler.adapters.kubernetes.election import Election, ElectionSettings
from autoscaler.adapters.kubernetes.listing import Selection, pages
from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.adapters.kubernetes.owners.floors import Floors
from autoscaler.adapters.kubernetes.plans.capacity_plans import CapacityPlans
from autoscaler.adapters.kubernetes.resource import PODS
from autoscaler.adapters.kubernetes.store import ConfigMapStore
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.compose.link import MANAGER
from autoscaler.controller.keeper import Keeper
from autoscaler.controller.records import FORM, Records
from autoscaler.placeholder.manifest import PLACEHOLDER, ROLE
from autoscaler.placeholder.queued import QUEUED
from autoscaler.settings import Settings

HELD_S = 600
"""The lead is kept so long: until then no controller that still runs takes anything up again."""
GONE_WITHIN_S = 60.0
"""The garbage collector of the cluster deletes placeholders after their plans."""
LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Held:
    """What the controller holds: floors to be given back, one line each; names of plans; the number of placeholders."""

    floors: tuple[str, ...]
    plans: tuple[str, ...]
    placeholders: int


@dataclass(slots=True)
class _House:
    """All that is ours on one cluster."""

    settings: Settings
    clock: SystemClock
    transport: Transport
    objects: Objects
    keeper: Keeper
    plans: CapacityPlans

    def placeholders(self) -> int:
        chosen = Selection(PODS, self.settings.namespace, labels=f"{ROLE} in ({PLACEHOLDER}, {QUEUED})")
        return sum(len(page.items) for page in pages(self.transport, chosen))


def held(settings: Settings) -> tuple[Held, tuple[str, ...]]:
    """What is held, and what of it cannot be read, one line each. Writes nothing. Raises `PortError`."""
    with _house(settings) as house:
        problems = house.keeper.begin()[1]
        house.plans.read()
        return Held(house.keeper.held(), house.plans.names(), house.placeholders()), problems


def release(settings: Settings, tell: Callable[[str], None]) -> tuple[str, ...]:
    """Takes the lead from whoever runs, gives floors back, and deletes plans, placeholders and records.

    What could not be done, one line each; all of it can be done again. tell: is told each step. Raises `PortError`.
    """
    with _house(settings) as house:
        _stop_others(house, tell)
        problems = [*house.keeper.begin()[1]]
        problems += house.keeper.release(None, is_complete=True)
        for note in house.keeper.notes():
            tell(note)
        house.plans.read()
        problems += house.plans.keep_only(())
        tell("waiting for the placeholders to go")
        left = _wait_gone(house)
        if left:
            problems.append(f"{left} placeholders still stand after {GONE_WITHIN_S:g} s; delete the pods by hand")
        return tuple(problems)


def _stop_others(house: _House, tell: Callable[[str], None]) -> None:
    settings = house.settings
    identity = f"release-{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
    election = ElectionSettings(settings.namespace, settings.lease, identity, HELD_S, HELD_S / 2.0)
    Election(house.objects, house.clock, election).seize()
    wait_s = settings.lease_s / 1.5
    tell(f"the lead is taken; waiting {wait_s:g} s for the controller to see it")
    house.clock.wait(wait_s, Event())


def _wait_gone(house: _House) -> int:
    """How many placeholders are left in the end."""
    until_s = house.clock.monotonic_s() + GONE_WITHIN_S
    left = house.placeholders()
    while left and house.clock.monotonic_s() < until_s:
        house.clock.wait(LOOK_S, Event())
        left = house.placeholders()
    return left


@contextmanager
def _house(settings: Settings) -> Iterator[_House]:
    clock = SystemClock()
    connection = connect(settings.kubeconfig, settings.context)
    try:
        transport = Transport(connection, clock)
        objects = Objects(transport, MANAGER)
        records = Records(ConfigMapStore(transport, objects, settings.namespace, FORM))
        plans = CapacityPlans(transport, objects, settings.namespace)
        floors = Floors(objects, Scales(transport, objects))
        yield _House(settings, clock, transport, objects, Keeper(records, floors), plans)
    finally:
        connection.close()
