"""Waking: what a workload that may go to zero costs who comes first, as it is known now."""

from __future__ import annotations

from autoscaler.controller.in_force import Leads
from autoscaler.controller.tick import Tick
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.lead_time import WakeUp


def wake_up(tick: Tick, w: int) -> WakeUp | None:
    """Of the workload in row `w`; None where it never goes to zero, and where nothing was seen of it."""
    if tick.in_force is None or tick.report is None or tick.report.observation is None:
        return None
    fleet, leads = tick.in_force.policies.fleet, tick.in_force.leads
    if fleet.min_replicas[w] > 0 or leads is None:
        return None
    has_node = _has_node(tick.report.observation.inventory, fleet, w)
    node_s, replica_s = leads.middle_s(fleet.names[w])
    planned_s = float(fleet.replica_lead_s[w] if has_node else fleet.lead_s[w])
    learned = is_learned(leads, fleet.names[w])
    return WakeUp(tick.every_s / 2.0, 0.0 if has_node else node_s, replica_s, tick.every_s + planned_s, learned)


def is_learned(leads: Leads, policy: str) -> bool:
    """Whether a start of it was seen: what is planned with until then is no measurement."""
    return any(one.policy == policy for one in leads.quantiles())


def _has_node(inventory: Inventory, fleet: Fleet, w: int) -> bool:
    """A placeholder of its own holds its room, or a whole node of a pool of its is free: parts may lie apart."""
    if any(one.workload == w and one.bound for one in inventory.placeholders):
        return True
    mine = fleet.primary[w] | fleet.burst[w]
    gpus = int(fleet.gpus_per_replica[w])
    needed = [1 if gpus == 1 else max(gpus, pool.gpus_per_node) for pool in fleet.pools]
    return bool((mine & (inventory.free_gpus >= needed)).any())
