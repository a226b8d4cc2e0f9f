"""Waking: what a workload that may go to zero costs who comes first, as it is known now."""

from __future__ import annotations

import numpy as np

from autoscaler.controller.in_force import Leads
from autoscaler.controller.tick import Tick
from autoscaler.domain.arrays import Bools
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.lead_time import WakeUp


def wake_ups(tick: Tick) -> dict[str, WakeUp]:
    """By policy, of those that may go to zero; none where nothing was seen."""
    if tick.in_force is None or tick.in_force.leads is None:
        return {}
    if tick.report is None or tick.report.observation is None:
        return {}
    fleet, leads = tick.in_force.policies.fleet, tick.in_force.leads
    may_sleep = np.flatnonzero(fleet.min_replicas == 0).tolist()
    if not may_sleep:
        return {}
    there, seen = _with_a_node(tick.report.observation.inventory, fleet), learned(leads)
    found = {}
    for w in may_sleep:
        name, has_node = fleet.names[w], bool(there[w])
        node_s, replica_s = leads.middle_s(name)
        planned_s = float(fleet.replica_lead_s[w] if has_node else fleet.lead_s[w])
        node_s = 0.0 if has_node else node_s
        found[name] = WakeUp(tick.every_s / 2.0, node_s, replica_s, tick.every_s + planned_s, name in seen)
    return found


def learned(leads: Leads) -> frozenset[str]:
    """Policies of which a start was seen: what is planned with until then is no measurement."""
    return frozenset(one.policy for one in leads.quantiles())


def _with_a_node(inventory: Inventory, fleet: Fleet) -> Bools:
    """Where a placeholder of its own holds its room, or a whole node of a pool of its is free, bool [W]: parts may lie
    apart."""
    held = np.zeros(fleet.size, dtype=bool)
    held[[one.workload for one in inventory.placeholders if one.bound]] = True
    whole = np.array([pool.gpus_per_node for pool in fleet.pools], dtype=np.int64)
    gpus = fleet.gpus_per_replica[:, None]
    fits = inventory.free_gpus >= np.where(gpus == 1, 1, np.maximum(gpus, whole))
    out: Bools = held | ((fleet.primary | fleet.burst) & fits).any(axis=1)
    return out
