"""Plans: what one tick decided, with its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from functools import lru_cache

from autoscaler.domain.arrays import Flags, Floats, Ints


class Reason(IntFlag):
    """Why a floor is what it is. A plan carries every one that moved it."""

    FORECAST = 1
    """The planner's own target."""
    REACTIVE = 2
    """Requests are late or the queue grows: at least the demand now."""
    SCHEDULE_AT_LEAST = 4
    SCHEDULE_AT_MOST = 8
    HOLD = 16
    """A surplus is kept until it has been idle for the break-even time."""
    SIGNAL_MISSING = 32
    """No signal: nothing is released, the last good target stands."""
    SIGNAL_RECOVERING = 64
    """A signal is back after a gap: nothing is released yet."""
    MINIMUM = 128
    MAXIMUM = 256
    POOL_LIMIT = 512
    """The pools cannot hold more."""
    RECURRENCE = 1024
    """What usually comes at this time of day."""
    SCHEDULE_MULTIPLY = 2048
    """An announced event: a multiple of what there would be without it."""
    BUDGET = 4096
    """The budget does not allow more."""
    OVERRIDE = 8192
    """A person has set the floor."""
    PAUSED = 16384
    """A person wants nothing moved."""
    GANG = 4194304
    """Replicas are groups of several pods: room for a whole group is made before the group is asked for."""
    WOKEN = 32768
    """Nobody is ready, and a request came or waits: at least one replica."""
    OWNER_MINIMUM = 65536
    """What the user of the HPA, or of another owner of the replicas, wrote there as the minimum."""
    OWNER_MAXIMUM = 131072
    """The owner of the replicas allows no more."""
    STEP = 262144
    """A floor moves by so much at a time and no more: no owner slows one down."""
    ROLLOUT = 1048576
    """More, in place of the replicas that a rollout takes away while it lasts."""


REASON_WORDS = {
    Reason.FORECAST: "forecast",
    Reason.WOKEN: "woken by the first request",
    Reason.REACTIVE: "late or growing queue",
    Reason.SCHEDULE_AT_LEAST: "schedule atLeast",
    Reason.SCHEDULE_AT_MOST: "schedule atMost",
    Reason.SCHEDULE_MULTIPLY: "schedule multiply",
    Reason.HOLD: "hold",
    Reason.RECURRENCE: "recurring burst",
    Reason.ROLLOUT: "rollout",
    Reason.SIGNAL_MISSING: "signal missing",
    Reason.SIGNAL_RECOVERING: "signal recovering",
    Reason.MINIMUM: "minimum",
    Reason.MAXIMUM: "maximum",
    Reason.BUDGET: "budget",
    Reason.OWNER_MINIMUM: "owner's minimum",
    Reason.OVERRIDE: "override",
    Reason.OWNER_MAXIMUM: "owner's maximum",
    Reason.STEP: "step",
    Reason.GANG: "room for a whole group first",
    Reason.POOL_LIMIT: "pool limit",
    Reason.PAUSED: "paused",
}


@lru_cache(maxsize=1024)
def reason_text(bits: int) -> str:
    """The reasons of one workload in words, in the order in which they were applied."""
    return "; ".join(word for flag, word in REASON_WORDS.items() if bits & flag)


@dataclass(frozen=True, slots=True)
class Plan:
    """One tick's decision.

    floor: int [W], replicas to ask for now. placeholders: int [W, P], placeholders wanted.
    target: float [W], what the planner wanted before any guard, NaN where it had no opinion.
    reasons: `Reason` bits [W]. level: float [W], the outer loop's knob.
    """

    floor: Ints
    placeholders: Ints
    target: Floats
    reasons: Flags
    level: Floats
