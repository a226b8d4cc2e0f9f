"""Rollouts in progress: the replicas that make up for those that are away, and room for those that run beyond.

Both stand only while something moves, and both are on top of what is planned else: no hold keeps them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autoscaler.domain.arrays import Flags, Floats, Ints
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.observation import Observation
from autoscaler.domain.plan import Reason

ROLLOUT = int(Reason.ROLLOUT)


def lifts(floor: Floats, inventory: Inventory, fleet: Fleet) -> Floats:
    """How many more to ask for so that `floor` (float [W]) serve all along, float [W]; 0 where floors are not ours.

    Once all new ones are there, or on their way, one more would come no sooner: then those that were asked for stay.
    """
    more = np.zeros(fleet.size)
    for w, rollout in enumerate(inventory.rollouts):
        if rollout is not None and fleet.moves[w]:
            asked = max(float(inventory.floor[w] - floor[w]), 0.0)
            most = np.inf if rollout.left > 0 else asked
            more[w] = min(rollout.lift(int(floor[w])), most)
    return more


def lifted(floor: Floats, reasons: Flags, inventory: Inventory) -> Floats:
    """How many of a floor (float [W]) that a rollout has raised may be away, float [W]: they are no room to grow."""
    found = np.zeros(floor.size)
    for w, rollout in enumerate(inventory.rollouts):
        if rollout is not None and int(reasons[w]) & ROLLOUT:
            found[w] = rollout.missing(int(floor[w]))
    return found


def surge_to_come(inventory: Inventory, fleet: Fleet) -> Ints:
    """Replicas beyond those asked for that are not there yet, int [W]: those that are Pending are on order already."""
    found = np.zeros(fleet.size, dtype=np.int64)
    for w, rollout in enumerate(inventory.rollouts):
        found[w] = 0 if rollout is None else rollout.to_come
    return found


def without_rollouts(observation: Observation) -> Observation:
    """The observation of who knows of none."""
    if not observation.inventory.rollouts:
        return observation
    return replace(observation, inventory=replace(observation.inventory, rollouts=()))
