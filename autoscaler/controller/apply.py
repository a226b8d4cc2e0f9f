"""Applies actions through the cluster port: one outcome each; a failure stops none of the others."""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.domain.action import Action, CreatePlaceholder, Outcome, SetFloor
from autoscaler.ports.cluster import ClusterPort
from autoscaler.ports.errors import PortError


def apply(actions: Sequence[Action], cluster: ClusterPort) -> list[Outcome]:
    """Every action once, in order. What was refused or failed is in its outcome; the next tick decides again."""
    outcomes = []
    for action in actions:
        try:
            _apply_one(action, cluster)
            outcomes.append(Outcome(action))
        except PortError as error:
            outcomes.append(Outcome(action, f"{type(error).__name__}: {error}"))
    return outcomes


def _apply_one(action: Action, cluster: ClusterPort) -> None:
    if isinstance(action, SetFloor):
        cluster.set_floor(action.workload, action.replicas)
    elif isinstance(action, CreatePlaceholder):
        cluster.create_placeholder(action.workload, action.pool, action.slot)
    else:
        cluster.delete_placeholder(action.workload, action.pool, action.slot)
