"""Actions: the differences between a plan and the inventory. Each is idempotent and carries its own reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SetFloor:
    """Ask the owner of a workload's replicas for at least `replicas`."""

    workload: int
    replicas: int


@dataclass(frozen=True, slots=True)
class CreatePlaceholder:
    """Create the placeholder of this slot; done already where the slot exists."""

    workload: int
    pool: int
    slot: int


@dataclass(frozen=True, slots=True)
class DeletePlaceholder:
    """Delete the placeholder of this slot; done already where it is gone."""

    workload: int
    pool: int
    slot: int


Action = SetFloor | CreatePlaceholder | DeletePlaceholder


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one action: `error` is None where it was done, else the port's own words."""

    action: Action
    error: str | None = None
