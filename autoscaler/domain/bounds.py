"""Bounds: what schedules and people say at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from autoscaler.domain.arrays import Bools, Floats

DAY_S = 86_400.0
LIKE_S = (7.0 * DAY_S, DAY_S)
"""How long ago the time of day was the same: first with the same weekday."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What schedules say now for the lead time ahead, float [W]: at_least 0, at_most inf and factor 1 where nothing.

    at_least: for the replica's lead time alone; room_at_least: for the whole one, from when on room must be made.
    event_s: float [W], when an event that is near or in force began to count, in the time of the run. like_s: float
    [W, 2], those of `LIKE_S` at which no event was near, NaN for the others.
    override: float [W], the floor that a person has set, NaN where nobody has; None where nobody has at all.
    paused: bool [W], where a person wants nothing moved; None where nowhere.
    """

    at_least: Floats
    at_most: Floats
    factor: Floats = field(default_factory=lambda: np.ones(1))
    event_s: Floats = field(default_factory=lambda: np.full(1, np.nan))
    like_s: Floats = field(default_factory=lambda: np.full((1, len(LIKE_S)), np.nan))
    override: Floats | None = None
    paused: Bools | None = None
    room_at_least: Floats = field(default_factory=lambda: np.zeros(1))

    @staticmethod
    def none(workloads: int) -> Bounds:
        """Bounds of workloads without schedules, of which nobody wishes anything."""
        nothing = np.full(workloads, np.nan)
        return Bounds(
            np.zeros(workloads),
            np.full(workloads, np.inf),
            np.ones(workloads),
            nothing,
            np.stack([nothing] * len(LIKE_S), axis=1),
            room_at_least=np.zeros(workloads),
        )
